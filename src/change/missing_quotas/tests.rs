//! Which quotas are said to be missing.

use chrono::TimeDelta;

use super::*;
use crate::domain::quota::SnapshotRow;

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// One organization with ten groups, of which these have a quota.
fn seen(hour: i64, with_quota: &[u32]) -> Snapshot {
    let row = |aid: u32| SnapshotRow {
        quota: with_quota.contains(&aid).then_some(5 + hour),
        ..SnapshotRow::new(Target::account_group("1", aid.to_string().as_str()))
    };
    Snapshot::new(at(hour), (0..10).map(row))
}

fn find(history: &History, now: &Snapshot) -> MissingQuotas {
    MissingQuotas::find(history, Path::new("no runs"), now, AnswerExtent::All).unwrap()
}

/// How many quotas are missing of the last of these, and what is said of it.
fn missing(snapshots: &[(i64, &[u32])]) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    for (hour, with_quota) in snapshots {
        history.write(&seen(*hour, with_quota)).unwrap();
    }
    let (hour, with_quota) = snapshots.last().unwrap();
    let missing = find(&history, &seen(*hour, with_quota));
    let count = missing.quotas.values().filter(|quota| quota.units == 5).count();
    (count, missing.organizations(Tz::UTC).map(|own| own.what).collect())
}

const ALL: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const FEW: &[u32] = &[0, 1, 2];

#[test]
fn most_quotas_of_an_organization_that_an_answer_lacks_are_missing_for_a_day() {
    let said = "The API's answer no longer shows 7 of the 10 quotas of organization 1, which the snapshot of Thu 1 Jan 1970, 00:00 UTC has";
    assert_eq!(missing(&[(0, ALL), (1, FEW)]), (7, vec![said.to_owned()]));
    assert_eq!(missing(&[(0, ALL), (1, FEW), (2, FEW), (23, FEW)]).0, 7);
    assert_eq!(missing(&[(0, ALL), (1, FEW), (2, FEW), (26, FEW)]), (0, Vec::new()));
    assert_eq!(missing(&[(0, ALL), (1, &[])]).0, 10);
}

#[test]
fn an_organization_that_never_had_more_quotas_lacks_none() {
    assert_eq!(missing(&[(0, FEW), (1, FEW)]), (0, Vec::new()));
    assert_eq!(
        missing(&[(0, ALL), (1, &[0, 1, 2, 3, 4])]),
        (0, Vec::new()),
        "half of them may be somebody's doing"
    );
    assert_eq!(missing(&[(0, FEW)]), (0, Vec::new()));
}

#[test]
fn targets_that_went_with_their_quotas_are_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    history.write(&seen(0, ALL)).unwrap();
    let counts = |now: &Snapshot| {
        let missing = find(&history, now);
        missing.organizations(Tz::UTC).map(|own| (own.without_quota, own.absent)).collect::<Vec<_>>()
    };
    let first = |rows: usize| Snapshot::new(at(1), seen(1, FEW).rows().take(rows).collect::<Vec<_>>());
    assert_eq!(counts(&first(10)), [(7, 0)]);
    assert_eq!(counts(&first(8)), [(5, 2)]);
    assert_eq!(counts(&first(3)), [(0, 7)], "each that is left has its quota");
    let unchanged = Snapshot::new(at(1), seen(0, ALL).rows().take(6).collect::<Vec<_>>());
    assert_eq!(counts(&unchanged), [], "fewer than half are missing");
}

#[test]
fn an_organization_that_an_answer_lacks_altogether_is_named_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    let of = |hour: i64, ids: &[&str]| {
        let row = |id: &&str| SnapshotRow {
            quota: Some(5),
            org_name: format!("Name {id}").into(),
            ..SnapshotRow::new(Target::account_group(*id, "1"))
        };
        Snapshot::new(at(hour), ids.iter().map(row).collect::<Vec<_>>())
    };
    let absent = |now: &Snapshot| find(&history, now).absent_organizations(Tz::UTC);
    history.write(&of(0, &["1", "2", "3"])).unwrap();
    assert_eq!(absent(&of(1, &["1", "2", "3"])), None);
    history.write(&of(1, &["1"])).unwrap();
    let lacking = absent(&of(2, &["1"])).unwrap();
    assert_eq!(
        lacking.what,
        "The API's answer no longer shows the organizations Name 2 2 and Name 3 3, which the snapshot of Thu 1 Jan 1970, 00:00 UTC has"
    );
    assert_eq!((lacking.count, lacking.seen), (2, at(0)));
    assert_eq!(absent(&of(26, &["1"])), None, "after a day it counts as removed");
    history.write(&of(20, &["1", "2"])).unwrap();
    history.write(&of(21, &["1"])).unwrap();
    assert_eq!(absent(&of(21, &["1"])).unwrap().seen, at(20), "a snapshot is not its own past");
    let part = AnswerExtent::SomeOrganizations;
    let asked = MissingQuotas::find(&history, Path::new("no runs"), &of(2, &["1"]), part).unwrap();
    assert_eq!(asked.absent_organizations(Tz::UTC), None);
}
