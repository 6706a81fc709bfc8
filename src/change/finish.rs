//! How a run comes to rest: one result for each row, the answers for whoever dropped the file, the state.
//!
//! The state comes last: a crash before it repeats what belongs to it, and never loses it.

use std::collections::BTreeMap;

use tracing::{info, warn};

use super::parse::ChangeFile;
use super::process::{later_id, parsed};
use super::run::{Run, sha256};
use super::{Code, Outcome, Plan, PlanRow, Problem, RowResult, RunState, RunStory, Verdict, results};
use crate::app::App;
use crate::change::inbox::answers;
use crate::clock::Clock;

pub(super) fn hold(app: &App, clock: &Clock, run: &mut Run, plan: Plan) -> anyhow::Result<()> {
    info!(run = %run.record.id, "held for approval");
    tell(app, clock, run, RunState::Held, plan, Vec::new())
}

/// Ends a run whose pending rows all fall for one reason.
pub(super) fn close(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    file: &ChangeFile,
    plan: &Plan,
    state: RunState,
    problem: &Problem,
) -> anyhow::Result<()> {
    let pending = plan.rows.iter().filter(|row| row.is_pending());
    let outcomes = pending.map(|row| (row.row, Outcome::Failed(problem.clone()))).collect();
    write_results(run, file, plan, &outcomes)?;
    let results = results(run, plan, &outcomes);
    tell(app, clock, run, state, plan.clone(), results)
}

pub(super) fn finish(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    file: &ChangeFile,
    plan: &Plan,
    outcomes: &BTreeMap<usize, Outcome>,
) -> anyhow::Result<()> {
    write_results(run, file, plan, outcomes)?;
    let results = results(run, plan, outcomes);
    info!(run = %run.record.id, counts = ?run.record.counts, "done");
    tell(app, clock, run, RunState::Done, plan.clone(), results)
}

/// One result for each row of the file.
fn results(run: &Run, plan: &Plan, outcomes: &BTreeMap<usize, Outcome>) -> Vec<RowResult> {
    let outcome = |row: &PlanRow| match (&row.verdict, outcomes.get(&row.row)) {
        (Verdict::Unchanged(why), _) => {
            Outcome::Unchanged { quota: row.before, message: why.message(row.before) }
        }
        (Verdict::Refused(problem), _) => Outcome::Failed(problem.clone()),
        (_, Some(outcome)) => outcome.clone(),
        (Verdict::Held(tripped), None) => {
            let why: Vec<&str> = tripped.iter().map(|tripped| tripped.message.as_str()).collect();
            let later = row
                .due
                .filter(|due| run.record.due != Some(*due))
                .map(|due| later_id(&run.record, due, true));
            let id = later.as_ref().or(run.record.held_as.as_ref()).unwrap_or(&run.record.id);
            let message = format!("waits for approval as run {id}: {}", why.join("; "));
            Outcome::Failed(Problem { code: Code::Held, message })
        }
        (Verdict::Send, None) if row.due.is_some() => {
            let due = row.due.unwrap_or_default();
            let time = due.format("%Y-%m-%d %H:%M UTC");
            let id = later_id(&run.record, due, false);
            let message = format!("waits until {time} as run {id}");
            Outcome::Scheduled { before: row.before, after: row.after, run: Some(id), message }
        }
        (Verdict::Send, None) => {
            Outcome::Failed(Problem { code: Code::NotSent, message: "not sent".to_owned() })
        }
    };
    plan.rows.iter().map(|row| RowResult { row: row.row, outcome: outcome(row) }).collect()
}

fn write_results(
    run: &mut Run,
    file: &ChangeFile,
    plan: &Plan,
    outcomes: &BTreeMap<usize, Outcome>,
) -> anyhow::Result<()> {
    let results = results(run, plan, outcomes);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut applied = false;
    for result in &results {
        let word = match &result.outcome {
            Outcome::Applied { .. } => "applied",
            Outcome::Unchanged { .. } => "unchanged",
            Outcome::Scheduled { .. } => "scheduled",
            Outcome::Failed(problem) => problem.code.as_str(),
        };
        applied |= matches!(result.outcome, Outcome::Applied { .. });
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    run.record.counts = counts;
    run.write("success.csv", &results::success_csv(file, &results))?;
    run.write("error.csv", &results::error_csv(file, &results))?;
    if applied {
        let undo = results::undo_csv(plan, &results);
        run.write("undo.csv", &undo)?;
        run.record.undo_sha256 = Some(sha256(&undo));
    }
    Ok(())
}

/// A run that could not be used, for the reasons in its notes.
pub(super) fn fail(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    warn!(run = %run.record.id, problems = run.record.notes.len(), "the file cannot be used");
    tell(app, clock, run, RunState::Failed, Plan::default(), Vec::new())
}

/// Writes the answers of a state, then the state itself and that a mail about it is due: so a crash repeats, and never loses them.
pub(super) fn tell(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    state: RunState,
    plan: Plan,
    results: Vec<RowResult>,
) -> anyhow::Result<()> {
    note_written_since(app, run);
    let story = RunStory {
        id: run.record.id.clone(),
        file: run.record.file.clone(),
        state,
        at: clock.now(),
        plan,
        results,
        carried: parsed(app, run)?.map(|file| file.further()).unwrap_or_default(),
        held_as: run.record.held_as.clone(),
        decided: run.record.decided,
        planned_only: run.record.planned_only,
        notes: run.record.notes.clone(),
    };
    run.record.mail_due = true;
    answer(app, clock, run, state, story)
}

/// Puts the answers where the dropper looks, then writes the state.
pub(super) fn answer(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    state: RunState,
    story: RunStory,
) -> anyhow::Result<()> {
    if run.record.dropped {
        answers::deliver(app, run, &RunStory { state, ..story }, clock.now());
    }
    run.set_state(state, clock.now())?;
    if run.record.claimed.is_some()
        && let Err(error) = app.inbox().open().and_then(|inbox| inbox.release(run))
    {
        let error = format!("{error:#}");
        warn!(run = %run.record.id, error, "the claimed file stays in the inbox until the next look");
    }
    Ok(())
}

/// The file that the run was made of may have been written on since; the run goes on with what was read.
fn note_written_since(app: &App, run: &mut Run) {
    if run.record.claimed.is_none() {
        return;
    }
    match app.inbox().open().and_then(|inbox| inbox.written_since(run)) {
        Ok(Some(note)) => run.record.notes.push(note),
        Ok(None) => {}
        Err(error) => {
            let error = format!("{error:#}");
            warn!(run = %run.record.id, error, "it is not known whether the file was written on after it was taken");
        }
    }
}
