//! Reads quotas, names and usage from the API and joins them into one row per target.
//!
//! The joining is pure. Where the server refuses to tell usage, for want of a permission or for one organization, or tells
//! it in a form that cannot be read, a snapshot goes on with that usage unknown: asking again would not help. Any other
//! failure is an error, and nothing is written of a snapshot that could not be read whole.

mod assigned;
mod places;
pub(crate) mod top_consumers;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tracing::warn;

use self::assigned::Assigned;
use self::places::Places;
use crate::collect::top_consumers::LargestTests;
use crate::domain::quota::{Aid, OrgId, Snapshot, SnapshotRow, Target, Units, UsageRule};
use crate::text::redact;
use crate::thousandeyes::progress::Phase;
use crate::thousandeyes::{AccountGroup, Client, Error, OrganizationQuotas, OrganizationUsage};

/// Requests for usage under way at once; the client's budget paces them besides.
const AT_ONCE: usize = 8;

/// Everything that a snapshot is made of; usage is added for the organizations that are asked for.
pub(crate) struct Reading {
    taken_at: DateTime<Utc>,
    assigned: Assigned,
    /// The account groups and their names, sorted by target, each once.
    groups: Vec<(Target, String)>,
    /// The organizations and their names.
    organizations: BTreeMap<OrgId, String>,
    usage: BTreeMap<OrgId, OrganizationUsage>,
}

impl Reading {
    /// Reads the quotas and, if wanted, the names: the targets without their usage.
    pub(crate) async fn targets(client: &Client, names: bool, now: DateTime<Utc>) -> Result<Self, Error> {
        client.progress().begin(Phase::Quotas, 1 + usize::from(names));
        let quotas = client.quotas().await?;
        // Where the quotas don't say whose they are, the account groups do.
        let groups = if names || has_nameless(&quotas) { client.account_groups().await? } else { Vec::new() };
        let reading = Self::of(quotas, groups, now);
        for (target, why) in reading.assigned.unreadable() {
            let what = "its quota cannot be read and counts as unknown";
            warn!(whose = %redact::clean(&target, 300), why = redact::clean(&why, 300), "{what}");
        }
        Ok(reading)
    }

    /// Of answers that were read already.
    pub(crate) fn of(quotas: Vec<OrganizationQuotas>, groups: Vec<AccountGroup>, now: DateTime<Utc>) -> Self {
        let places = Places::new(&quotas, &groups);
        let assigned = Assigned::new(&quotas, &places);
        let of: Vec<Option<OrgId>> = groups.iter().map(|group| places.of_group(group)).collect();
        drop(quotas);
        let mut organizations: BTreeMap<OrgId, String> = BTreeMap::new();
        for (target, _) in assigned.quotas() {
            if target.aid.is_none() {
                organizations.entry(target.org_id.clone()).or_default();
            }
        }
        let mut named: Vec<(Target, String)> = Vec::with_capacity(groups.len());
        let mut lost = 0;
        for (group, org_id) in groups.into_iter().zip(of) {
            let Some(org_id) = org_id else {
                lost += 1;
                continue;
            };
            let name = organizations.entry(org_id.clone()).or_default();
            if name.is_empty() {
                *name = group.org_name;
            }
            named.push((Target { org_id, aid: Some(group.aid) }, group.name));
        }
        if lost > 0 {
            warn!(
                entries = lost,
                "the API did not say which organization some account groups belong to: they are left out"
            );
        }
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        named.dedup_by(|(later, name), (first, known)| {
            let same = later == first;
            if same {
                std::mem::swap(name, known); // the last one counts
            }
            same
        });
        Self { taken_at: now, assigned, groups: named, organizations, usage: BTreeMap::new() }
    }

    /// One row for each organization and account group that any of the answers shows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let most = self.assigned.quotas().len() + self.groups.len() + self.organizations.len();
        let (mut rows, mut unreadable) = (Vec::with_capacity(most), BTreeMap::new());
        for (row, why) in self.rows() {
            unreadable.extend(why.map(|why| (row.target.clone(), why.to_owned())));
            rows.push(row);
        }
        Snapshot::new(self.taken_at, rows).with_unreadable(unreadable)
    }

    /// The rows of a snapshot in their order, one by one, without the targets whose quota cannot be read: in a file an empty
    /// quota would say that there is none.
    pub(crate) fn readable_rows(&self) -> impl Iterator<Item = SnapshotRow<'_>> {
        self.rows().filter_map(|(row, why)| why.is_none().then_some(row))
    }

    pub(crate) fn taken_at(&self) -> DateTime<Utc> {
        self.taken_at
    }

    /// The organizations that any of the answers shows.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &OrgId> {
        self.organizations.keys()
    }

    /// The rows in their order, each with why its quota is not known if it is there and cannot be read.
    fn rows(&self) -> impl Iterator<Item = (SnapshotRow<'_>, Option<&str>)> {
        // All three are sorted by target.
        let mut quotas = self.assigned.quotas().iter().map(|(target, _)| target).peekable();
        let mut groups = self.groups.iter().peekable();
        let mut organizations = self.organizations.iter().peekable();
        std::iter::from_fn(move || {
            let own = organizations.peek().map(|(org_id, _)| (*org_id, None));
            let quota = quotas.peek().map(|target| (&target.org_id, target.aid.as_ref()));
            let group = groups.peek().map(|(target, _)| (&target.org_id, target.aid.as_ref()));
            let next = [own, quota, group].into_iter().flatten().min()?;
            let is_next = |place: Option<(&OrgId, Option<&Aid>)>| {
                place.is_some_and(|place| place.cmp(&next) == Ordering::Equal)
            };
            let target = Target { org_id: next.0.clone(), aid: next.1.cloned() };
            let mut row = SnapshotRow::new(target);
            if is_next(group)
                && let Some((_, name)) = groups.next()
            {
                row.account_group_name = Cow::Borrowed(name);
            }
            if is_next(quota) {
                quotas.next();
            }
            if is_next(own) {
                organizations.next();
            }
            let mut unreadable = None;
            match self.assigned.quota(&row.target) {
                Ok(quota) => row.quota = quota,
                Err(why) => unreadable = Some(why),
            }
            if let Some(name) = self.organizations.get(&row.target.org_id) {
                row.org_name = Cow::Borrowed(name);
            }
            if let Some(usage) = self.usage.get(&row.target.org_id) {
                add_usage(&mut row, usage);
            }
            Some((row, unreadable))
        })
    }

    /// The organizations, each with an account group that stands for it where its usage is asked for.
    fn representatives(&self) -> BTreeMap<&OrgId, Option<&Aid>> {
        let mut first: BTreeMap<&OrgId, Option<&Aid>> =
            self.organizations.keys().map(|org_id| (org_id, None)).collect();
        let targets = self.assigned.quotas().iter().map(|(target, _)| target);
        for target in targets.chain(self.groups.iter().map(|(target, _)| target)) {
            let known = first.entry(&target.org_id).or_default();
            if let Some(aid) = &target.aid {
                *known = Some(known.map_or(aid, |known| known.min(aid)));
            }
        }
        first
    }

    /// Where the units of the organizations go whose usage was read.
    pub(crate) fn largest_tests(&self, rule: &UsageRule) -> LargestTests {
        LargestTests::new(&self.usage, rule)
    }

    /// Reads the usage of these organizations, one request each.
    pub(crate) async fn add_usage(
        &mut self,
        client: &Arc<Client>,
        organizations: &BTreeSet<OrgId>,
    ) -> Result<(), Error> {
        let representatives: BTreeMap<OrgId, Option<Aid>> = self
            .representatives()
            .into_iter()
            .filter(|(org_id, _)| organizations.contains(*org_id))
            .map(|(org_id, aid)| (org_id.clone(), aid.cloned()))
            .collect();
        let mut asked = JoinSet::new();
        let mut waiting = organizations.iter();
        let mut forbidden = 0;
        client.progress().begin(Phase::Usage, organizations.len());
        loop {
            while asked.len() < AT_ONCE
                && let Some(org_id) = waiting.next()
            {
                // Any account group stands for its organization; without one there is no way to ask.
                let group = representatives.get(org_id).cloned().flatten();
                let Some(aid) = group else {
                    warn!(%org_id, "no account group of the organization is visible: its usage stays unknown");
                    continue;
                };
                let (client, org_id) = (Arc::clone(client), org_id.clone());
                asked.spawn(async move { (org_id, client.usage(Some(&aid)).await) });
            }
            let Some(answer) = asked.join_next().await else { break };
            client.progress().step();
            let Ok((org_id, usage)) = answer else { continue }; // a task only ends early when the runtime shuts down
            match usage {
                Ok(usage) => {
                    self.usage.insert(org_id, usage);
                }
                Err(Error::Forbidden { .. }) => forbidden += 1,
                Err(error @ Error::Unusable { .. }) => {
                    warn!(%org_id, %error, "its usage stays unknown");
                }
                Err(error) if error.is_refusal() => warn!(%org_id, %error, "its usage stays unknown"),
                Err(error) => return Err(error),
            }
        }
        if forbidden > 0 {
            warn!(
                organizations = forbidden,
                "usage is unknown: the token lacks the permission `View organization usage` (older: `View Billing`)"
            );
        }
        Ok(())
    }
}

/// Whether the API left out whose quotas these are. An organization without a quota of its own has no id there.
fn has_nameless(quotas: &[OrganizationQuotas]) -> bool {
    quotas.iter().any(|organization| organization.org_id.is_none())
}

/// The quotas as they are now, read again and again while a run is applied.
#[derive(Default)]
pub(crate) struct LiveQuotas {
    /// Read once, and only where the quotas don't say whose they are.
    groups: Option<Vec<AccountGroup>>,
    assigned: Assigned,
}

impl LiveQuotas {
    /// Reads them again. What was read before stays where that fails.
    pub(crate) async fn refresh(&mut self, client: &Client) -> Result<(), Error> {
        let quotas = client.quotas().await?;
        if self.groups.is_none() && has_nameless(&quotas) {
            self.groups = Some(client.account_groups().await?);
        }
        let groups = self.groups.as_deref().unwrap_or_default();
        self.assigned = Assigned::new(&quotas, &Places::new(&quotas, groups));
        Ok(())
    }

    /// The quota of a target as it was last read, or why it is not known.
    pub(crate) fn quota(&self, target: &Target) -> Result<Option<Units>, &str> {
        self.assigned.quota(target)
    }
}

/// All that a whole snapshot is made of: every organization that the token sees.
pub(crate) async fn take(
    client: &Arc<Client>,
    names: bool,
    usage: bool,
    now: DateTime<Utc>,
) -> Result<Reading, Error> {
    let mut reading = Reading::targets(client, names, now).await?;
    if usage {
        let organizations = reading.organizations.keys().cloned().collect();
        reading.add_usage(client, &organizations).await?;
    }
    Ok(reading)
}

/// The organization's own row takes the totals; an account group takes its sums, and 0 where no breakdown names it.
fn add_usage(row: &mut SnapshotRow, usage: &OrganizationUsage) {
    row.period_start = usage.period_start;
    row.period_end = usage.period_end;
    row.usage = match &row.target.aid {
        None => {
            row.plan_units = usage.plan_units;
            row.cloud_next_period = usage.cloud_next_period;
            row.enterprise_next_period = usage.enterprise_next_period;
            usage.total
        }
        Some(aid) => usage.account_group(aid),
    };
}

#[cfg(test)]
mod tests;
