//! What the reports are made from: the history, what changed, what is held. The reports themselves are pure.

pub(crate) mod comparison;
mod pages;
mod people;
mod proposals;
mod scope;
mod slopes;
pub(crate) mod waiting_runs;

use chrono::{DateTime, Duration, Utc};

use self::people::people;
pub(crate) use self::scope::Scope;
use self::waiting_runs::held_summaries;
use crate::change::missing_quotas::{AnswerExtent, MissingQuotas};
use crate::change::propose::Terms;
use crate::collect;
use crate::config::Config;
use crate::domain::diff::Diff;
use crate::domain::quota::{OrgId, Snapshot, SnapshotRow, Target, UsageRule};
use crate::history::{Block, EarlierOrganization, History, NONE_READABLE, changes, thinned};
use crate::jobs::job::Job;
use crate::jobs::state::State;
use crate::mail::installation;
use crate::report::{
    self, ChangesReport, DiffContext, Extent, JudgingContext, People, QuotaStatus, ReportContext, Slopes,
    SnapshotSummary, Timeline, TimelineInput, Trends, Unlisted, UsageInput, UsageReport,
};
use crate::schedule::Missed;
use crate::thousandeyes::LazyClient;

/// Snapshots that pictures are drawn from. Together with the slope's and the latest at most 120 are opened.
const DRAWN: i32 = 90;
/// Snapshots that one target is followed through.
const OVER_TIME: i32 = 120;

/// Where the figures of reports come from.
#[derive(Clone, Copy)]
pub(crate) struct ReportInputs<'a> {
    pub config: &'a Config,
    pub history: &'a History,
    /// The name of this machine, as mails say it.
    pub instance: &'a str,
}

impl ReportInputs<'_> {
    pub(crate) fn context(&self, now: DateTime<Utc>) -> ReportContext {
        ReportContext {
            now,
            zone: self.config.schedule.timezone,
            instance: installation::name(&self.config.data.dir, self.instance),
            expire: self.config.guard.expire,
            extent: Extent::Mail,
        }
    }

    /// The newest snapshot that can be read; for somebody who has no history what is live now, and nothing is written.
    pub(crate) async fn latest_or_live(
        &self,
        api: &LazyClient,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Snapshot> {
        if !self.history.until(now)?.is_empty() {
            return self.latest(now);
        }
        let rule = self.config.usage.rule();
        Ok(collect::read_snapshot(api.get()?, true, true, &rule, now).await?.snapshot.readable())
    }

    pub(crate) fn latest(&self, now: DateTime<Utc>) -> anyhow::Result<Snapshot> {
        self.found(self.history.latest_readable(now)?, now)
    }

    /// What the newest snapshot that can be read shows of one organization.
    pub(crate) fn latest_of(&self, org_id: &OrgId, now: DateTime<Utc>) -> anyhow::Result<Snapshot> {
        self.found(self.history.latest_readable_of(&[org_id.clone()].into(), now)?, now)
    }

    fn found(&self, latest: Option<Snapshot>, now: DateTime<Utc>) -> anyhow::Result<Snapshot> {
        if let Some(latest) = latest {
            return Ok(latest);
        }
        anyhow::ensure!(self.history.until(now)?.is_empty(), NONE_READABLE);
        anyhow::bail!("there is no snapshot to report on: `quotakeeper snapshot` takes the first one")
    }

    /// The usage report on a snapshot, or on a part of it.
    pub(super) fn usage_report_on(
        &self,
        latest: &Snapshot,
        scope: &Scope,
        terms: Option<Terms<'_>>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<UsageReport> {
        let all = self.history.until(now)?;
        let rule = self.config.usage.rule();
        let mut report = self.usage_without_trends((latest, &self.slopes(latest)?), scope, terms, now)?;
        let mut trends = Trends::new(report.targets_to_draw(), latest, &rule, self.config.schedule.timezone);
        if let Some(since) = trends.since() {
            let drawn = latest.restricted_to(&report.targets_to_draw());
            let moments = thinned(&all, since, latest.taken_at, DRAWN);
            let read = |at| self.history.like_or_warn(at, &drawn);
            self.history.each_of(&moments, read, |snapshots| {
                snapshots.flatten().for_each(|snapshot| trends.add(&snapshot));
            });
        }
        trends.add(latest);
        report.draw(&trends);
        Ok(report)
    }

    /// The usage report without what the history says of its targets' trends.
    fn usage_without_trends(
        &self,
        (latest, slopes): (&Snapshot, &Slopes),
        scope: &Scope,
        terms: Option<Terms<'_>>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<UsageReport> {
        let data = &self.config.data.dir;
        // Also for those who only look, where the holder of the lock is about to set a damaged file aside.
        let state = State::read(data, now).unwrap_or_else(|_| State::unusable(data, now));
        let last = || state.last_success(Job::UsageReport).unwrap_or(now - Duration::days(1));
        let since = scope.since.unwrap_or_else(last);
        let rule = self.config.usage.rule();
        let extent = match scope.organizations {
            None => AnswerExtent::All,
            Some(_) => AnswerExtent::SomeOrganizations,
        };
        let missing = MissingQuotas::find(self.history, &self.config.runs_dir(), latest, extent)?;
        let absent = missing.absent_organizations(self.config.schedule.timezone);
        let input = UsageInput {
            latest,
            absent: absent.as_ref(),
            slopes,
            diffs: &scope.restrict_diffs(changes::between(data, since, now)?),
            missed: &self.missed_snapshots(&self.history.until(now)?, since, now),
            held: &scope.restrict_runs(held_summaries(&self.config.runs_dir())?),
            rule: &rule,
            alerts: &self.config.alerts,
            terms,
        };
        let context = ReportContext { extent: scope.extent, ..self.context(now) };
        let mut report = report::usage_report(&input, &context);
        for missing in missing.organizations(context.zone) {
            let mut shown = report.organizations.iter_mut();
            if let Some(own) = shown.find(|own| own.own.target.org_id == *missing.org_id) {
                own.notes.push(format!("{}. No change file sets them without approval until they are back, or missing for a day.", missing.what));
            }
        }
        Ok(report)
    }

    /// The slots of snapshots since then that none stands for, gap by gap. What lies before the first snapshot is no gap.
    fn missed_snapshots(
        &self,
        all: &[DateTime<Utc>],
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Vec<Missed> {
        let schedule = &self.config.schedule;
        let begin = all.partition_point(|at| *at <= since).saturating_sub(1);
        let taken: Vec<DateTime<Utc>> = all[begin..].iter().copied().chain([now]).collect();
        let gap =
            |pair: &[DateTime<Utc>]| schedule.snapshot.missed(schedule.timezone, Some(pair[0]), pair[1]);
        taken.windows(2).filter_map(gap).collect()
    }

    /// Hands out how every target of a snapshot stands, one after the other in its order.
    pub(crate) fn quota_statuses<T>(
        &self,
        latest: &Snapshot,
        now: DateTime<Utc>,
        take: impl FnOnce(&mut dyn Iterator<Item = QuotaStatus>) -> T,
    ) -> anyhow::Result<T> {
        let (rule, slopes, context) = (self.config.usage.rule(), self.slopes(latest)?, self.context(now));
        let judging = self.judging(latest.taken_at, &rule, &context);
        Ok(take(&mut report::quota_statuses(latest, &slopes, judging)))
    }

    /// A snapshot in a few figures, and how those stand that are nearest to their quota.
    pub(crate) fn summary(
        &self,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(SnapshotSummary, Vec<QuotaStatus>)> {
        let (rule, context) = (self.config.usage.rule(), self.context(now));
        let judging = self.judging(at, &rule, &context);
        let summary = self.summary_of(at, judging)?;
        let nearest = summary.nearest(judging);
        Ok((summary, nearest))
    }

    fn summary_of(&self, at: DateTime<Utc>, judging: JudgingContext<'_>) -> anyhow::Result<SnapshotSummary> {
        let of_organization = |block: Block, earlier: Vec<EarlierOrganization>| {
            let mut part = SnapshotSummary::default();
            if earlier.is_empty() {
                block.for_each_row(|row| {
                    part.add(row, None, judging);
                    Ok(())
                })?;
            } else {
                let latest = Snapshot::of_organizations(at, vec![block.organization()?]);
                part.add_all(&latest, &self.slopes_beside(&latest, earlier, judging.rule), judging);
            }
            Ok(part)
        };
        let all = self.history.each_beside(at, &self.moments_of_slopes(at)?, of_organization, |mut parts| {
            Iterator::try_fold(&mut parts, SnapshotSummary::default(), |before, part| Ok(before.and(part?)))
        });
        // Also what somebody's editor has put into another order.
        all.or_else(|_| {
            let (latest, mut all) = (self.history.read(at)?, SnapshotSummary::default());
            all.add_all(&latest, &self.slopes(&latest)?, judging);
            Ok(all)
        })
    }

    /// Hands out how every target of a snapshot stands, of which no more than one organization is in memory.
    pub(crate) fn each_quota_status<R>(
        &self,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
        take: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<QuotaStatus>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let (rule, context) = (self.config.usage.rule(), self.context(now));
        let judging = self.judging(at, &rule, &context);
        let of_organization = |block: Block, earlier: Vec<EarlierOrganization>| {
            let latest = Snapshot::of_organizations(at, vec![block.organization()?]);
            let slopes = self.slopes_beside(&latest, earlier, &rule);
            Ok(report::quota_statuses(&latest, &slopes, judging).collect())
        };
        let flat = |part: anyhow::Result<Vec<QuotaStatus>>| match part {
            Ok(statuses) => statuses.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        self.history.each_beside(at, &self.moments_of_slopes(at)?, of_organization, |parts| {
            take(&mut parts.flat_map(flat))
        })
    }

    /// By what the targets of a snapshot are judged.
    pub(crate) fn judging<'j>(
        &'j self,
        taken_at: DateTime<Utc>,
        rule: &'j UsageRule,
        context: &'j ReportContext,
    ) -> JudgingContext<'j> {
        JudgingContext { taken_at, rule, alerts: &self.config.alerts, context }
    }

    /// All changes that snapshots showed after `since`.
    pub(crate) fn changes_report(
        &self,
        since: DateTime<Utc>,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> anyhow::Result<ChangesReport> {
        let diffs = scope.restrict_diffs(changes::between(&self.config.data.dir, since, now)?);
        let changed = diffs.iter().flat_map(|diff| diff.changes.iter().map(|change| &change.target));
        let vanished = diffs.iter().flat_map(|diff| &diff.vanished);
        let of = changed.chain(vanished).map(|target| target.org_id.clone()).collect();
        let latest = self.history.latest_readable_of(&of, now)?;
        let latest = latest.unwrap_or_else(|| Snapshot::new(now, Vec::new()));
        let context = ReportContext { extent: scope.extent, ..self.context(now) };
        let with = DiffContext {
            latest: &latest,
            rule: &self.config.usage.rule(),
            people: &self.people(&diffs),
            unlisted: Unlisted::Count,
        };
        Ok(report::period_report(&diffs, since, with, &context))
    }

    /// One target over time, since a moment or since it was first seen.
    pub(crate) fn timeline(
        &self,
        target: &Target,
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Timeline> {
        let all = self.history.until(now)?;
        let since = since.or(all.first().copied()).unwrap_or(now);
        let mut diffs = changes::between(&self.config.data.dir, since, now)?;
        diffs.retain(|diff| diff.changes.iter().any(|change| change.target == *target));
        let mut moments = thinned(&all, since, now, OVER_TIME);
        // Also those that a change was seen in, and how it stands now.
        moments.extend(diffs.iter().map(|diff| diff.to).filter(|to| all.binary_search(to).is_ok()));
        moments.extend(all.last().filter(|last| **last >= since));
        moments.sort_unstable();
        moments.dedup();
        let wanted = Snapshot::new(now, [SnapshotRow::new(target.clone())]);
        let seen: Vec<_> = moments
            .into_iter()
            .filter_map(|at| {
                let snapshot = self.history.like_or_warn(at, &wanted)?;
                Some((at, snapshot.row(target).map(SnapshotRow::into_owned)))
            })
            .collect();
        let input = TimelineInput {
            target,
            rows: &seen,
            diffs: &diffs,
            people: &self.people(&diffs),
            rule: &self.config.usage.rule(),
        };
        Ok(report::timeline(&input, self.config.schedule.timezone))
    }

    /// Who dropped and approved the runs that made these changes.
    pub(crate) fn people(&self, diffs: &[Diff]) -> People {
        people(&self.config.runs_dir(), diffs)
    }
}

#[cfg(test)]
mod tests;
