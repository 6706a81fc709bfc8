//! `status.txt`: what became of a dropped file, in a few lines for whoever dropped it. Nothing reads it but people.

use std::time::Duration;

use chrono_tz::Tz;

use crate::change::codes::{Code, Problem, RunState};
use crate::change::outcome::Outcome;
use crate::change::plan::PlanRow;
use crate::change::summary::RunSummary;
use crate::domain::quota::Units;
use crate::text::clean::visible;
use crate::text::words::{decision_due, grouped, moment, number, quota_text};

/// So many rows are listed; the files beside it have them all.
const LISTED: usize = 50;

/// What became of the file, in a few lines; `expire` is how long a held run waits for a person.
pub(super) fn status(summary: &RunSummary, zone: Tz, expire: Duration) -> String {
    let count = |wanted: fn(&Outcome) -> bool| {
        summary.results.iter().filter(|result| wanted(&result.outcome)).count()
    };
    let applied = count(|outcome| matches!(outcome, Outcome::Applied { .. }));
    let scheduled = count(|outcome| matches!(outcome, Outcome::Scheduled { .. }));
    let waiting = count(is_held);
    let not_confirmed =
        count(|outcome| matches!(outcome, Outcome::Failed(problem) if problem.code == Code::NotConfirmed));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_))) - waiting - not_confirmed;
    let word = match summary.state {
        RunState::Held => "held for approval; nothing was sent",
        RunState::Failed => "not used; nothing was sent",
        RunState::Rejected => "rejected; nothing was sent",
        RunState::Stale => "stale; nothing was sent",
        RunState::Scheduled => "waits for its time",
        RunState::Planned | RunState::Applying => "being worked on",
        RunState::Done if summary.planned_only => "only planned; nothing was sent",
        RunState::Done if failed + waiting + not_confirmed == 0 => "done",
        RunState::Done if applied + scheduled + not_confirmed == 0 => "nothing was changed",
        RunState::Done => "done in part",
    };
    let mut text = format!(
        "{}: {word}\nrun {} at {}\n",
        visible(&summary.file),
        summary.id,
        summary.at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if !summary.results.is_empty() {
        let unchanged = count(|outcome| matches!(outcome, Outcome::Unchanged { .. }));
        let of = |count: usize, word: &str| {
            if count == 0 { String::new() } else { format!("{} {word}, ", number(count)) }
        };
        text += &format!(
            "\n{} applied, {} unchanged, {}{}{}{} not done\n",
            number(applied),
            number(unchanged),
            of(not_confirmed, "not confirmed"),
            of(waiting, "held"),
            of(scheduled, "scheduled"),
            number(failed),
        );
    }
    for note in &summary.notes {
        text += &format!("\n{note}\n");
    }
    let problems = summary.results.iter().filter_map(|result| match &result.outcome {
        Outcome::Failed(Problem { code: Code::NotSent, .. }) if summary.planned_only => None, // said of all
        Outcome::Failed(problem) if problem.code != Code::Held => Some(problem.of_row(result.row)),
        _ => None, // done, or listed by the run that it waits in
    });
    for problem in problems.take(LISTED) {
        text += &format!("\n{problem}\n");
    }
    let problem_count = failed + not_confirmed;
    if summary.planned_only {
        text += "\nquotakeeper only plans here (inbox.apply = false): plan.csv beside this file says what it would do.\n";
    } else if problem_count > LISTED {
        text += &format!("\nand {} more in error.csv\n", number(problem_count - LISTED));
    }
    if summary.state == RunState::Done && failed > 0 && !summary.planned_only {
        text += "\nThe file error.csv, beside this one, has the rows that were not done: correct them, and drop error.csv again.\n";
        if waiting > 0 {
            text += "Delete the held rows from it first: they wait in a separate run.\n";
        }
    }
    text += &next_step(summary, zone, expire);
    if let Some(held) = &summary.held_as {
        text += &format!("\nThe rows that a guard holds wait as run {held}: quotakeeper runs {held}\n");
    }
    text
}

/// What a person can do about a run that waits.
fn next_step(summary: &RunSummary, zone: Tz, expire: Duration) -> String {
    match summary.state {
        RunState::Held => describe_held(summary, zone, expire),
        RunState::Stale => format!("\nTo plan it and hold it again:  quotakeeper approve {}\n", summary.id),
        RunState::Scheduled => {
            // Rows that a person approved keep the reasons that held them.
            let in_time = |row: &&PlanRow| row.due.is_some() && row.is_pending();
            let rows: Vec<&PlanRow> = summary.plan.rows.iter().filter(in_time).collect();
            let due = rows.iter().filter_map(|row| row.due).min();
            let mut text = list_waiting_rows(rows);
            if let Some(due) = due {
                text += &format!(
                    "\nIt is planned and checked again, and sent, at {} {}.\nTo reject it:  quotakeeper reject {}\n",
                    moment(due, zone),
                    zone,
                    summary.id
                );
            }
            text
        }
        RunState::Planned | RunState::Applying | RunState::Done | RunState::Failed | RunState::Rejected => {
            String::new()
        }
    }
}

fn is_held(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(problem) if problem.code == Code::Held)
}

/// Rows that wait, the most dangerous first, and what is to be said of them.
fn list_waiting_rows(mut rows: Vec<&PlanRow>) -> String {
    let mut text = String::new();
    rows.sort_by_key(|row| (row.falls_with_others(), row.danger()));
    for row in rows.iter().take(LISTED) {
        let why = row.held_reasons().map(|tripped| tripped.message.as_str());
        let said: Vec<&str> = why.chain(row.warnings.iter().map(String::as_str)).collect();
        let figure = |units: Option<Units>| units.map_or_else(|| "unknown".to_owned(), grouped);
        text += &format!(
            "\nrow {}, {}: {} → {} ({} used, {} projected)\n",
            row.row,
            row.label(),
            quota_text(row.before),
            quota_text(row.after),
            figure(row.used),
            figure(row.projected),
        );
        for sentence in said {
            text += &format!("  {sentence}\n");
        }
    }
    if rows.len() > LISTED {
        text += &format!("\nand {} more in plan.csv\n", number(rows.len() - LISTED));
    }
    text
}

/// What waits and why, until when, and how to decide.
fn describe_held(summary: &RunSummary, zone: Tz, expire: Duration) -> String {
    let id = &summary.id;
    list_waiting_rows(summary.plan.held_rows().collect())
        + &format!(
            "\nIf nobody decides, it is rejected on {} {}.\nTo approve it: quotakeeper approve {id} --plan \
         {}\nTo reject it:  quotakeeper reject {id}\n",
            decision_due(summary.at, expire, zone),
            zone,
            summary.plan.sha256
        )
}

#[cfg(test)]
mod tests;
