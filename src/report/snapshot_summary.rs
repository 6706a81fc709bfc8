//! A snapshot in a few figures, and the account groups that are nearest to their quota.
//!
//! Rows are only looked at, one after the other: there may be a million of them.

use crate::domain::quota::{OrgId, Snapshot, SnapshotRow, Usage};
use crate::report::shared::quota_status::{Judging, Rank, Standing, standing};
use crate::report::shared::week::Slopes;

/// Account groups that are listed, nearest to their quota first.
const NEAREST: usize = 5;

/// What was counted of rows that came organization by organization.
#[derive(Default)]
pub(crate) struct SnapshotSummary {
    pub organizations: usize,
    pub account_groups: usize,
    /// Organizations of which no usage is known.
    pub without_usage: usize,
    nearest: Vec<Near>,
    /// The organization of the last row, and whether any usage of it was seen.
    last: Option<(OrgId, bool)>,
}

struct Near {
    rank: Rank,
    row: SnapshotRow<'static>,
    slope: Option<f64>,
}

impl SnapshotSummary {
    /// Counts a row. `slope` is how fast it used units in the last days, per second.
    pub(crate) fn add(&mut self, row: &SnapshotRow<'_>, slope: Option<f64>, judging: Judging<'_>) {
        if self.last.as_ref().is_none_or(|(id, _)| *id != row.target.org_id) {
            self.organizations += 1;
            self.without_usage += 1;
            self.last = Some((row.target.org_id.clone(), false));
        }
        if let Some((_, knows_usage @ false)) = &mut self.last
            && row.usage != Usage::default()
        {
            *knows_usage = true;
            self.without_usage -= 1;
        }
        if row.target.aid.is_some() {
            self.account_groups += 1;
            if judging.rule.headroom(row.quota, &row.usage).is_some() {
                let rank = Rank::new(row, slope, judging);
                self.insert(rank, || Near { rank, row: row.clone().into_owned(), slope });
            }
        }
    }

    /// Counts all rows of a snapshot.
    pub(crate) fn add_all(&mut self, snapshot: &Snapshot, slopes: &Slopes, judging: Judging<'_>) {
        for (place, row) in snapshot.rows().enumerate() {
            self.add(&row, slopes.of(place), judging);
        }
    }

    /// Together with what was counted of the organizations behind these.
    pub(crate) fn and(mut self, behind: Self) -> Self {
        self.organizations += behind.organizations;
        self.account_groups += behind.account_groups;
        self.without_usage += behind.without_usage;
        behind.nearest.into_iter().for_each(|near| self.insert(near.rank, || near));
        Self { last: behind.last.or(self.last), ..self }
    }

    /// How the nearest stand, worst first.
    pub(crate) fn nearest(&self, judging: Judging<'_>) -> Vec<Standing> {
        self.nearest.iter().map(|near| standing(&near.row, near.slope, judging)).collect()
    }

    /// Behind those that stand as badly: they come in the order of their ids.
    fn insert(&mut self, rank: Rank, near: impl FnOnce() -> Near) {
        let place = self.nearest.partition_point(|near| near.rank.worst_first(&rank).is_le());
        if place < NEAREST {
            self.nearest.insert(place, near());
            self.nearest.truncate(NEAREST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Alerts;
    use crate::domain::quota::UsageRule;
    use crate::report::Ranking;
    use crate::report::fixtures::{context, realistic};

    #[test]
    fn the_nearest_are_the_first_of_the_ranking_and_all_is_counted_whether_at_once_or_in_parts() {
        let (latest, rule, alerts, context) =
            (realistic(), UsageRule::default(), Alerts::default(), context());
        let judging = Judging { taken_at: latest.taken_at, rule: &rule, alerts: &alerts, context: &context };
        let groups = latest.places().enumerate().filter(|(_, place)| {
            place.account_group.is_some() && rule.headroom(place.quota(), &place.usage()).is_some()
        });
        let slopes = Slopes::default();
        let expected = Ranking::new(groups, NEAREST, &slopes, judging);
        let expected: Vec<_> = expected.standings().map(|standing| standing.target).collect();
        assert_eq!(expected.len(), NEAREST);

        let mut at_once = SnapshotSummary::default();
        at_once.add_all(&latest, &slopes, judging);
        let in_parts =
            latest.organizations().iter().fold(SnapshotSummary::default(), |before, organization| {
                let mut part = SnapshotSummary::default();
                organization.rows().for_each(|row| part.add(&row, None, judging));
                before.and(part)
            });
        for summary in [at_once, in_parts] {
            let nearest = summary.nearest(judging).into_iter().map(|standing| standing.target);
            assert_eq!(nearest.collect::<Vec<_>>(), expected);
            assert_eq!(summary.organizations, latest.organizations().len());
            assert_eq!(summary.account_groups, latest.groups().count());
            assert_eq!(summary.without_usage, 1, "of Initech nothing is known");
        }
    }
}
