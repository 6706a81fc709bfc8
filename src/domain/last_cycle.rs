//! What each target had used when the billing cycle before this one ended: a young cycle's projection says little yet.
//!
//! The figures are those of the last snapshot before the cycle began. Where the history has none, or does not know the usage,
//! nothing is known, and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::{OrgId, Organization, Snapshot, Target, Units, UsageRule};

/// A cycle that ended so long before this one began is another one: those between them were not seen.
const GAP: TimeDelta = TimeDelta::days(3);
/// The API may say the start of the same cycle a little differently.
const SAME: TimeDelta = TimeDelta::days(1);
/// So many snapshots are opened at most. Organizations that renew on one day share theirs.
const MOST: usize = 20;
/// So far back from the end the usage may have been read last.
const FRESH: TimeDelta = TimeDelta::days(3);

/// In quota units, by target.
#[derive(Debug, Default)]
pub(crate) struct LastCycle {
    used: BTreeMap<Target, Units>,
}

impl LastCycle {
    /// Where nothing is known.
    pub(crate) fn none() -> &'static Self {
        static NONE: LastCycle = LastCycle { used: BTreeMap::new() };
        &NONE
    }

    pub(crate) fn used(&self, target: &Target) -> Option<Units> {
        self.used.get(target).copied()
    }

    #[cfg(test)]
    pub(crate) fn of(used: impl IntoIterator<Item = (Target, Units)>) -> Self {
        Self { used: used.into_iter().collect() }
    }

    /// Of those organizations of which `live` knows the cycle. `moments` are those of all snapshots, earliest first; `read` opens
    /// one, and is asked for few of them.
    pub(crate) fn find(
        live: &Snapshot,
        moments: &[DateTime<Utc>],
        rule: &UsageRule,
        mut read: impl FnMut(DateTime<Utc>) -> Option<Snapshot>,
    ) -> Self {
        // Which organizations are looked for in which snapshot, latest first; and when their cycles began.
        let mut wanted: BTreeMap<DateTime<Utc>, BTreeSet<OrgId>> = BTreeMap::new();
        let mut starts = BTreeMap::new();
        for organization in live.organizations() {
            if let Some(start) = organization.period_start {
                starts.insert(organization.id.clone(), start);
                if let Some(at) = before(moments, start) {
                    wanted.entry(at).or_default().insert(organization.id.clone());
                }
            }
        }
        let mut last = Self::default();
        for _ in 0..MOST {
            let Some((at, organizations)) = wanted.pop_last() else { break };
            let snapshot = read(at);
            for org_id in organizations {
                let start = starts[&org_id];
                let seen = snapshot.as_ref().and_then(|snapshot| snapshot.organization(&org_id));
                if seen.is_some_and(|seen| last.take(seen, start, rule)) {
                    continue;
                }
                // Its usage was not known at that moment.
                if let Some(earlier) = before(moments, at).filter(|earlier| start - *earlier <= FRESH) {
                    wanted.entry(earlier).or_default().insert(org_id);
                }
            }
        }
        last
    }

    /// Takes over what was used, if it was in the cycle that ended where this one began; whether it was.
    fn take(&mut self, seen: &Organization, start: DateTime<Utc>, rule: &UsageRule) -> bool {
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
fn before(moments: &[DateTime<Utc>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    moments[..moments.partition_point(|moment| *moment < at)].last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quota::{SnapshotRow, Usage};

    fn day(text: &str) -> DateTime<Utc> {
        format!("2026-{text}:00Z").parse().unwrap()
    }

    /// Account group 1 of an organization in the cycle between two days.
    fn seen(org: &str, used: Option<Units>, cycle: (&str, &str)) -> SnapshotRow<'static> {
        SnapshotRow {
            usage: Usage { cloud_used: used, enterprise_used: used.map(|_| 0), ..Usage::default() },
            period_start: Some(day(cycle.0)),
            period_end: Some(day(cycle.1)),
            ..SnapshotRow::new(Target::account_group(org, "1"))
        }
    }

    const SEP: (&str, &str) = ("09-05T08:00", "10-05T08:00");
    const OCT: (&str, &str) = ("10-05T08:00", "11-05T08:00");
    const NOV: (&str, &str) = ("11-05T08:00", "12-05T08:00");

    /// What is known of organization 7, whose cycle began on 5 November, by this history; and how many files were opened.
    fn known(history: &[(&str, SnapshotRow<'static>)]) -> (Option<Units>, usize) {
        let live = Snapshot::new(day("11-14T12:00"), vec![seen("7", Some(10), NOV)]);
        let moments: Vec<DateTime<Utc>> = history.iter().map(|(at, _)| day(at)).collect();
        let mut opened = 0;
        let last = LastCycle::find(&live, &moments, &UsageRule::default(), |at| {
            opened += 1;
            let index = moments.iter().position(|moment| *moment == at).unwrap();
            Some(Snapshot::new(at, vec![history[index].1.clone()]))
        });
        (last.used(&Target::account_group("7", "1")), opened)
    }

    #[test]
    fn the_last_snapshot_before_this_cycle_began_says_what_was_used_in_the_one_before() {
        let history = [
            ("11-04T07:00", seen("7", Some(4_800), OCT)),
            ("11-05T07:00", seen("7", Some(4_900), OCT)),
            ("11-05T09:00", seen("7", Some(1), NOV)),
            ("11-14T09:00", seen("7", Some(9), NOV)),
        ];
        assert_eq!(known(&history), (Some(4_900), 1));
    }

    #[test]
    fn where_its_usage_was_unknown_then_an_earlier_snapshot_of_the_same_days_says_it() {
        let history = [("11-04T07:00", seen("7", Some(4_800), OCT)), ("11-05T07:00", seen("7", None, OCT))];
        assert_eq!(known(&history), (Some(4_800), 2));
        let long_ago = [("10-20T07:00", seen("7", Some(4_800), OCT)), ("11-05T07:00", seen("7", None, OCT))];
        assert_eq!(known(&long_ago), (None, 1));
    }

    #[test]
    fn a_snapshot_that_saw_this_cycle_before_it_began_by_our_clock_says_nothing_of_the_last() {
        let history =
            [("11-05T07:00", seen("7", Some(4_900), OCT)), ("11-05T07:59", seen("7", Some(1), NOV))];
        assert_eq!(known(&history), (Some(4_900), 2));
    }

    #[test]
    fn nothing_is_known_without_a_history_and_of_a_cycle_that_is_not_the_one_before() {
        assert_eq!(known(&[]), (None, 0));
        assert_eq!(known(&[("11-10T07:00", seen("7", Some(5), NOV))]), (None, 0));
        assert_eq!(known(&[("10-04T07:00", seen("7", Some(4_000), SEP))]), (None, 1));
        assert_eq!(known(&[("11-05T07:00", seen("8", Some(4_000), OCT))]).0, None);
    }

    #[test]
    fn however_many_organizations_renew_on_whichever_days_few_snapshots_are_opened() {
        let rows = (0..60).map(|minute| {
            let start = day("11-05T08:00") + TimeDelta::minutes(minute);
            SnapshotRow { period_start: Some(start), ..seen(&minute.to_string(), Some(1), NOV) }
        });
        let live = Snapshot::new(day("11-14T12:00"), rows);
        let moments: Vec<_> = (0..90).map(|minute| day("11-05T07:30") + TimeDelta::minutes(minute)).collect();
        let mut opened = 0;
        LastCycle::find(&live, &moments, &UsageRule::default(), |_| {
            opened += 1;
            None
        });
        assert_eq!(opened, MOST);
    }
}
