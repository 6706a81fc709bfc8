//! What is believed of an answer that lacks quotas, and for how long it is not.

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow, Target};

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// An organization with these groups: of ten those that are named have a quota of 5, the others none.
fn seen(with_quota: &[u32]) -> Organization {
    let row = |aid: u32| SnapshotRow {
        quota: with_quota.contains(&aid).then_some(5),
        ..SnapshotRow::new(Target::account_group("1", aid.to_string().as_str()))
    };
    Snapshot::new(at(0), (0..10).map(row)).organizations()[0].clone()
}

/// After snapshots of these hours: how many quotas are known.
fn known(snapshots: &[(i64, &[u32])]) -> usize {
    known_but(snapshots, &|_, _| false)
}

fn known_but(snapshots: &[(i64, &[u32])], removed: &dyn Fn(Option<&Aid>, DateTime<Utc>) -> bool) -> usize {
    let mut known = KnownQuotas::default();
    for (hour, with_quota) in snapshots {
        known.observe(Some(&seen(with_quota)), at(*hour), removed);
    }
    known.targets.values().filter(|seen| seen.quota.is_some()).count()
}

const ALL: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

#[test]
fn most_quotas_that_went_at_once_are_kept_for_a_day_and_half_of_them_not_at_all() {
    assert_eq!(known(&[(0, ALL), (1, &[0, 1, 2, 3, 4])]), 5);
    let few: &[u32] = &[0, 1, 2, 3];
    assert_eq!(known(&[(0, ALL), (1, few)]), 10);
    assert_eq!(known(&[(0, ALL), (1, few), (24, few)]), 10);
    assert_eq!(known(&[(0, ALL), (1, few), (25, few)]), 4, "a whole day");
    assert_eq!(known(&[(0, ALL), (1, few), (2, ALL), (25, few)]), 10, "they were back in between");
    assert_eq!(known(&[(0, ALL), (1, few), (25, few), (26, &[0, 1])]), 2, "half of what is left");
}

#[test]
fn answers_that_lack_now_these_and_now_those_are_one_doubt() {
    let parts: [&[u32]; 3] = [&[0, 1, 2, 3], &[2, 3, 4, 5], &[9]];
    assert_eq!(known(&[(0, ALL), (1, parts[0]), (2, parts[1]), (3, parts[2])]), 10);
    assert_eq!(
        known(&[(0, ALL), (1, parts[0]), (25, parts[1])]),
        6,
        "0 and 1 are missing for the first time"
    );
}

#[test]
fn a_quota_that_some_answer_of_the_day_shows_is_there_however_many_days_the_others_lack_it() {
    let parts: [&[u32]; 3] = [&[0, 1, 2, 3], &[3, 4, 5, 6], &[6, 7, 8, 9]];
    let days = (1..100).map(|hour| (hour, parts[usize::try_from(hour).unwrap() % 3]));
    let all: Vec<(i64, &[u32])> = [(0, ALL)].into_iter().chain(days).collect();
    assert_eq!(known(&all), 10);
}

#[test]
fn an_organization_without_any_quota_is_out_of_sight_however_long() {
    assert_eq!(known(&[(0, ALL), (1, &[]), (100, &[])]), 10);
    assert_eq!(known(&[(0, &[7]), (1, &[])]), 1);
    assert_eq!(known(&[(0, ALL), (1, &[]), (2, &[0, 1, 2, 3, 4, 5])]), 6, "it is back, without some");
    assert_eq!(known(&[(0, ALL), (1, &[]), (2, &[0])]), 10, "it is not back yet");
}

#[test]
fn what_a_run_took_off_is_believed_and_counts_for_no_doubt() {
    let by_run = |aids: &'static [&str]| {
        move |aid: Option<&Aid>, _: DateTime<Utc>| aid.is_some_and(|aid| aids.contains(&aid.as_str()))
    };
    let most = by_run(&["3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(known_but(&[(0, ALL), (1, &[0, 1, 2])], &most), 3);
    let all = by_run(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(known_but(&[(0, ALL), (1, &[])], &all), 0);
    assert_eq!(
        known_but(&[(0, ALL), (1, &[0])], &by_run(&["7", "8", "9"])),
        7,
        "six others are missing of seven"
    );
}

#[test]
fn a_target_that_an_answer_does_not_list_is_what_it_was_and_is_counted_once() {
    let mut known = KnownQuotas::default();
    let one = |aid: &str| {
        let row = SnapshotRow { quota: Some(7), ..SnapshotRow::new(Target::account_group("1", aid)) };
        Snapshot::new(at(0), [row]).organizations()[0].clone()
    };
    known.observe(Some(&seen(ALL)), at(0), &|_, _| false);
    // Account groups that were deleted: listed no more, and after a day no reason to doubt what is left.
    for hour in [1, 30, 31] {
        known.observe(Some(&one("99")), at(hour), &|_, _| false);
    }
    assert!(known.targets.values().all(|seen| seen.missing_since.is_none() || !seen.is_in_sight));
    assert_eq!(
        known.last_seen(Some(&Aid::from("3"))).map(|seen| (seen.at, seen.quota)),
        Some((at(0), Some(5)))
    );
}
