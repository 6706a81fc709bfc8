//! The few lines beside the other answers, whatever became of the file.

use super::*;
use crate::change::plan::Verdict;
use crate::report::fixtures::{context, done_summary, held_summary};

fn status_text(summary: &RunSummary) -> String {
    let context = context();
    status(summary, context.zone, context.expire)
}

#[test]
fn the_status_of_what_is_held_says_why_until_when_and_what_to_type() {
    insta::assert_snapshot!(status_text(&held_summary()));
}

#[test]
fn the_status_of_what_is_done_counts_what_is_held_apart() {
    let status = status_text(&done_summary());
    assert!(status.contains("\n3 applied, 1 unchanged, 2 held, 2 not done\n"), "{status}");
    assert!(status.contains("Delete the held rows from it first"), "{status}");
}

#[test]
fn the_status_of_a_scheduled_run_says_when_it_is_sent_whether_or_not_a_person_approved_its_rows() {
    for verdict in [Verdict::Send, held_summary().plan.rows[0].verdict.clone()] {
        let mut summary = held_summary();
        summary.state = RunState::Scheduled;
        let row = summary.plan.rows[0].clone();
        let due = Some(summary.at + chrono::TimeDelta::days(3));
        summary.plan.rows = vec![PlanRow { due, verdict, ..row }];
        let status = status_text(&summary);
        assert!(status.contains("\nrow 17, Retail Stores North 204151: 12 000 → 7 000"), "{status}");
        assert!(status.contains("It is planned and checked again, and sent, at "), "{status}");
    }
}

#[test]
fn the_status_of_ten_thousand_rows_stays_one_that_people_read() {
    let mut summary = held_summary();
    let row = summary.plan.rows[0].clone();
    summary.plan.rows = (2..10_002).map(|number| PlanRow { row: number, ..row.clone() }).collect();
    let status = status_text(&summary);
    assert!(status.contains("\nand 9 950 more in plan.csv\n") && status.lines().count() < 170, "{status}");

    let mut summary = done_summary();
    let failed = summary.results.iter().find(|result| matches!(result.outcome, Outcome::Failed(_))).cloned();
    summary.results = vec![failed.unwrap(); 10_000];
    let status = status_text(&summary);
    assert!(status.contains("\nand 9 950 more in error.csv\n") && status.lines().count() < 120, "{status}");
}
