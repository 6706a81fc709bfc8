//! What pages are made from, beyond what the mails are: trends of all that is on them, and one target with its past.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::ReportInputs;
use super::waiting_runs::waiting_summaries;
use crate::domain::quota::{Snapshot, Target, UsageRule};
use crate::history::thinned;
use crate::jobs::report_inputs::scope::Scope;
use crate::report::{
    self, Curves, Extent, Groups, MOST_ROWS, Owners, PageInput, QuotaStatus, Ranking, TargetPage,
    TargetParts, UsagePage,
};

/// Snapshots that the trends of a page are drawn from, and up to how many targets it has them.
const CURVE: i32 = 40;
const DRAWN_TARGETS: usize = 20_000;

impl ReportInputs<'_> {
    /// The usage report on a snapshot as a page, with all that is known of its targets. `owners` says who owns one.
    pub(crate) fn with_usage_page<R>(
        &self,
        (latest, scope): (&Snapshot, &Scope),
        owners: &Owners<'_>,
        now: DateTime<Utc>,
        show: impl FnOnce(UsagePage<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let (rule, context) = (self.config.usage.rule(), self.context(now));
        let (slopes, curves) = self.slopes_with_curves((latest, scope.since), &rule, now)?;
        let report = self.usage_without_trends((latest, &slopes), scope, None, now)?;
        let judging = self.judging(latest.taken_at, &rule, &context);
        let groups = latest.places().enumerate().filter(|(_, place)| place.account_group.is_some());
        let ranking = Ranking::new(groups, MOST_ROWS, &slopes, judging);
        let input = PageInput {
            latest,
            groups: Groups {
                targets: ranking.numbered_targets().collect(),
                status: &|place| ranking.status_at(place),
            },
            left_out: ranking.count().saturating_sub(MOST_ROWS),
            curves,
            since: scope.since,
            headroom_percent: self.config.guard.headroom_percent,
            owners,
        };
        show(UsagePage::new(report, input, &context))
    }

    /// The same with the organizations and those account groups alone that a mail lists: those that are worst off.
    pub(crate) fn with_overview<R>(
        &self,
        latest: Snapshot,
        now: DateTime<Utc>,
        show: impl FnOnce(UsagePage<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let scope = Scope { extent: Extent::Whole, ..Scope::default() };
        let report = self.usage_without_trends((&latest, &self.slopes(&latest)?), &scope, None, now)?;
        let worst: BTreeSet<Target> = report.worst.iter().map(|status| status.target.clone()).collect();
        let part = latest.filtered(|place| place.account_group.is_none() || worst.contains(&place.target()));
        let numbers: BTreeMap<Target, usize> =
            part.places().enumerate().map(|(number, place)| (place.target(), number)).collect();
        let numbered = |status: &QuotaStatus| Some((*numbers.get(&status.target)?, status.clone()));
        let groups: Vec<(usize, QuotaStatus)> = report.worst.iter().filter_map(numbered).collect();
        let target = |(number, status): &(usize, QuotaStatus)| (*number, status.target.clone());
        let rule = self.config.usage.rule();
        let input = PageInput {
            latest: &part,
            groups: Groups {
                targets: groups.iter().map(target).collect(),
                status: &|place| groups[place].1.clone(),
            },
            left_out: 0,
            curves: self.curves(&part, &rule, now)?,
            since: None,
            headroom_percent: self.config.guard.headroom_percent,
            owners: &|_| Vec::new(),
        };
        show(UsagePage::new(report, input, &self.context(now)))
    }

    fn curves<'a>(
        &self,
        shown: &'a Snapshot,
        rule: &'a UsageRule,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Curves<'a>> {
        let mut curves = Curves::new(shown, rule);
        let moments = self.moments_of_curves(&curves, (shown, None), now)?;
        self.each_reading(&moments, shown, rule, |earlier| curves.add(earlier));
        curves.add_latest();
        Ok(curves)
    }

    /// The earlier snapshots that they are drawn from.
    pub(super) fn moments_of_curves(
        &self,
        curves: &Curves<'_>,
        (shown, asked): (&Snapshot, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<DateTime<Utc>>> {
        let since = curves.since(asked).filter(|_| shown.row_count() <= DRAWN_TARGETS);
        let all = self.history.until(now)?;
        Ok(since.map(|since| thinned(&all, since, shown.taken_at, CURVE)).unwrap_or_default())
    }

    /// One target: how it stands, its cycle, and how its quota came to be. None where no snapshot shows it. `record` says what
    /// was mailed about it.
    pub(crate) fn target_page(
        &self,
        target: &Target,
        latest: &Snapshot,
        record: Option<&report::Record>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<TargetPage>> {
        let timeline = self.timeline(target, None, now)?;
        if timeline.moments.iter().all(|moment| !moment.is_visible) {
            return Ok(None);
        }
        let (rule, context) = (self.config.usage.rule(), self.context(now));
        let shown = latest.restricted_to(std::slice::from_ref(target));
        let curves = self.curves(&shown, &rule, now)?;
        let parts = TargetParts {
            timeline: &timeline,
            status: self.quota_statuses(&shown, now, |mut statuses| {
                Iterator::find(&mut statuses, |status| status.target == *target)
            })?,
            curves: &curves,
            record,
            mute: shown.row(target).and_then(|row| self.config.alerts.active_mute(&row, now, context.zone)),
            latest: &shown,
            waiting: &waiting_summaries(&self.config.runs_dir())?,
        };
        Ok(Some(report::target_page(parts, &context)))
    }
}
