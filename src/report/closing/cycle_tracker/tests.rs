//! When a cycle is over, and that it is reported once.

use super::*;
use crate::domain::quota::{SnapshotRow, Target};
use crate::report::fixtures::at;

/// One organization and its cycle; none where its usage is unknown.
type Of<'a> = (&'a str, Option<(&'a str, &'a str)>);

fn seen(taken_at: &str, of: &[Of]) -> Snapshot {
    let row = |(org_id, cycle): &Of| SnapshotRow {
        period_start: cycle.map(|(start, _)| at(start)),
        period_end: cycle.map(|(_, end)| at(end)),
        ..SnapshotRow::new(Target::organization(*org_id))
    };
    Snapshot::new(at(taken_at), of.iter().map(row))
}

fn pending(record: &ClosingRecord) -> Vec<String> {
    let day = |at: DateTime<Utc>| at.format("%m-%d").to_string();
    record
        .pending
        .iter()
        .map(|ended| format!("{} {} {}", ended.org_id, day(ended.start), day(ended.end)))
        .collect()
}

const OCT: Option<(&str, &str)> = Some(("10-05T08:00", "11-05T08:00"));
const NOV: Option<(&str, &str)> = Some(("11-05T08:00", "12-05T08:00"));

#[test]
fn the_first_sight_of_an_organization_is_a_baseline() {
    let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)]));
    assert_eq!(pending(&record), [""; 0]);
    let record = record.judge(&seen("11-05T09:00", &[("1", NOV), ("2", NOV)]));
    assert_eq!(pending(&record), ["1 10-05 11-05"]);
}

#[test]
fn a_cycle_is_reported_once_however_often_it_is_judged() {
    let after = seen("11-05T09:00", &[("1", NOV)]);
    let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)])).judge(&after);
    assert_eq!(record.clone().judge(&after), record);
    let record = record.with_reported([]).judge(&after).judge(&seen("11-30T09:00", &[("1", NOV)]));
    assert_eq!(pending(&record), [""; 0]);
}

#[test]
fn a_cycle_is_over_by_its_own_dates_though_usage_is_unknown_or_the_organization_is_gone() {
    let both = seen("11-04T07:00", &[("1", OCT), ("2", OCT)]);
    let record = ClosingRecord::default().judge(&both).judge(&seen("11-06T07:00", &[("1", None)]));
    assert_eq!(pending(&record), ["1 10-05 11-05", "2 10-05 11-05"]);
    // The next cycle, once it is seen, closes nothing again.
    let record = record.with_reported([]).judge(&seen("11-07T07:00", &[("1", NOV)]));
    assert_eq!(pending(&record), [""; 0]);
    assert_eq!(pending(&record.judge(&seen("12-06T07:00", &[("1", NOV)]))), ["1 11-05 12-05"]);
}

#[test]
fn an_old_cycle_that_the_api_still_shows_is_closed_once() {
    let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)]));
    let record = record.judge(&seen("11-05T08:30", &[("1", OCT)]));
    assert_eq!(pending(&record), ["1 10-05 11-05"]);
    assert_eq!(pending(&record.with_reported([]).judge(&seen("11-05T09:00", &[("1", NOV)]))), [""; 0]);
    // And one that was over already when it was seen first is none of ours.
    let first = ClosingRecord::default().judge(&seen("11-06T07:00", &[("1", OCT)]));
    assert_eq!(pending(&first.judge(&seen("11-07T07:00", &[("1", NOV)]))), [""; 0]);
}

#[test]
fn what_a_clock_that_was_ahead_closed_closes_when_it_ends() {
    let ahead = seen("12-30T07:00", &[("1", NOV)]);
    let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)])).judge(&ahead);
    assert_eq!(pending(&record), ["1 11-05 12-05"]);
    let record = record.with_reported([]).judge(&seen("11-10T08:00", &[("1", NOV)]));
    assert_eq!(pending(&record), [""; 0]);
    assert_eq!(pending(&record.judge(&seen("12-05T09:00", &[("1", None)]))), ["1 11-05 12-05"]);
}

#[test]
fn cycles_that_passed_unseen_are_reported_as_one_time() {
    let record =
        ClosingRecord::default().judge(&seen("09-30T07:00", &[("1", Some(("09-05T08:00", "10-05T08:00")))]));
    assert_eq!(pending(&record.judge(&seen("11-06T07:00", &[("1", NOV)]))), ["1 09-05 11-05"]);
}

#[test]
fn a_start_that_moves_by_hours_or_back_closes_nothing() {
    let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)]));
    let moved = record.judge(&seen("11-11T07:00", &[("1", Some(("11-05T20:00", "12-05T20:00")))]));
    assert_eq!(pending(&moved), [""; 0]);
    assert_eq!(pending(&moved.judge(&seen("11-12T07:00", &[("1", OCT)]))), [""; 0]);
}

#[test]
fn an_end_that_moves_is_the_one_that_counts() {
    let longer = Some(("11-05T08:00", "12-20T08:00"));
    let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)]));
    let record =
        record.judge(&seen("11-11T07:00", &[("1", longer)])).judge(&seen("12-06T07:00", &[("1", None)]));
    assert_eq!(pending(&record), [""; 0]);
    assert_eq!(pending(&record.judge(&seen("12-21T07:00", &[("1", None)]))), ["1 11-05 12-20"]);
}

#[test]
fn what_closes_before_the_last_was_reported_waits_for_the_next_mail() {
    let record = ClosingRecord::default()
        .judge(&seen("11-04T07:00", &[("1", OCT), ("2", OCT)]))
        .judge(&seen("11-05T09:00", &[("1", NOV), ("2", OCT)]));
    assert_eq!(pending(&record), ["1 10-05 11-05", "2 10-05 11-05"]);
    let later = seen("12-05T09:00", &[("1", None), ("2", None)]);
    assert_eq!(record.clone().judge(&later), record);
    assert_eq!(pending(&record.with_reported([]).judge(&later)), ["1 11-05 12-05"]);
}

#[test]
fn the_snapshots_that_were_reported_are_kept_for_the_year() {
    let record =
        ClosingRecord::default().with_reported([at("11-05T07:00"), at("11-05T07:00"), at("11-04T07:00")]);
    assert_eq!(record.reported_from, [at("11-04T07:00"), at("11-05T07:00")]);
    let later = Snapshot::new(at("11-05T08:00") + KEPT, Vec::new());
    assert!(record.judge(&later).reported_from.is_empty());
}
