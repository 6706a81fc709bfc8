//! `runs`: the list of runs, and one of them in full.

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::plan::{self, PlanJson, Style, Tense, command, style, wrap_text};
use super::table::{Side, Table};
use super::terminal;
use crate::change::plan::short_hash;
use crate::change::run::{Decision, Run, RunRecord};
use crate::change::stored::stored_plan;
use crate::change::summary::{summarize, summarize_for_display};
use crate::change::{RunState, RunSummary};
use crate::cli::arguments::{Color, Output};
use crate::config::Config;
use crate::exit_code::Exit;
use crate::files::owner::Owner;
use crate::report;
use crate::report::words::{capitalized, clean, counted, moment_in};
use crate::text::clean::visible;
use crate::text::edge;

/// The list shows so many, newest first.
const LISTED: usize = 30;

/// The runs in one of these states, or all of them.
pub(super) fn list_runs(
    config: &Config,
    states: &[RunState],
    format: Output,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let (mut runs, broken) = Run::list(&config.runs_dir())?;
    for broken in broken {
        terminal::eprint(&format!("run {} cannot be read: {}", broken.id, broken.problem));
    }
    let there_are_others = !runs.is_empty();
    runs.retain(|run| states.is_empty() || states.contains(&run.record.state));
    if format == Output::Json {
        let records: Vec<_> = runs.iter().map(|run| &run.record).collect();
        edge::write_json(out, &records)?;
    } else if runs.is_empty() && there_are_others {
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        writeln!(out, "No run is {}.", states.join(" or "))?;
    } else {
        write!(out, "{}", list(&runs, style(config, color), config.guard.expire))?;
    }
    Ok(Exit::Done)
}

/// For programs; the fields in the order of their names.
#[derive(Serialize)]
struct RunJson<'a> {
    plan: PlanJson<'a>,
    run: Value,
}

/// One run in full: its id, or a part of it that no other run has.
pub(super) fn show_run(
    config: &Config,
    written: &str,
    format: Output,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let run = Run::find(&config.runs_dir(), written)?;
    let summary = summarize_for_display(&run)?;
    if format == Output::Json {
        let plan = PlanJson::new(&run.record.file, &summary.plan);
        edge::write_json(out, &RunJson { plan, run: serde_json::to_value(&run.record)? })?;
    } else {
        write!(out, "{}", text(config, &run, &summary, color))?;
    }
    Ok(Exit::Done)
}

fn list(runs: &[Run], style: Style, expire: Duration) -> String {
    if runs.is_empty() {
        return "No runs yet: drop a change file into the inbox.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("run", Side::Left),
        ("state", Side::Left),
        ("dropped by", Side::Left),
        ("rows", Side::Left),
    ]);
    for run in runs.iter().rev().take(LISTED) {
        let name = |by: &Owner| by.user.clone().unwrap_or_else(|| by.to_string());
        let by = match (&run.record.dropped_by, &run.record.applied_by) {
            (Some(by), _) => name(by),
            (None, Some(by)) => format!("{}, with apply", name(by)),
            (None, None) => String::new(),
        };
        table.row([
            run.record.id.clone(),
            run.record.state.to_string(),
            clean(&by, 32),
            in_short(run, style, expire),
        ]);
        if run.record.state == RunState::Held {
            let reason = summarize(run).map_or_else(|_| String::new(), |summary| report::reason(&summary));
            table.line_below(reason.into(), "");
        }
    }
    let mut text = table.render(0, style.paint);
    if runs.iter().take(LISTED).any(|run| run.record.state == RunState::Held) {
        let next =
            "`quotakeeper runs RUN` shows the plan of a held run, and the commands to approve and reject it.";
        text += &wrap_text(0, next, style.paint);
    }
    if runs.len() > LISTED {
        text += &format!("and {} older (--format json for all)\n", runs.len() - LISTED);
    }
    text
}

/// What became of its rows, or what they wait for; of a file that could not be used, why.
fn in_short(run: &Run, style: Style, expire: Duration) -> String {
    const LONGEST: usize = 70;
    let record = &run.record;
    match record.state {
        RunState::Held | RunState::Scheduled => {
            let plan = match stored_plan(run) {
                Ok(plan) => plan,
                Err(error) => return clean(&format!("{error:#}"), LONGEST),
            };
            let rows = counted(plan.pending_rows().count(), "row");
            match record.due {
                Some(due) if record.state == RunState::Scheduled => {
                    format!("{rows}, due {}", moment_in(due, style.zone))
                }
                _ => match rejected_at(record.updated, expire) {
                    Some(at) => format!("{rows}, until {}", moment_in(at, style.zone)),
                    None => rows,
                },
            }
        }
        RunState::Failed => clean(record.notes.first().map_or("", String::as_str), LONGEST),
        _ => record.counts_in_words(),
    }
}

/// When a run that was held then is rejected, if nobody decides; none where that is never.
fn rejected_at(held: DateTime<Utc>, expire: Duration) -> Option<DateTime<Utc>> {
    TimeDelta::from_std(expire).ok().and_then(|expire| held.checked_add_signed(expire))
}

/// A run as `runs RUN` shows it.
pub(crate) fn run_text(config: &Config, run: &Run) -> anyhow::Result<String> {
    Ok(text(config, run, &summarize(run)?, Color::Auto))
}

/// One run for a person: where it stands, its plan, what became of it, and what to do.
pub(super) fn text(config: &Config, run: &Run, summary: &RunSummary, color: Color) -> String {
    render(run, summary, style(config, color), config.guard.expire)
}

fn render(run: &Run, summary: &RunSummary, style: Style, expire: Duration) -> String {
    let (record, paint) = (&run.record, style.paint);
    let state = match record.state {
        RunState::Done => paint.green("done"),
        RunState::Failed | RunState::Stale => paint.red(record.state.as_str()),
        _ => paint.yellow(record.state.as_str()),
    };
    let mut text = format!("{} · {state}\n", paint.bold(&record.id));
    let file = &*visible(&record.file);
    if !record.counts.is_empty() {
        text += &wrap_text(2, &format!("{file}: {}", record.counts_in_words()), paint);
    } else if summary.plan.rows.is_empty() {
        text += &wrap_text(2, file, paint);
    }
    let people = record.people_text();
    if !people.is_empty() {
        text += &wrap_text(2, &format!("{}.", capitalized(&clean(&people, 160))), paint);
    }
    for note in &summary.notes {
        text += &wrap_text(2, note, paint);
    }
    if let Some(first) = &record.split_from {
        text += &wrap_text(2, &format!("Split off from run {first}."), paint);
    }
    if record.state == RunState::Done {
        text += &plan::results(&summary.plan, &summary.results, style);
    } else if !summary.plan.rows.is_empty() {
        text += &format!("\n{}", plan::text(file, &summary.plan, style, Tense::Did));
    }
    text += &match run.decision() {
        Ok(Some(decision)) if is_undecided(record.state) => decision_text(&decision, style),
        _ => what_to_do(record, summary, style, expire),
    };
    if let Some(held) = &record.held_as {
        let now =
            run.folder.parent().and_then(|runs| Run::open(runs, held).ok()).map(|held| held.record.state);
        let sentence = match now {
            Some(state) if state != RunState::Held => {
                format!("Its held rows became a separate run, which is now {state}: ")
            }
            _ => "Its held rows wait in a separate run: ".to_owned(),
        };
        text += &format!("\n{}", command(&sentence, &[&format!("quotakeeper runs {held}")], paint));
    }
    // Not folded: a path is copied as it is.
    text + &format!("\nFiles: {}\n", run.folder.display())
}

/// Whether what somebody decides can still count.
fn is_undecided(state: RunState) -> bool {
    matches!(state, RunState::Held | RunState::Scheduled)
}

/// What somebody decided and nobody acted on yet: no other word counts any more.
fn decision_text(decision: &Decision, style: Style) -> String {
    let word = if decision.approve { "Approved" } else { "Rejected" };
    let (by, at) = (clean(&decision.by, 80), moment_in(decision.at, style.zone));
    let sentence = format!(
        "{word} by {by} on {at}, and not acted on yet. A running quotakeeper acts on it when the API answers; otherwise the next `inbox`, `once` \
         or `run` does."
    );
    format!("\n{}", wrap_text(0, &sentence, style.paint))
}

/// What a person can do about the state that it is in; nothing where nothing is to be done.
fn what_to_do(record: &RunRecord, summary: &RunSummary, style: Style, expire: Duration) -> String {
    let (id, paint) = (&record.id, style.paint);
    let reject = format!("quotakeeper reject {id}");
    let mut text = match record.state {
        RunState::Held => {
            let hash = record.plan_sha256.as_deref().unwrap_or_default();
            let until = rejected_at(summary.at, expire).map_or_else(String::new, |until| {
                format!(
                    " If nobody decides, it is rejected on {} (guard.expire).",
                    moment_in(until, style.zone)
                )
            });
            let since = moment_in(summary.at, style.zone);
            let waits = format!("Held since {since}. Nothing was sent.{until}");
            let approve = [format!("quotakeeper approve {id}"), format!("--plan {}", short_hash(hash))];
            wrap_text(0, &waits, paint)
                + &wrap_text(0, &format!("Plan SHA-256: {hash}"), paint)
                + &command("To approve it: ", &approve.each_ref().map(String::as_str), paint)
                + &command("To reject it: ", &[&reject], paint)
        }
        RunState::Scheduled => {
            // It may be looked at again later than its rows say.
            let due = record.due.or(summary.plan.scheduled_rows().filter_map(|row| row.due).min());
            let when = due.map_or_else(|| "its time".to_owned(), |due| moment_in(due, style.zone));
            let waits = format!("Waits for {when}. It is then planned and checked again, and sent.");
            wrap_text(0, &waits, paint) + &command("To reject it: ", &[&reject], paint)
        }
        RunState::Stale => {
            let again = format!("quotakeeper approve {id}");
            let sentence = "Nothing was sent: the run would no longer do what was approved.";
            wrap_text(0, sentence, paint) + &command("To plan it again and hold it: ", &[&again], paint)
        }
        RunState::Failed if record.dropped => {
            wrap_text(0, "Fix the file as described above and drop it again.", paint)
        }
        RunState::Planned | RunState::Applying => {
            let goes_on = "A running quotakeeper is working on it; if none runs, the next `inbox`, `once` or `run` continues with it.";
            wrap_text(0, goes_on, paint)
        }
        RunState::Done | RunState::Rejected | RunState::Failed => String::new(),
    };
    if !text.is_empty() {
        text.insert(0, '\n');
    }
    text
}

#[cfg(test)]
mod tests;
