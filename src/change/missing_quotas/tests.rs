//! Which quotas are said to be missing.

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

/// How many quotas are missing of the last of these, and what is said of it.
fn missing(snapshots: &[(i64, &[u32])]) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    for (hour, with_quota) in snapshots {
        history.write(&seen(*hour, with_quota)).unwrap();
    }
    let (hour, with_quota) = snapshots.last().unwrap();
    let missing =
        MissingQuotas::find(&history, &folder.path().join("runs"), &seen(*hour, with_quota)).unwrap();
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
        let missing = MissingQuotas::find(&history, &folder.path().join("runs"), now).unwrap();
        missing.organizations(Tz::UTC).map(|own| (own.without_quota, own.absent)).collect::<Vec<_>>()
    };
    let first = |rows: usize| Snapshot::new(at(1), seen(1, FEW).rows().take(rows).collect::<Vec<_>>());
    assert_eq!(counts(&first(10)), [(7, 0)]);
    assert_eq!(counts(&first(8)), [(5, 2)]);
    assert_eq!(counts(&first(3)), [(0, 7)], "each that is left has its quota");
    let unchanged = Snapshot::new(at(1), seen(0, ALL).rows().take(6).collect::<Vec<_>>());
    assert_eq!(counts(&unchanged), [], "fewer than half are missing");
}
