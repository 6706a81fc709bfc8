//! Targets of a snapshot, worst first: those that somebody asks for, however many there are.
//!
//! Of a million targets only what decides their order is kept. The texts of one are made when it is shown.

use crate::domain::quota::{Place, SnapshotRow, UsageRule};
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, Rank, quota_status};
use crate::report::shared::week::Slopes;

/// Targets of a snapshot, the worst of them in their order.
pub(crate) struct Ranking<'a> {
    slopes: &'a Slopes,
    judging: JudgingContext<'a>,
    /// How many there are.
    count: usize,
    /// The worst, each with its number in the snapshot.
    worst: Vec<(Rank, usize, Place<'a>)>,
}

impl<'a> Ranking<'a> {
    /// Of targets with their numbers in the snapshot; no more than `most` are put in order.
    pub(crate) fn new(
        targets: impl Iterator<Item = (usize, Place<'a>)>,
        most: usize,
        slopes: &'a Slopes,
        judging: JudgingContext<'a>,
    ) -> Self {
        let rank = |(number, place): (usize, Place<'a>)| {
            let row = place.row()?;
            let rank = Rank::new(&row, slopes.at(number), judging);
            Some((rank, number, place))
        };
        let mut worst: Vec<_> = targets.filter_map(rank).collect();
        let count = worst.len();
        // The snapshot is in the order of the ids: where two stand alike, they stay in it.
        let in_order = |a: &(Rank, usize, Place<'_>), b: &(Rank, usize, Place<'_>)| {
            a.0.worst_first(&b.0).then_with(|| a.1.cmp(&b.1))
        };
        if most < count {
            worst.select_nth_unstable_by(most, in_order);
            worst.truncate(most);
        }
        worst.sort_unstable_by(in_order);
        Self { slopes, judging, count, worst }
    }

    /// How many targets there are, whether or not they are among the worst.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How each of the worst stands, worst first.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = QuotaStatus> {
        let status = |(_, number, place): &(Rank, usize, Place<'_>)| {
            Some(quota_status(&place.row()?, self.slopes.at(*number), self.judging))
        };
        self.worst.iter().filter_map(status)
    }
}

/// Whether more than so many per cent of its quota are used, or will be by the end of the cycle.
pub(crate) fn is_over(row: &SnapshotRow<'_>, percent: u32, rule: &UsageRule) -> bool {
    let both = row.quota.zip(rule.needed(&row.usage));
    both.is_some_and(|(quota, needed)| i128::from(needed) * 100 > i128::from(quota) * i128::from(percent))
}

#[cfg(test)]
mod tests;
