//! An organization that is not there any more is found in the snapshot that has it.

use chrono::TimeDelta;

use super::super::WantedOrganizations;
use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow, Target};

fn row(id: &str, name: &str) -> SnapshotRow<'static> {
    SnapshotRow {
        org_name: name.to_owned().into(),
        quota: Some(5),
        ..SnapshotRow::new(Target::organization(id))
    }
}

/// A snapshot for each hour; Globex is in those whose index is below `until`.
fn history(folder: &tempfile::TempDir, count: usize, until: usize) -> History {
    let history = History::new(folder.path());
    let first: DateTime<Utc> = "2026-11-22T08:00:00Z".parse().unwrap();
    for index in 0..count {
        let globex = (index < until).then(|| row("20", "Globex"));
        let at = first + TimeDelta::hours(i64::try_from(index).unwrap());
        history.write(&Snapshot::new(at, [row("10", "Acme")].into_iter().chain(globex))).unwrap();
    }
    history
}

fn problem(history: &History, named: &str, asked: Option<DateTime<Utc>>) -> String {
    let there = history.read(asked.unwrap_or_else(|| *history.list().unwrap().last().unwrap())).unwrap();
    let earlier = Earlier { history, zone: Tz::UTC, asked };
    WantedOrganizations::new(&[named.to_owned()]).ids(&[&there], earlier).unwrap_err().to_string()
}

#[test]
fn an_organization_that_vanished_is_reported_with_the_last_snapshot_that_has_it() {
    for (count, until) in [(2, 1), (3, 1), (12, 1), (12, 5), (12, 8), (12, 11)] {
        let folder = tempfile::tempdir().unwrap();
        let history = history(&folder, count, until);
        let at = 7 + until;
        for named in ["20", "globex"] {
            assert_eq!(
                problem(&history, named, None),
                format!(
                    "the API's answer no longer shows the organization Globex 20, which the snapshot of Sun 22 Nov 2026, {at:02}:00 UTC \
                     has. To see it there, run `quotakeeper targets --org 20 --at 2026-11-22T{at:02}-00-00Z`"
                )
            );
        }
    }
}

#[test]
fn what_a_snapshot_of_the_past_lacks_is_not_what_the_api_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(&folder, 4, 2);
    let asked = history.list().unwrap()[2];
    let problem = problem(&history, "Globex", Some(asked));
    let there = "the snapshot of Sun 22 Nov 2026, 10:00 UTC does not have the organization Globex 20, which";
    assert!(
        problem.starts_with(&format!("{there} the snapshot of Sun 22 Nov 2026, 09:00 UTC has")),
        "{problem}"
    );
}

#[test]
fn an_organization_that_no_snapshot_has_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(&folder, 6, 0);
    assert_eq!(problem(&history, "Initech", None), "there is no organization Initech. Known: Acme 10");
}
