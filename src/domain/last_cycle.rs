//! What each target had used when the previous billing cycle ended: early in a cycle, the projection says little.
//!
//! The figures are those of the last snapshot before the cycle began. Where the history has none, or does not know the usage,
//! nothing is known, and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::{OrgId, Organization, Snapshot, Target, Units, UsageRule};

/// A cycle that ended so long before this one began is another one: those between them were not seen.
const GAP: TimeDelta = TimeDelta::days(3);
/// The API may say the start of the same cycle a little differently.
pub(crate) const SAME: TimeDelta = TimeDelta::days(1);
/// So many snapshots are opened at most. Organizations that renew on one day share theirs.
const MOST: usize = 20;
/// So far back from the end the usage may have been read last.
const FRESH: TimeDelta = TimeDelta::days(3);

/// Whether these are the starts of the same cycle.
pub(crate) fn is_same_start(a: DateTime<Utc>, b: DateTime<Utc>) -> bool {
    (a - b).abs() < SAME
}

/// In quota units, by target.
#[derive(Debug, Default)]
pub(crate) struct LastCycle {
    used: BTreeMap<Target, Units>,
}

impl LastCycle {
    /// Where nothing is known.
    pub(crate) fn empty() -> &'static Self {
        static NONE: LastCycle = LastCycle { used: BTreeMap::new() };
        &NONE
    }

    pub(crate) fn used(&self, target: &Target) -> Option<Units> {
        self.used.get(target).copied()
    }

    #[cfg(test)]
    pub(crate) fn new(used: impl IntoIterator<Item = (Target, Units)>) -> Self {
        Self { used: used.into_iter().collect() }
    }

    /// Of those of the `live` organizations whose cycle is known. `moments` are those of all snapshots, earliest first; `read` opens
    /// one, and is asked for few of them, and for some organizations alone.
    pub(crate) fn find<'a>(
        live: impl IntoIterator<Item = &'a Organization>,
        moments: &[DateTime<Utc>],
        rule: &UsageRule,
        mut read: impl FnMut(DateTime<Utc>, &BTreeSet<OrgId>) -> Option<Snapshot>,
    ) -> Self {
        // Which organizations are looked for in which snapshot, latest first; and when their cycles began.
        let mut wanted: BTreeMap<DateTime<Utc>, BTreeSet<OrgId>> = BTreeMap::new();
        let mut starts = BTreeMap::new();
        for organization in live {
            if let Some(start) = organization.period_start {
                starts.insert(organization.id.clone(), start);
                if let Some(at) = moment_before(moments, start) {
                    wanted.entry(at).or_default().insert(organization.id.clone());
                }
            }
        }
        let mut last = Self::default();
        for _ in 0..MOST {
            let Some((at, organizations)) = wanted.pop_last() else { break };
            let snapshot = read(at, &organizations);
            for org_id in organizations {
                let start = starts[&org_id];
                let seen = snapshot.as_ref().and_then(|snapshot| snapshot.organization(&org_id));
                if seen.is_some_and(|seen| last.take_over(seen, start, rule)) {
                    continue;
                }
                // Its usage was not known at that moment.
                if let Some(earlier) = moment_before(moments, at).filter(|earlier| start - *earlier <= FRESH)
                {
                    wanted.entry(earlier).or_default().insert(org_id);
                }
            }
        }
        last
    }

    /// Takes over what was used, if it was in the cycle that ended where this one began; whether it was.
    fn take_over(&mut self, seen: &Organization, start: DateTime<Utc>, rule: &UsageRule) -> bool {
        let (Some(began), Some(ended)) = (seen.period_start, seen.period_end) else { return false };
        if began + SAME > start || start - ended >= GAP {
            return false;
        }
        let used = seen.rows().filter_map(|row| Some((row.target, rule.used(&row.usage)?)));
        let before = self.used.len();
        self.used.extend(used);
        self.used.len() > before
    }
}

/// The last moment before another.
fn moment_before(moments: &[DateTime<Utc>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    moments[..moments.partition_point(|moment| *moment < at)].last().copied()
}

#[cfg(test)]
mod tests;
