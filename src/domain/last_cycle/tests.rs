//! What the cycle before this one used, as far as snapshots show it.

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
    let last = LastCycle::find(live.organizations(), &moments, &UsageRule::default(), |at, _| {
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
    let history = [("11-05T07:00", seen("7", Some(4_900), OCT)), ("11-05T07:59", seen("7", Some(1), NOV))];
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
    LastCycle::find(live.organizations(), &moments, &UsageRule::default(), |_, _| {
        opened += 1;
        None
    });
    assert_eq!(opened, MOST);
}

#[test]
fn a_snapshot_is_read_for_those_organizations_alone_that_are_looked_for_in_it() {
    let live = [seen("7", Some(10), NOV), seen("8", Some(10), OCT)];
    let live = Snapshot::new(day("11-14T12:00"), live);
    let moments = [day("10-05T07:00"), day("11-05T07:00")];
    let mut asked = Vec::new();
    LastCycle::find(live.organizations(), &moments, &UsageRule::default(), |at, of| {
        asked.push((at, of.iter().map(ToString::to_string).collect::<Vec<_>>()));
        Some(Snapshot::new(at, [seen("7", Some(1), OCT), seen("8", Some(1), SEP)]))
    });
    assert_eq!(asked, [(moments[1], vec!["7".to_owned()]), (moments[0], vec!["8".to_owned()])]);
}
