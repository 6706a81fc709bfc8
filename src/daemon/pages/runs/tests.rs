use super::*;
use crate::domain::diff::{ByRun, Change, Diff, MadeBy};
use crate::domain::quota::{Snapshot, Target, UsageRule};
use crate::report::fixtures::{at, context};
use crate::report::{DiffContext, People, Unlisted};

fn record(id: &str, state: RunState, updated: &str, due: Option<&str>) -> RunRecord {
    RunRecord { state, due: due.map(at), ..RunRecord::new(id.to_owned(), "q4.csv", true, at(updated)) }
}

#[test]
fn what_waits_for_somebody_comes_first_by_its_deadline_then_what_is_scheduled_by_its_time_then_what_ended_last()
 {
    let mut records = [
        record("older", RunState::Done, "11-20T10:00", None),
        record("later", RunState::Scheduled, "11-18T10:00", Some("12-05T00:00")),
        record("second", RunState::Held, "11-22T10:00", None),
        record("newer", RunState::Failed, "11-21T10:00", None),
        record("at work", RunState::Applying, "11-22T11:00", None),
        record("sooner", RunState::Scheduled, "11-19T10:00", Some("12-01T00:00")),
        record("first", RunState::Held, "11-19T10:00", None),
    ];
    records.sort_by_key(sort_key);
    let ids = records.each_ref().map(|record| record.id.as_str());
    assert_eq!(ids, ["first", "second", "at work", "sooner", "later", "newer", "older"]);
}

#[test]
fn each_line_has_its_moment_and_says_what_it_is() {
    let at = |record: &RunRecord| line(record, Some(1), &context()).at;
    assert_eq!(at(&record("r", RunState::Held, "11-22T10:00", None)), "until Sun 29 Nov 2026, 11:00");
    assert_eq!(
        at(&record("r", RunState::Scheduled, "11-22T10:00", Some("12-01T00:00"))),
        "due Tue 1 Dec 2026, 01:00"
    );
    assert_eq!(at(&record("r", RunState::Done, "11-22T10:00", None)), "Sun 22 Nov 2026, 11:00");
}

#[test]
fn changed_quotas_are_listed_from_the_run_that_was_last_each_with_its_moment() {
    let change = |aid: &str, run: &str, units: i64, applied: &str| Change {
        target: Target::account_group("10", aid),
        org_name: "Acme".into(),
        account_group_name: format!("Group {aid}").into(),
        before: Some(100),
        after: Some(100 + units),
        since: at(applied),
        made_by: MadeBy::Run(Box::new(ByRun {
            id: run.to_owned(),
            file: "q4.csv".to_owned(),
            comment: String::new(),
            at: at(applied),
        })),
    };
    let diff = |changes: Vec<Change>, to: &str| Diff {
        from: at("11-01T00:00"),
        to: at(to),
        changes,
        vanished: Vec::new(),
        suspect: false,
    };
    let diffs = [
        diff(
            vec![change("1", "old", 900, "11-20T09:30"), change("2", "old", 800, "11-20T09:30")],
            "11-20T10:00",
        ),
        diff(vec![change("3", "new", 5, "11-21T09:30")], "11-21T10:00"),
    ];
    let latest = Snapshot::new(at("11-22T10:00"), []);
    let with = DiffContext {
        latest: &latest,
        rule: &UsageRule::default(),
        people: &People::new(),
        unlisted: Unlisted::Count,
    };
    let report = crate::report::period_report(&diffs, at("11-01T00:00"), with, &context());
    let sections = newest_first(report.sections, context().zone);
    let names: Vec<&str> = sections[0].rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Group 3", "Group 1", "Group 2"]);
    assert_eq!(sections[0].rows[0].who, "q4.csv, run new, Sat 21 Nov 2026, 10:30");
    assert_eq!(sections[0].rows[1].shared, "2 quotas: q4.csv, run old, Fri 20 Nov 2026, 10:30");
}
