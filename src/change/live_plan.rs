//! Plans a file now: reads the live quotas, names and usage, and compares the file with them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::warn;

use super::doubtful_usage;
use super::explains;
pub(crate) use super::live::LiveState;
use super::parse::ChangeFile;
use super::plan::{Outline, PlanContext, SetByRuns, VanishedQuotas, effective, outline, plan};
use crate::change::plan::{Plan, PlanRow};
use crate::change::services::Services;
use crate::collect::{Reading, first_ids};
use crate::domain::known::BELIEVED_AFTER;
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{Aid, OrgId, Organization, Snapshot, Target, WithQuota};
use crate::history::History;

/// What else counts for a plan: by default nothing, as for a file that was just typed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlanOptions<'a> {
    /// The file restores what a run changed.
    pub undo: bool,
    /// When the run is due that waits for its time.
    pub due: Option<DateTime<Utc>>,
    /// Rows that are planned as if they were done.
    pub assumed_done: &'a [PlanRow],
}

/// The plan of a file against what is live now. Usage is read of the organizations alone in which something would change.
pub(crate) async fn live_plan(
    services: &Services<'_>,
    file: &ChangeFile,
    options: &PlanOptions<'_>,
) -> anyhow::Result<Plan> {
    LiveState::read(services).await?.plan(services, file, options).await
}

/// The same against what was read for an earlier file of this pass, and when that was. A plan of which something `is_sent`
/// is made against what is live now.
pub(crate) async fn plan_in_pass(
    services: &Services<'_>,
    file: &ChangeFile,
    options: &PlanOptions<'_>,
    is_sent: impl Fn(&Plan) -> bool,
) -> anyhow::Result<(Plan, Instant)> {
    let earlier = match services.shared_reading.take(services.clock.steady()) {
        Some(mut live) => Some((live.plan(services, file, options).await?, live)),
        None => None,
    };
    let (plan, live) = match earlier {
        Some((plan, live)) if !is_sent(&plan) => (plan, live),
        _ => {
            let mut live = Box::new(LiveState::read(services).await?);
            (live.plan(services, file, options).await?, live)
        }
    };
    let read_at = live.read_at;
    services.shared_reading.keep(live);
    Ok((plan, read_at))
}

/// Whether the API still shows a billing cycle of one of these organizations that ended lately: it counts usage by the hour.
pub(crate) async fn shows_ended_cycle(services: &Services<'_>, of: &BTreeSet<OrgId>) -> anyhow::Result<bool> {
    let mut live = match services.shared_reading.take(services.clock.steady()) {
        Some(live) => live,
        None => Box::new(LiveState::read(services).await?),
    };
    live.read_usage(services, of).await?;
    let now = services.now();
    let ended_lately = |end: DateTime<Utc>| end <= now && now - end < BELIEVED_AFTER;
    let ends = of.iter().filter_map(|org_id| live.reading.snapshot.organization(org_id)?.period_end);
    let is_ended = ends.into_iter().any(ended_lately);
    services.shared_reading.keep(live);
    Ok(is_ended)
}

impl LiveState {
    /// What is live of quotas and names, by the API.
    pub(crate) async fn read(services: &Services<'_>) -> anyhow::Result<Self> {
        let read_at = services.clock.steady();
        let reading = Reading::targets(services.api.get()?, true, services.now()).await?;
        Ok(Self::new(reading, read_at))
    }

    /// The plan of a file against it, with the usage that counts for that file.
    pub(crate) async fn plan(
        &mut self,
        services: &Services<'_>,
        file: &ChangeFile,
        options: &PlanOptions<'_>,
    ) -> anyhow::Result<Plan> {
        let config = services.config;
        let rule = config.usage.rule();
        let context = PlanContext {
            undo: options.undo,
            due: options.due,
            zone: config.schedule.timezone,
            ..PlanContext::new(&config.guard, config.inbox.mode, &rule)
        };
        let Outline { organizations, all_must_show, lowered, is_stale } =
            outline(file, &as_if_done(&self.reading.snapshot, options.assumed_done), &context);
        self.find_vanished(services, all_must_show)?;
        self.read_usage(services, &organizations).await?;
        self.forget_doubtful_usage(services, &lowered)?;
        if self.last_cycle.is_none() {
            self.last_cycle =
                Some(services.history.last_cycle(self.reading.snapshot.organizations(), &rule)?);
        }
        if self.set_by.is_none() && is_stale {
            self.set_by = Some(explains::set_since(services.runs(), DateTime::UNIX_EPOCH));
        }
        let context = PlanContext {
            largest: &self.reading.top_consumers,
            last_cycle: self.last_cycle.as_ref().unwrap_or(LastCycle::empty()),
            set_by: self.set_by.as_ref().unwrap_or(SetByRuns::empty()),
            vanished: &self.vanished,
            ..context
        };
        Ok(plan(file, &as_if_done(&self.reading.snapshot, options.assumed_done), &context))
    }

    /// Reads the usage of those of these organizations of which it was not read yet.
    async fn read_usage(&mut self, services: &Services<'_>, of: &BTreeSet<OrgId>) -> anyhow::Result<()> {
        let unread: BTreeSet<OrgId> = of.difference(&self.usage_asked_for).cloned().collect();
        if !unread.is_empty() {
            self.reading.add_usage(services.api.get()?, &unread, &services.config.usage.rule()).await?;
            self.usage_asked_for.extend(unread);
            self.last_cycle = None;
        }
        Ok(())
    }

    /// Holds the usage of organizations in which quotas are lowered against the same snapshots as quotas that went.
    fn forget_doubtful_usage(
        &mut self,
        services: &Services<'_>,
        lowered: &BTreeSet<OrgId>,
    ) -> anyhow::Result<()> {
        let unchecked: BTreeSet<OrgId> = lowered.difference(&self.checked).cloned().collect();
        if unchecked.is_empty() {
            return Ok(());
        }
        forget_doubtful_usage(&mut self.reading.snapshot, &unchecked, services)?;
        self.checked.extend(unchecked);
        Ok(())
    }

    /// Looks into the last snapshot, and the last one that is a day old, for quotas of these organizations that are missing now, as
    /// their targets may be: what an incomplete answer leaves out may be missing from younger snapshots too.
    fn find_vanished(&mut self, services: &Services<'_>, of: BTreeSet<OrgId>) -> anyhow::Result<()> {
        let is_new = |org_id: &OrgId| of.contains(org_id) && !self.looked_for.contains(org_id);
        let snapshot = &self.reading.snapshot;
        let organizations: Vec<&Organization> =
            snapshot.organizations().iter().filter(|now| is_new(&now.id)).collect();
        self.looked_for.extend(of);
        if organizations.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<OrgId> = organizations.iter().map(|now| now.id.clone()).collect();
        let read = |at| Some(Snapshot::of_organizations(at, services.history.only_or_warn(at, &ids)?));
        for_each_believed(services.history, services.now(), read, |before| {
            if before.organizations().iter().any(Organization::has_quota) {
                let set_by = explains::set_since(services.runs(), before.taken_at);
                self.vanished.add(VanishedQuotas::find(organizations.iter().copied(), &before, &set_by));
            }
        })
    }
}

/// Forgets what is read of the usage of these organizations and cannot be so, as [`doubtful_usage`] says.
pub(crate) fn forget_doubtful_usage(
    live: &mut Snapshot,
    of: &BTreeSet<OrgId>,
    services: &Services<'_>,
) -> anyhow::Result<()> {
    let wanted = live.organizations().iter().filter(|own| of.contains(&own.id)).cloned().collect();
    let wanted = Snapshot::of_organizations(live.taken_at, wanted);
    let mut doubtful: BTreeSet<OrgId> = doubtful_usage::forget(live, of, None).into_iter().collect();
    for_each_believed(
        services.history,
        services.now(),
        |at| services.history.like_or_warn(at, &wanted),
        |before| {
            doubtful.extend(doubtful_usage::forget(live, of, Some(&before)));
        },
    )?;
    if !doubtful.is_empty() {
        let doubtful: Vec<OrgId> = doubtful.into_iter().collect();
        let org_ids = first_ids(&doubtful);
        warn!(
            organizations = doubtful.len(),
            org_ids,
            "usage fell within its billing cycle, or belongs to a cycle that is over: it counts as unknown"
        );
    }
    Ok(())
}

/// What was last seen of the quotas of these organizations, without those that runs may have removed since.
pub(crate) fn last_known(services: &Services<'_>, of: &BTreeSet<OrgId>) -> anyhow::Result<WithQuota> {
    let mut known = WithQuota::new();
    let read = |at| Some((at, services.history.with_quota_or_warn(at, of)?));
    for_each_believed(services.history, services.now(), read, |(at, with_quota)| {
        let set_by = explains::set_since(services.runs(), at);
        for (org_id, targets) in with_quota {
            let is_there = |aid: &Option<Aid>| {
                !set_by.may_have_removed(&Target { org_id: org_id.clone(), aid: aid.clone() })
            };
            let targets: BTreeSet<Option<Aid>> = targets.into_iter().filter(is_there).collect();
            known.entry(org_id).or_default().extend(targets);
        }
    })?;
    Ok(known)
}

/// Looks into the snapshots by which an answer is believed or not, as far as they can be read: the last one that is a day old, else
/// the first, and the last of all. One after the other: each may show a million targets.
pub(super) fn for_each_believed<T>(
    history: &History,
    now: DateTime<Utc>,
    read: impl Fn(DateTime<Utc>) -> Option<T>,
    mut look: impl FnMut(T),
) -> anyhow::Result<()> {
    let all = history.until(now)?;
    let read = |at: &DateTime<Utc>| Some((*at, read(*at)?));
    let (old, young) = all.split_at(all.partition_point(|at| *at <= now - BELIEVED_AFTER));
    let mut first = None;
    if let Some((at, seen)) = old.iter().rev().find_map(read).or_else(|| young.iter().find_map(read)) {
        first = Some(at);
        look(seen);
    }
    let younger = young.iter().rev().take_while(|at| Some(**at) != first);
    if let Some((_, seen)) = younger.into_iter().find_map(read) {
        look(seen);
    }
    Ok(())
}

fn as_if_done<'s>(live: &'s Snapshot, done: &[PlanRow]) -> Cow<'s, Snapshot> {
    if done.is_empty() {
        Cow::Borrowed(live)
    } else {
        Cow::Owned(effective::with_rows_done(live.clone(), done))
    }
}

#[cfg(test)]
mod tests;
