//! What a history of snapshots is said to have changed, one after the other, with answers that lack something among them.

use chrono::TimeDelta;

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow, Units};

const TEN: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

fn at(hour: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(i64::try_from(hour).unwrap())
}

struct HistoryFolder {
    folder: tempfile::TempDir,
    history: History,
}

impl HistoryFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        Self { folder, history }
    }

    /// One organization with ten groups, of which these have a quota, and another one that stays as it is.
    fn sees(&self, hour: usize, with_quota: &[u32], quota: Units) {
        let group = |org_id: &str, aid: u32, quota| SnapshotRow {
            quota,
            ..SnapshotRow::new(Target::account_group(org_id, aid.to_string().as_str()))
        };
        let ten = TEN.iter().map(|aid| group("1", *aid, with_quota.contains(aid).then_some(quota)));
        let others = (20..60).map(|aid| group("2", aid, Some(7)));
        self.history.write(&Snapshot::new(at(hour), ten.chain(others))).unwrap();
    }

    fn diff(&self, earlier: usize, later: usize) -> Diff {
        compare(&self.history, &self.folder.path().join("runs"), at(earlier), at(later)).unwrap()
    }

    /// How many changes and how many that are no longer visible each snapshot shows, of those that show any.
    fn all(&self) -> Vec<(i64, usize, usize)> {
        let all = self.history.list().unwrap();
        let shows = |pair: &[DateTime<Utc>]| {
            let seen = compare(&self.history, &self.folder.path().join("runs"), pair[0], pair[1]).unwrap();
            let hour = (pair[1] - at(0)).num_hours();
            Some((hour, seen.changes.len(), seen.vanished.len())).filter(|seen| (seen.1, seen.2) != (0, 0))
        };
        all.windows(2).filter_map(shows).collect()
    }
}

#[test]
fn one_answer_that_was_not_whole_leaves_no_change_behind() {
    let history = HistoryFolder::new();
    for hour in 0..8 {
        history.sees(hour, if hour == 5 { &[3] } else { TEN }, 5);
    }
    assert_eq!(history.all(), [(5, 0, 9)]);
    assert_eq!(history.diff(5, 7).changes, [], "also where somebody compares with it");
    assert_eq!((history.diff(1, 5).changes.len(), history.diff(1, 5).vanished.len()), (0, 9));
}

#[test]
fn answers_that_lack_now_these_and_now_those_leave_no_change_behind_either() {
    let history = HistoryFolder::new();
    let parts: [&[u32]; 6] = [TEN, TEN, &[0, 1, 2, 3], &[2, 3, 4, 5], &[], TEN];
    for (hour, part) in parts.into_iter().enumerate() {
        history.sees(hour, part, 5);
    }
    let changes: Vec<_> = history.all().into_iter().filter(|(_, changes, _)| *changes > 0).collect();
    assert_eq!(changes, []);
}

#[test]
fn an_organization_that_is_out_of_sight_for_weeks_is_compared_with_what_was_last_known_of_it() {
    let history = HistoryFolder::new();
    let (gone, back) = (37, 400);
    for hour in (0..=back).filter(|hour| *hour < 60 || *hour >= 250) {
        history.sees(
            hour,
            if (gone..back).contains(&hour) { &[] } else { TEN },
            if hour == back { 6 } else { 5 },
        );
    }
    let seen = history.diff(back - 1, back).changes;
    assert_eq!(seen.len(), 10);
    for change in seen {
        assert_eq!((change.before, change.after, change.since), (Some(5), Some(6), at(gone - 1)));
    }
    // One that really appears for the first time is a baseline.
    let new = HistoryFolder::new();
    for hour in 0..130 {
        new.sees(hour, if hour == 129 { TEN } else { &[] }, 5);
    }
    assert!(new.diff(128, 129).changes.iter().all(|change| change.before.is_none()));
}

#[test]
fn what_is_gone_for_a_day_is_a_change_since_it_was_last_seen_and_is_said_once() {
    let history = HistoryFolder::new();
    for hour in 0..50 {
        history.sees(hour, if hour < 6 { TEN } else { &[3] }, 5);
    }
    assert_eq!(history.all(), [(6, 0, 9), (30, 9, 0)]);
    let seen = history.diff(29, 30);
    assert!(seen.changes.iter().all(|change| change.since == at(5) && change.after.is_none()), "{seen:?}");
    assert_eq!(history.diff(0, 49).changes.len(), 9, "and so it is for whoever looks back");
    assert_eq!(history.diff(0, 20).changes.len(), 0);
}

#[test]
fn the_same_holds_where_snapshots_are_rare() {
    for gap in [24, 7 * 24] {
        let history = HistoryFolder::new();
        for number in 0..5 {
            history.sees(number * gap, if number < 2 { TEN } else { &[3] }, 5);
        }
        let hour = i64::try_from(gap).unwrap();
        assert_eq!(history.all(), [(2 * hour, 0, 9), (3 * hour, 9, 0)]);
    }
}

#[test]
fn what_comes_back_with_another_quota_changed_from_what_it_was() {
    let history = HistoryFolder::new();
    history.sees(0, TEN, 5);
    history.sees(1, &[3], 5);
    history.sees(2, TEN, 6);
    assert_eq!(history.all(), [(1, 0, 9), (2, 10, 0)]);
    assert!(
        history.diff(1, 2).changes.iter().all(|change| (change.before, change.after) == (Some(5), Some(6)))
    );
}

#[test]
fn a_few_quotas_that_go_are_a_change_at_once_and_so_is_their_return() {
    let history = HistoryFolder::new();
    history.sees(0, TEN, 5);
    history.sees(1, &TEN[..5], 5);
    history.sees(2, TEN, 5);
    assert_eq!(history.all(), [(1, 5, 0), (2, 5, 0)]);
}

#[test]
fn the_targets_that_keep_their_quotas_are_named_until_the_answer_is_believed() {
    let history = HistoryFolder::new();
    for hour in 0..30 {
        history.sees(hour, if hour < 3 { TEN } else { &[3] }, 5);
    }
    let of = BTreeSet::from([OrgId::from("1"), OrgId::from("2")]);
    let kept = |hour| {
        kept_targets(&history.history, &history.folder.path().join("runs"), &of, at(hour)).unwrap().len()
    };
    assert_eq!([2, 3, 26, 27].map(kept), [0, 9, 9, 0]);
}
