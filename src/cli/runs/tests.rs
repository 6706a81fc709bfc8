//! Runs in each state, as people see them in a terminal.

use chrono_tz::Tz;

use super::*;
use crate::change::results::plan_csv;
use crate::change::{Code, Outcome, Problem, Verdict};
use crate::cli::table::Paint;
use crate::report::fixtures::{done_summary, held_summary};

fn at_80(state: RunState, summary: &RunSummary) -> String {
    let summary = RunSummary { state, ..summary.clone() };
    let record = RunRecord { plan_sha256: Some(summary.plan.sha256.clone()), ..record(state, &summary) };
    let run = Run { folder: "/data/runs/q4".into(), record };
    let paint = Paint { colors: false, width: 80 };
    render(&run, &summary, Style { paint, zone: Tz::Europe__Berlin }, Duration::from_secs(7 * 24 * 3600))
}

fn record(state: RunState, summary: &RunSummary) -> RunRecord {
    RunRecord {
        state,
        held_as: summary.held_as.clone(),
        ..RunRecord::new(summary.id.clone(), &summary.file, true, summary.at)
    }
}

#[test]
fn a_held_run_says_why_until_when_and_what_to_type() {
    insta::assert_snapshot!(at_80(RunState::Held, &held_summary()));
}

#[test]
fn the_list_says_until_when_or_for_when_each_in_the_zone_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let in_list = |state: RunState, due: Option<&str>| {
        let record = RunRecord { due: due.map(|due| due.parse().unwrap()), ..record(state, &held_summary()) };
        fs_err::write(folder.path().join("plan.csv"), plan_csv(&held_summary().plan)).unwrap();
        let run = Run { folder: folder.path().to_owned(), record };
        let paint = Paint { colors: false, width: 80 };
        let style = Style { paint, zone: Tz::Europe__Berlin };
        in_short(&run, style, Duration::from_secs(7 * 24 * 3600))
    };
    let held = in_list(RunState::Held, None);
    assert!(held.ends_with(" rows, until Sun 29 Nov 2026, 07:55 CET"), "{held}");
    let scheduled = in_list(RunState::Scheduled, Some("2026-12-01T00:00:00Z"));
    assert!(scheduled.ends_with(" rows, due Tue 1 Dec 2026, 01:00 CET"), "{scheduled}");
}

#[test]
fn a_scheduled_run_says_for_when_and_a_stale_one_how_to_go_on() {
    let mut summary = held_summary();
    for row in &mut summary.plan.rows {
        (row.verdict, row.due) = (Verdict::Send, "2026-12-01T00:00:00Z".parse().ok());
    }
    let text = at_80(RunState::Scheduled, &summary);
    assert!(text.contains("Waits for Tue 1 Dec 2026, 01:00 CET."), "{text}");
    assert!(text.contains("quotakeeper reject 20261122T065500Z-q4.held\n"), "{text}");
    // It is looked at again later than its rows say.
    let postponed =
        RunRecord { due: "2026-12-01T00:10:00Z".parse().ok(), ..record(RunState::Scheduled, &summary) };
    let paint = Paint { colors: false, width: 80 };
    let style = Style { paint, zone: Tz::Europe__Berlin };
    let text_of = what_to_do(&postponed, &summary, style, Duration::ZERO);
    assert!(text_of.contains("Waits for Tue 1 Dec 2026, 01:10 CET."), "{text_of}");
    let text = at_80(RunState::Stale, &held_summary());
    assert!(text.contains("hold it: quotakeeper approve 20261122T065500Z-q4.held\n"), "{text}");
}

#[test]
fn a_run_that_was_decided_says_by_whom_and_asks_nobody_again() {
    let (folder, at) = (tempfile::tempdir().unwrap(), "2026-11-22T12:00:00Z".parse().unwrap());
    let mut run = Run::create(folder.path(), at, "q4.csv", |record| record).unwrap();
    run.set_state(RunState::Held, at).unwrap();
    assert!(run.waits_for_person());
    let plan_sha256 = "f".repeat(64);
    run.decide(&Decision::new(true, plan_sha256, "ann".into(), at)).unwrap();
    assert!(!run.waits_for_person());
    let paint = Paint { colors: false, width: 80 };
    let style = Style { paint, zone: Tz::Europe__Berlin };
    let text = super::render(&run, &held_summary(), style, Duration::from_secs(3600));
    assert!(text.contains("Approved by ann on Sun 22 Nov 2026, 13:00 CET, and not acted on yet"), "{text}");
    assert!(!text.contains("To approve it") && !text.contains("quotakeeper reject"), "{text}");
}

#[test]
fn a_finished_run_shows_the_outcome_of_its_rows_and_those_not_done_first() {
    insta::assert_snapshot!(at_80(RunState::Done, &done_summary()));
}

#[test]
fn rows_that_were_not_done_for_one_reason_say_it_once() {
    let mut story = done_summary();
    let reason = "not sent because row 9 was refused, and the rows of an organization are sent together or not at all.";
    for result in story.results.iter_mut().take(3) {
        let problem = Problem { code: Code::NotSent, message: reason.into() };
        result.outcome = Outcome::Failed(problem);
    }
    let text = at_80(RunState::Done, &story);
    assert_eq!(text.matches("Not sent because").count(), 1, "{text}");
    let [own, shared] =
        ["Not done · 2", "Not done, for one reason · 3"].map(|title| text.find(title).unwrap());
    assert!(own < shared && text[shared..].contains("Trading Floor 204150"), "{text}");
}
