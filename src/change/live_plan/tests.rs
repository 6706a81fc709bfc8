//! By which snapshots an answer is believed or not.

use std::cell::RefCell;

use chrono::TimeDelta;

use super::*;

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// The hours of the snapshots that were read, and of those that were looked into, where some cannot be read.
fn looked_into(hours: &[i64], unreadable: &[i64], now: i64) -> (Vec<i64>, Vec<i64>) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    for hour in hours {
        history.write(&Snapshot::of_organizations(at(*hour), Vec::new())).unwrap();
    }
    let read = RefCell::new(Vec::new());
    let mut seen = Vec::new();
    let reader = |moment: DateTime<Utc>| {
        let hour = (moment - DateTime::UNIX_EPOCH).num_hours();
        read.borrow_mut().push(hour);
        (!unreadable.contains(&hour)).then_some(hour)
    };
    for_each_believed(&history, at(now), reader, |hour| seen.push(hour)).unwrap();
    (read.into_inner(), seen)
}

#[test]
fn the_last_snapshot_that_is_a_day_old_and_the_last_of_all_are_looked_into() {
    let both = vec![30, 60];
    assert_eq!(looked_into(&[0, 30, 40, 60], &[], 60), (both.clone(), both));
    assert_eq!(looked_into(&[0, 30, 40, 60], &[30, 60], 60), (vec![30, 0, 60, 40], vec![0, 40]));
}

#[test]
fn without_one_that_is_a_day_old_the_first_serves() {
    assert_eq!(looked_into(&[50, 51, 52], &[], 60).1, [50, 52]);
    assert_eq!(looked_into(&[], &[], 60).1, [0; 0]);
}

#[test]
fn no_snapshot_is_read_twice() {
    assert_eq!(looked_into(&[50], &[], 60), (vec![50], vec![50]));
    assert_eq!(looked_into(&[0], &[], 60), (vec![0], vec![0]));
    assert_eq!(looked_into(&[50, 51, 52], &[50, 52], 60), (vec![50, 51, 52], vec![51]));
}
