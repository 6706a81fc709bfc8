//! What a change report says of runs.

use std::collections::HashSet;

use super::*;
use crate::change::{Guard, GuardHit, Plan, PlanRow, Problem, Verdict};
use crate::domain::quota::Target;
use crate::report::fixtures::{at, context, done_summary, held_summary, plan_row};
use crate::report::shared::Extent;

fn titles(report: &ChangesReport) -> Vec<&str> {
    report.sections.iter().map(|section| section.title.as_str()).collect()
}

#[test]
fn a_run_lists_what_is_held_and_refused_before_what_was_applied() {
    let report = run_report(&done_summary(), Some(&held_summary()), &context());
    assert_eq!(
        report.headline,
        "q4.csv: 3 rows applied (1 still too low), 2 held, 1 refused, 1 refused by ThousandEyes"
    );
    assert_eq!(titles(&report), ["Held · 2", "Refused · 1", "Refused by ThousandEyes · 1", "Applied · 3"]);
    let applied = "3 other rows have already been applied; they are listed below.";
    assert_eq!(report.notes, [applied, "1 row changed nothing and was not sent."]);
    assert!(
        report.todo.starts_with("approve or reject the held rows by Sun 29 Nov 2026, 07:55"),
        "{}",
        report.todo
    );
    assert!(report.todo.contains(" Fix the refused row in error.csv and drop it again."), "{}", report.todo);
    let held = report.held.unwrap();
    assert_eq!(held.approve, "quotakeeper approve 20261122T065500Z-q4.held --plan 7f3a91c2");
    assert_eq!(held.reject, "quotakeeper reject 20261122T065500Z-q4.held");
    assert_eq!(held.until, "Sun 29 Nov 2026, 07:55");
    assert_eq!(report.organizations[0].over_allocated, Some(1500));
}

#[test]
fn a_run_that_expired_is_a_warning_and_one_that_a_person_rejected_is_not() {
    let problem = || Problem { code: Code::Rejected, message: "not sent.".to_owned() };
    let held = held_summary();
    let outcome = |row: &PlanRow| RowResult { row: row.row, outcome: Outcome::Failed(problem()) };
    let results = held.plan.rows.iter().map(outcome).collect();
    let rejected = RunSummary { state: RunState::Rejected, results, ..held };
    let expired = RunSummary { expired: true, ..rejected.clone() };
    let [rejected, expired] = [rejected, expired].map(|summary| run_report(&summary, None, &context()));
    assert_eq!((rejected.level, rejected.todo.as_str()), (Level::Fine, ""));
    assert_eq!(rejected.headline, "q4.csv was rejected: nothing was sent");
    assert_eq!(
        (expired.level, expired.todo.as_str()),
        (Level::Warning, "drop the file again if you still want it.")
    );
    assert_eq!(expired.headline, "q4.csv was not approved in time: nothing was sent");

    let mut several = files::GatheredFiles::default();
    let reports = [rejected.clone(), expired.clone(), expired];
    for report in reports {
        several.add(report, RunState::Rejected);
    }
    let several = several.report(&context()).unwrap();
    let said = "3 files: 2 were not approved in time, 1 rejected";
    assert_eq!((several.level, several.headline.as_str()), (Level::Warning, said));
}

#[test]
fn a_row_that_was_refused_claims_no_headroom() {
    let report = run_report(&done_summary(), None, &context());
    assert!(report.sections[1..3].iter().flat_map(|section| &section.rows).all(|row| row.effect.is_empty()));
    assert!(report.notes[0].contains("quotakeeper runs 20261122T065500Z-q4.held"), "{:?}", report.notes);
}

#[test]
fn headroom_after_a_change_is_said_in_words() {
    let report = run_report(&done_summary(), None, &context());
    let applied: Vec<&str> = report.sections[3].rows.iter().map(|row| &*row.effect).collect();
    assert_eq!(applied, ["4 800 short of the 10 800 needed", "7 200 headroom", "700 headroom"]);
}

#[test]
fn held_rows_are_listed_by_danger_with_what_is_used_and_projected() {
    let mut summary = held_summary();
    let worse = PlanRow { row: 19, after: Some(100), ..summary.plan.rows[0].clone() };
    summary.plan.rows.push(worse);
    let report = run_report(&summary, None, &context());
    let usages: Vec<_> = report.sections[0].rows.iter().map(|row| (row.row, row.usage.as_str())).collect();
    let usage = "7 900 used, 10 800 projected";
    assert_eq!(usages, [(Some(19), usage), (Some(17), usage), (Some(18), usage)]);
    assert_eq!(report.notes, ["Nothing was sent."]);
    assert_eq!(
        report.todo,
        "approve or reject the held rows by Sun 29 Nov 2026, 07:55: the commands are below."
    );
}

#[test]
fn scheduled_rows_are_listed_apart_with_their_time_and_the_value_as_it_was_written() {
    let due = Some(at("12-01T00:00"));
    let mut summary = RunSummary { state: RunState::Scheduled, ..held_summary() };
    for row in &mut summary.plan.rows {
        (row.verdict, row.due, row.written) = (Verdict::Send, due, "20% of plan".into());
    }
    let report = run_report(&summary, None, &context());
    assert_eq!(report.headline, "q4.csv will change 2 quotas on Tue 1 Dec 2026, 01:00");
    assert_eq!(titles(&report), ["Scheduled · 2"]);
    assert!(
        report.notes[0].ends_with(&format!("To reject it before that: quotakeeper reject {}", summary.id))
    );
    let row = &report.sections[0].rows[0];
    assert_eq!((row.due.as_str(), row.written.as_str()), ("Tue 1 Dec 2026, 01:00", "20% of plan"));
}

#[test]
fn a_run_that_was_rejected_asks_nobody_to_fix_rows() {
    let stale = Problem { code: Code::Stale, message: "not sent".into() };
    let todo = |state| {
        let summary = held_summary();
        let failed = |row: &PlanRow| RowResult { row: row.row, outcome: Outcome::Failed(stale.clone()) };
        let results = summary.plan.rows.iter().map(failed).collect();
        let report = run_report(&RunSummary { state, results, ..summary }, None, &context());
        assert_eq!(titles(&report), ["Not sent · 2"]);
        report.todo
    };
    assert!(todo(RunState::Stale).contains("quotakeeper approve 20261122T065500Z-q4.held"));
    assert_eq!(todo(RunState::Rejected), "");
}

/// A run in which rows ended in these ways, each with the verdict of its plan.
fn mixed(ends: &[(Code, bool)]) -> RunSummary {
    let problem = |code| Problem { code, message: "some reason".into() };
    let (mut rows, mut results) = (Vec::new(), Vec::new());
    for (row, (code, by_the_plan)) in (2..).zip(ends) {
        let verdict = if *by_the_plan { Verdict::Refused(problem(*code)) } else { Verdict::Send };
        rows.push(plan_row(row, &row.to_string(), "Lab", Some(1), Some(2), verdict));
        results.push(RowResult { row, outcome: Outcome::Failed(problem(*code)) });
    }
    let plan = Plan { rows, ..done_summary().plan };
    RunSummary { plan, results, held_as: None, ..done_summary() }
}

#[test]
fn each_reason_why_a_row_was_not_applied_has_its_own_count_and_section_and_each_row_is_in_one() {
    let ends = [
        (Code::BadRow, true),
        (Code::Stale, true),
        (Code::NotSent, true),
        (Code::NotSent, true),
        (Code::NotSent, true),
        (Code::NotSent, false),
        (Code::Held, false),
        (Code::Refused, false),
        (Code::ChangedMeanwhile, false),
        (Code::NotConfirmed, false),
    ];
    let report = run_report(&mixed(&ends), None, &context());
    assert_eq!(
        report.headline,
        "q4.csv: 1 row not confirmed, 2 refused, 3 not sent with them, 1 refused by ThousandEyes, 1 changed meanwhile, 2 not sent"
    );
    assert_eq!(
        titles(&report),
        [
            "Not confirmed · 1",
            "Refused · 2",
            "Not sent with them · 3",
            "Refused by ThousandEyes · 1",
            "Changed meanwhile · 1",
            "Not sent · 2"
        ]
    );
    let mut listed: Vec<_> =
        report.sections.iter().flat_map(|section| &section.rows).filter_map(|row| row.row).collect();
    listed.sort_unstable();
    assert_eq!(listed, (2..12).collect::<Vec<_>>());
    assert_eq!(
        report.todo,
        "fix the 2 refused rows in error.csv and drop it again. 3 more were not sent with them. See below why \
         ThousandEyes refused 1 row. Review the 1 row whose quota changed meanwhile. Drop error.csv again if the 2 rows \
         not sent are still wanted. Check in ThousandEyes whether the 1 unconfirmed row is set."
    );
}

#[test]
fn what_was_given_up_was_not_sent_with_anything() {
    let report = run_report(&mixed(&[(Code::Refused, false), (Code::NotSent, false)]), None, &context());
    assert_eq!(report.headline, "q4.csv: 1 row refused by ThousandEyes, 1 not sent");
    let one = run_report(&mixed(&[(Code::BadRow, true), (Code::NotSent, true)]), None, &context());
    assert_eq!(one.headline, "q4.csv: 1 row refused, 1 not sent with it");
}

#[test]
fn of_a_file_whose_other_rows_are_not_confirmed_it_is_not_said_that_nothing_was_sent() {
    let report = run_report(&mixed(&[(Code::NotConfirmed, false)]), Some(&held_summary()), &context());
    assert!(
        report.notes[0].contains("what was sent and not confirmed is listed below"),
        "{:?}",
        report.notes
    );
}

#[test]
fn what_is_only_planned_asks_for_nothing_to_be_fixed() {
    let mut summary = mixed(&[(Code::NotSent, false), (Code::NotSent, false)]);
    summary.planned_only = true;
    let report = run_report(&summary, None, &context());
    assert_eq!(report.headline, "q4.csv would change 2 quotas; nothing was sent");
    assert_eq!(titles(&report), ["Would be applied · 2"]);
    assert_eq!((report.todo.as_str(), report.level), ("", Level::Fine));
}

#[test]
fn each_state_of_a_run_has_its_headline() {
    let headline = |state| {
        run_report(&RunSummary { state, results: Vec::new(), ..done_summary() }, None, &context()).headline
    };
    let said: Vec<String> = RunState::ALL.iter().map(|state| headline(*state)).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn another_state_of_the_same_run_is_another_mail() {
    let identity = |state| run_report(&RunSummary { state, ..done_summary() }, None, &context()).identity;
    assert_eq!(identity(RunState::Done), identity(RunState::Done));
    assert_ne!(identity(RunState::Done), identity(RunState::Stale));
}

#[test]
fn the_largest_changes_are_listed_and_the_rest_is_counted() {
    let rows = (0..10_000).map(|row| {
        plan_row(row, "1", "Lab", Some(100), Some(100 + i64::try_from(row).unwrap()), Verdict::Send)
    });
    let plan = Plan { rows: rows.collect(), ..Plan::default() };
    let report = run_report(&RunSummary { plan, results: Vec::new(), ..held_summary() }, None, &context());
    let section = &report.sections[0];
    assert_eq!((section.rows.len(), section.more), (20, 9980));
    assert_eq!(section.rows[0].after, Some(10_099));
}

#[test]
fn what_is_not_listed_is_looked_up_in_the_run_that_the_rows_became() {
    let mut summary = done_summary();
    let row = summary.plan.rows[0].clone();
    summary.plan.rows = (0..60).map(|number| PlanRow { row: number, ..row.clone() }).collect();
    let parts = |two: &str| {
        let run = |row| Some(if row < 30 { "20261121T133000Z-q4.20261201T000000Z" } else { two }.to_owned());
        let outcome = |row| Outcome::Scheduled {
            before: Some(1),
            after: Some(2),
            run: run(row),
            message: String::new(),
        };
        let results = (0..60).map(|row| RowResult { row, outcome: outcome(row) }).collect();
        let summary = RunSummary { results, held_as: None, ..summary.clone() };
        let report = run_report(&summary, None, &context());
        (report.sections[0].kind, report.sections[0].run.clone())
    };
    let one = "20261121T133000Z-q4.20261201T000000Z";
    assert_eq!(parts(one), (SectionKind::Scheduled, one.to_owned()));
    let two = parts("20261121T133000Z-q4.20270101T000000Z");
    assert_eq!(two.1, "", "the run that they come from has them all");

    let held = held_summary();
    let report = run_report(&done_summary(), Some(&held), &context());
    let section = report.sections.iter().find(|section| section.kind == SectionKind::Held).unwrap();
    assert_eq!(section.run, held.id);
}

#[test]
fn a_reason_that_many_rows_share_is_said_once_with_ten_of_them_and_each_row_stands_in_one_place() {
    let mut summary = held_summary();
    let row = summary.plan.rows[0].clone();
    let hit = |message: &str| GuardHit { guard: Guard::Sum, message: message.to_owned() };
    summary.plan.rows = (0..300)
        .map(|number| {
            let message = if number == 7 { "its own reason" } else { "the sum moves by 40 %" };
            PlanRow { row: number, verdict: Verdict::Held(vec![hit(message)]), ..row.clone() }
        })
        .collect();
    for (section, listed) in [(of(&summary, Extent::Mail), 10 + 1), (of(&summary, Extent::Whole), 300)] {
        assert_eq!((section.rows.len(), section.more), (listed, 300 - listed));
        assert_eq!(section.reasons, ["299 rows: the sum moves by 40 %"]);
        let said: Vec<&str> = headings(&section);
        assert_eq!(said, ["1 row for a separate reason"]);
        assert_eq!(section.rows.iter().filter(|row| !row.why.is_empty()).count(), 1);
        let all: HashSet<_> = section.rows.iter().chain(&section.rest).map(|row| row.row).collect();
        assert_eq!(all.len(), 300);
    }
}

fn of(summary: &RunSummary, extent: Extent) -> Section {
    run_report(summary, None, &ReportContext { extent, ..context() }).sections.remove(0)
}

fn headings(section: &Section) -> Vec<&str> {
    section.rows.iter().map(|row| row.shared.as_str()).filter(|shared| !shared.is_empty()).collect()
}

#[test]
fn reasons_of_one_kind_are_one_line_whatever_their_figures_and_the_rows_keep_theirs() {
    let mut summary = held_summary();
    let row = summary.plan.rows[0].clone();
    let held = |number: usize| {
        let message = format!("{number} is below the 10 800 projected");
        let hit = GuardHit { guard: Guard::BelowUse, message };
        PlanRow { row: number, verdict: Verdict::Held(vec![hit]), ..row.clone() }
    };
    summary.plan.rows = (0..300).map(held).collect();
    let section = of(&summary, Extent::Mail);
    assert_eq!(
        headings(&section),
        ["300 rows for one reason: the new quota is below what is used or projected"]
    );
    assert_eq!((section.rows.len(), section.more), (10, 290));
    assert!(section.rows.iter().all(|row| row.why.len() == 1 && !row.is_explained));

    let refused = |number: usize| {
        let message = format!("there is no account group {number}");
        let problem = Problem { code: Code::UnknownTarget, message };
        PlanRow { row: number, verdict: Verdict::Refused(problem), ..row.clone() }
    };
    summary.state = RunState::Done;
    summary.plan.rows = (0..300).map(refused).collect();
    let section = of(&summary, Extent::Mail);
    let heading = "300 rows for one reason: there is no such target, or the token cannot see it";
    assert_eq!(headings(&section), [heading]);
    assert_eq!((section.rows.len(), section.more), (10, 290));
}

#[test]
fn a_reason_of_a_whole_organization_is_said_once_with_its_name_where_there_are_several() {
    let mut summary = held_summary();
    let row = summary.plan.rows[0].clone();
    summary.plan.rows = (0..6)
        .map(|number| {
            let org = if number < 4 { ("1", "Acme") } else { ("2", "Globex") };
            let message = format!("lowers many quotas of {}", org.0);
            let hit = GuardHit { guard: Guard::LoweredShare, message };
            let target = Some(Target::account_group(org.0, number.to_string().as_str()));
            PlanRow {
                row: number,
                target,
                org_name: org.1.to_owned(),
                verdict: Verdict::Held(vec![hit]),
                ..row.clone()
            }
        })
        .collect();
    let section = of(&summary, Extent::Mail);
    let said = ["Acme, 4 rows: lowers many quotas of 1", "Globex, 2 rows: lowers many quotas of 2"];
    assert_eq!(section.reasons, said);
    assert!(section.rows.iter().all(|row| row.why.is_empty()));
}
