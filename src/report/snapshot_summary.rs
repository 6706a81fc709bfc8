//! A snapshot in a few figures, and the account groups that are nearest to their quota.
//!
//! Rows are only looked at, one after the other: there may be a million of them.

use crate::domain::quota::{OrgId, Snapshot, SnapshotRow, Usage};
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, Rank, quota_status};
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
    nearest: Vec<NearestRow>,
    /// The organization of the last row, and whether any usage of it was seen.
    last: Option<(OrgId, bool)>,
}

struct NearestRow {
    rank: Rank,
    row: SnapshotRow<'static>,
    slope: Option<f64>,
}

impl SnapshotSummary {
    /// Counts a row. `slope` is how fast it used units in the last days, per second.
    pub(crate) fn add(&mut self, row: &SnapshotRow<'_>, slope: Option<f64>, judging: JudgingContext<'_>) {
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
                self.insert(rank, || NearestRow { rank, row: row.clone().into_owned(), slope });
            }
        }
    }

    /// Counts all rows of a snapshot.
    pub(crate) fn add_all(&mut self, snapshot: &Snapshot, slopes: &Slopes, judging: JudgingContext<'_>) {
        for (place, row) in snapshot.rows().enumerate() {
            self.add(&row, slopes.at(place), judging);
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
    pub(crate) fn nearest(&self, judging: JudgingContext<'_>) -> Vec<QuotaStatus> {
        self.nearest.iter().map(|near| quota_status(&near.row, near.slope, judging)).collect()
    }

    /// Behind those that stand as badly: they come in the order of their ids.
    fn insert(&mut self, rank: Rank, near: impl FnOnce() -> NearestRow) {
        let place = self.nearest.partition_point(|near| near.rank.worst_first(&rank).is_le());
        if place < NEAREST {
            self.nearest.insert(place, near());
            self.nearest.truncate(NEAREST);
        }
    }
}

#[cfg(test)]
mod tests;
