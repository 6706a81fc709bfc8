//! Targets of a snapshot, worst first: those that somebody asks for, however many there are.
//!
//! Of a million targets only what decides their order is kept. The texts of one are made when it is shown.

use crate::domain::quota::{Place, SnapshotRow, Target, Units, UsageRule};
use crate::parallel::Cores;
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, Rank, Shortage, over, quota_status};
use crate::report::shared::week::Slopes;

/// Targets of a snapshot, the worst of them in their order.
pub(crate) struct Ranking<'a> {
    slopes: &'a Slopes,
    judging: JudgingContext<'a>,
    /// How many there are.
    count: usize,
    worst: Vec<Ranked<'a>>,
}

/// One target among others.
#[derive(Clone, Copy)]
pub(crate) struct Ranked<'a> {
    pub rank: Rank,
    /// Its number in the snapshot.
    pub number: usize,
    pub place: Place<'a>,
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
            Some(Ranked { rank: Rank::new(&row, slopes.at(number), judging), number, place })
        };
        let mut worst: Vec<_> = targets.filter_map(rank).collect();
        let count = worst.len();
        // The snapshot is in the order of the ids: where two stand alike, they stay in it.
        let in_order = |a: &Ranked<'_>, b: &Ranked<'_>| {
            a.rank.worst_first(&b.rank).then_with(|| a.number.cmp(&b.number))
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

    /// The account groups among the worst, worst first.
    pub(in crate::report) fn groups(&self) -> impl Iterator<Item = &Ranked<'a>> + Clone {
        self.worst.iter().filter(|ranked| ranked.place.account_group.is_some())
    }

    /// How many of the first targets are account groups.
    pub(in crate::report) fn groups_among(&self, first: usize) -> usize {
        self.worst.iter().take(first).filter(|ranked| ranked.place.account_group.is_some()).count()
    }

    /// How one of them stands.
    pub(in crate::report) fn status(&self, ranked: &Ranked<'_>) -> QuotaStatus {
        let row = ranked.place.row().expect("only targets with a row are ranked");
        quota_status(&row, self.slopes.at(ranked.number), self.judging)
    }

    /// How each of the worst stands, worst first.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = QuotaStatus> {
        self.worst.iter().map(|ranked| self.status(ranked))
    }

    /// Makes something of a few statuses at a time by all cores, and hands that out, worst first: there may be a million.
    pub(crate) fn by_all_cores<U: Send, R>(
        &self,
        make: impl Fn(&mut dyn Iterator<Item = QuotaStatus>) -> U + Sync,
        take: impl FnOnce(&mut dyn Iterator<Item = U>) -> R,
    ) -> R {
        const A_FEW: usize = 256;
        let make = |some: &[Ranked<'_>]| make(&mut some.iter().map(|ranked| self.status(ranked)));
        Cores::All.map_in_order(self.worst.chunks(A_FEW), make, take)
    }

    /// How the one in this place stands; the worst is in the first.
    pub(crate) fn status_at(&self, place: usize) -> QuotaStatus {
        self.status(&self.worst[place])
    }

    /// The worst themselves, each with its number in the snapshot.
    pub(crate) fn numbered_targets(&self) -> impl Iterator<Item = (usize, Target)> {
        self.worst.iter().map(|ranked| (ranked.number, ranked.place.target()))
    }

    /// Has a quota that its usage can be compared with.
    pub(in crate::report) fn is_measured(&self, ranked: &Ranked<'_>) -> bool {
        ranked.place.headroom(self.judging.rule).is_some()
    }

    pub(in crate::report) fn used(&self, ranked: &Ranked<'_>) -> Option<Units> {
        self.judging.rule.used(&ranked.place.usage())
    }

    /// The larger of used and projected.
    pub(in crate::report) fn needed(&self, ranked: &Ranked<'_>) -> Option<Units> {
        self.judging.rule.needed(&ranked.place.usage())
    }

    /// What it lacks, and in whose organization.
    pub(in crate::report) fn shortage(&self, ranked: &Ranked<'a>) -> Shortage<'a> {
        let over = over(ranked.place.quota(), self.needed(ranked));
        Shortage { org_id: &ranked.place.organization.id, over }
    }
}

/// Whether more than so many per cent of its quota are used, or will be by the end of the cycle.
pub(crate) fn is_over(row: &SnapshotRow<'_>, percent: u32, rule: &UsageRule) -> bool {
    let both = row.quota.zip(rule.needed(&row.usage));
    both.is_some_and(|(quota, needed)| i128::from(needed) * 100 > i128::from(quota) * i128::from(percent))
}

#[cfg(test)]
mod tests;
