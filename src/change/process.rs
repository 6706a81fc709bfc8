//! One run's way: parse, plan, guard, wait for a person where it must, apply, verify, results.
//!
//! `advance` brings a run from whatever state it is in as far as it can go, and can be called again after a crash at
//! any point: a state is written down only when everything that belongs to it is on the disk, and with it that its mail is due.

mod decided;
mod later;
mod replan;

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;
use tracing::info;

pub(super) use self::later::id as later_id;
pub(in crate::change) use self::replan::parsed;
pub(crate) use self::replan::plan_live;
use self::replan::{input, look};
use super::apply::Apply;
use super::apply::batch::PendingWrite;
use super::approvals;
use super::explains::{OtherRuns, note_same_content};
use super::finish::{answer, fail, finish, hold};
use super::guard::Scope;
use super::journal::Journal;
use super::parse::ChangeFile;
use super::plan::rows_text;
use super::run::{Run, RunRecord, sha256};
use super::stored::{Damaged, stored_plan};
use super::summary::story;
use super::{Code, Guard, Outcome, Plan, PlanRow, Problem, RunState, RunStory, Verdict, results};
use crate::app::App;
use crate::clock::Clock;
use crate::exit_code::Findings;

/// Brings a run as far as it can go. An error leaves it to be taken up again.
pub(crate) async fn advance(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<Findings> {
    match run.record.state {
        // The run that it comes from is still making it.
        RunState::Planned if run.record.split_from.is_some() => {}
        RunState::Planned => start(app, clock, run).await?,
        RunState::Applying => resume(app, clock, run).await?,
        RunState::Held => match run.decision()? {
            Some(decision) if decision.approve => decided::approved(app, clock, run, &decision).await?,
            Some(decision) => decided::rejected(app, clock, run, format!("Rejected by {}.", decision.by))?,
            None => decided::expire(app, clock, run).await?,
        },
        RunState::Scheduled => match (run.decision()?, run.record.approved_by.clone()) {
            (Some(decision), _) => {
                decided::rejected(app, clock, run, format!("Rejected by {}.", decision.by))?;
            }
            _ if run.record.is_early(clock.now()) || decided::is_early_there(app, clock, run).await? => {}
            (None, Some(by)) => decided::due(app, clock, run, by).await?,
            (None, None) => start(app, clock, run).await?,
        },
        RunState::Stale => {
            if let Some(decision) = run.decision()? {
                decided::replan(app, clock, run, &decision).await?;
            }
        }
        RunState::Done | RunState::Failed | RunState::Rejected => {}
    }
    Ok(findings(run))
}

/// The rows that may be sent although a guard holds them, and the guards that were approved for each.
type Approved = BTreeMap<usize, BTreeSet<Guard>>;

/// A run that was just made, or whose time has come: reads the file, plans it against what is live now, and sends what no guard holds.
async fn start(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    note_same_content(app, run)?;
    let guarded = Instant::now();
    let plan = look(app, clock, run, &file).await?;
    run.write_plan(&results::plan_csv(&plan))?;
    run.record.plan_sha256 = Some(plan.sha256.clone());

    let pending = plan.rows.iter().filter(|row| row.is_pending()).count();
    let held = held_now(&plan).count();
    info!(run = %run.record.id, rows = plan.rows.len(), pending, held, plan = %plan.sha256, "planned");

    if run.record.dropped && !app.config.inbox.apply && pending > 0 {
        let message = "planned only: inbox.apply is false";
        let outcomes = plan.rows.iter().filter(|row| row.is_pending()).map(|row| {
            (row.row, Outcome::Failed(Problem { code: Code::NotSent, message: message.to_owned() }))
        });
        let outcomes = outcomes.collect();
        run.record.planned_only = true;
        return finish(app, clock, run, &file, &plan, &outcomes);
    }
    let waits = later::of_the_whole(&plan);
    run.record.due = waits.or(run.record.due);
    let approved = approved_by_file(app, run, &file, &plan);
    if approved {
        run.record.approved_by = Some("a comment row in the file".to_owned());
    }
    let is_held = !approved && plan.held().next().is_some();
    for note in approvals::unheard(app, run, &file, is_held).into_iter().chain(file.skipped.sentence()) {
        if !run.record.notes.contains(&note) {
            run.record.notes.push(note);
        }
    }
    let all_is_held = plan.rows.iter().all(|row| !settles_now(row));
    match waits {
        Some(_) if is_held => return hold(app, clock, run, plan),
        Some(_) => return later::wait(app, clock, run, plan),
        None if held > 0 && is_held && all_is_held => return hold(app, clock, run, plan),
        None => {}
    }
    if run.record.state == RunState::Scheduled && run.decision()?.is_some() {
        return Ok(()); // rejected while it was planned
    }
    // From here on the plan is fixed: what a crash cuts off is taken up as it was planned.
    run.record.held_as = (held > 0 && is_held).then(|| run.record.split_off(clock.now()).id);
    run.record.notes.extend(later::notes(app, &run.record, &plan));
    run.set_state(RunState::Applying, clock.now())?;
    let approved = if approved { approved_guards(&plan) } else { Approved::new() };
    send(app, clock, run, &file, &plan, &approved, Some(guarded)).await
}

/// The rows that a guard holds and that would be sent now.
fn held_now(plan: &Plan) -> impl Iterator<Item = &PlanRow> {
    plan.held().filter(|row| row.due.is_none())
}

/// It is sent or refused now, or waits as a run of its own: not what a held run is made of.
fn settles_now(row: &PlanRow) -> bool {
    match row.verdict {
        Verdict::Send | Verdict::Refused(_) => true,
        Verdict::Held(_) => row.due.is_some(),
        Verdict::Unchanged(_) => false,
    }
}

/// Whether a comment row of a dropped file approves its plan: the hash of all of it, or of what is held.
fn approved_by_file(app: &App, run: &Run, file: &ChangeFile, plan: &Plan) -> bool {
    if !(app.config.inbox.approvals && run.record.dropped) || plan.held().next().is_none() {
        return false;
    }
    let held = plan.only(&held_now(plan).map(|row| row.row).collect());
    file.approved.iter().any(|hash| *hash == plan.sha256 || *hash == held.sha256)
}

/// A run that was killed while it was sent.
async fn resume(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    info!(run = %run.record.id, "taken up again where it was interrupted");
    let file = parsed(app, run)?.map_err(|problems| problems.join(" "));
    let plan = match stored_plan(run) {
        Err(error) if error.is::<Damaged>() => Err(error.to_string()),
        plan => Ok(plan?),
    };
    let past = Journal::read(&run.path("journal.jsonl"), &run.record.id)?;
    let (file, plan) = match (file, plan) {
        (Ok(file), Ok(plan)) => (file, plan),
        (Err(problem), _) | (_, Err(problem)) if past.intended.is_empty() => {
            run.record.notes = vec![format!("{problem} Nothing was sent.")];
            run.record.held_as = None;
            return fail(app, clock, run);
        }
        // It was readable before: whatever is wrong now, the run is not one of which nothing was sent.
        (Err(problem), _) | (_, Err(problem)) => {
            let sent = rows_text(past.intended.keys().copied(), past.intended.len());
            anyhow::bail!(
                "{problem} Nothing more is sent by it, and part of it may be sent: {sent} of {}. Put the run's folder back \
                 from a backup; or compare these rows with the quotas, move the folder away, and drop what is missing",
                run.record.file
            )
        }
    };
    let approved = if run.record.approved_by.is_some() { approved_guards(&plan) } else { Approved::new() };
    send(app, clock, run, &file, &plan, &approved, None).await
}

/// Sends rows, reads them back, and writes the results.
async fn send(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    file: &ChangeFile,
    plan: &Plan,
    approved: &Approved,
    guarded: Option<Instant>,
) -> anyhow::Result<()> {
    split_off(app, clock, run, file, plan)?;
    later::split(app, clock, run, file, plan)?;
    let may_be_sent = |row: &&PlanRow| match &row.verdict {
        Verdict::Send => row.due.is_none(),
        Verdict::Held(_) => row.due.is_none() && approved.contains_key(&row.row),
        Verdict::Unchanged(_) | Verdict::Refused(_) => false,
    };
    let todo: Vec<PendingWrite> = plan.rows.iter().filter(may_be_sent).filter_map(todo).collect();
    let (journal, past) = Journal::open(&run.path("journal.jsonl"), &run.record.id)?;
    let looking: &Run = run;
    let apply = Apply {
        client: app.client()?,
        others: OtherRuns::of(app, run),
        journal,
        past,
        clock,
        cancel: &app.cancel,
        seat: &app.seat,
        guarded,
        guard_again: async |rows: &BTreeSet<usize>| {
            let now = look(app, clock, looking, file).await?;
            Ok(no_longer_allowed(plan, &now, rows, approved))
        },
    };
    let outcomes = apply.run(todo).await?;
    finish(app, clock, run, file, plan, &outcomes)
}

pub(crate) fn todo(row: &PlanRow) -> Option<PendingWrite> {
    Some(PendingWrite { row: row.row, target: row.target.clone()?, before: row.before, after: row.after })
}

/// Of these rows, those that a guard holds now which nobody approved, or that may not be sent for a reason of their own.
fn no_longer_allowed(
    planned: &Plan,
    now: &Plan,
    rows: &BTreeSet<usize>,
    approved: &Approved,
) -> BTreeMap<usize, Problem> {
    let mut problems = BTreeMap::new();
    for (was, row) in planned.rows.iter().zip(&now.rows).filter(|(_, row)| rows.contains(&row.row)) {
        match &row.verdict {
            // The read before the batch says what a quota is that somebody else set.
            Verdict::Held(_) | Verdict::Refused(_) if was.before != row.before => {}
            Verdict::Held(tripped) => {
                let granted = approved.get(&row.row);
                let news: Vec<&str> = tripped
                    .iter()
                    .filter(|tripped| !is_of_the_whole(tripped.guard))
                    .filter(|tripped| granted.is_none_or(|granted| !granted.contains(&tripped.guard)))
                    .map(|tripped| tripped.message.as_str())
                    .collect();
                if !news.is_empty() {
                    let message = format!(
                        "not sent: since it was planned, {}. Drop the row again if it is still wanted",
                        news.join("; ")
                    );
                    problems.insert(row.row, Problem { code: Code::Held, message });
                }
            }
            // What it was bound to fell; but once sending has begun nothing is rolled back.
            Verdict::Refused(problem) if problem.code != Code::NotSent => {
                problems.insert(row.row, problem.clone());
            }
            Verdict::Send | Verdict::Unchanged(_) | Verdict::Refused(_) => {}
        }
    }
    problems
}

/// A file's rows were judged together by these when it was planned. Half a reallocation moves the sum; finishing it
/// must not be stopped by that.
fn is_of_the_whole(guard: Guard) -> bool {
    matches!(guard.scope(), Scope::Organization | Scope::Binding)
}

fn approved_guards(plan: &Plan) -> Approved {
    let guards = |row: &PlanRow| match &row.verdict {
        Verdict::Held(tripped) => Some((row.row, tripped.iter().map(|tripped| tripped.guard).collect())),
        Verdict::Send | Verdict::Unchanged(_) | Verdict::Refused(_) => None,
    };
    plan.rows.iter().filter_map(guards).collect()
}

/// The held rows become a run of their own, with their own hash. A crash on the way has it made again, as it was.
fn split_off(app: &App, clock: &Clock, run: &Run, file: &ChangeFile, plan: &Plan) -> anyhow::Result<()> {
    if run.record.held_as.is_none() {
        return Ok(());
    }
    let rows = held_now(plan).map(|row| row.row).collect();
    let Some((mut held, plan)) = part(app, run.record.split_off(clock.now()), file, plan, rows)? else {
        return Ok(());
    };
    // Its mail is that of the run that it comes from: one file, one mail.
    let story = RunStory { plan, ..story(&held)? };
    answer(app, clock, &mut held, RunState::Held, story)
}

/// Some rows of a run as a run of their own, as they were planned; none if it was made before. Its state is still to be
/// written, after all that belongs to it: until then a crash has it made again.
fn part(
    app: &App,
    record: RunRecord,
    file: &ChangeFile,
    plan: &Plan,
    rows: BTreeSet<usize>,
) -> anyhow::Result<Option<(Run, Plan)>> {
    let mut part = Run::create_as(&app.runs(), record)?;
    if part.record.state != RunState::Planned {
        return Ok(None);
    }
    let bytes = results::input_csv(file, &rows);
    part.write("input.csv", &bytes)?;
    part.record.input_sha256 = Some(sha256(&bytes));
    let plan = plan.only(&rows);
    part.write_plan(&results::plan_csv(&plan))?;
    part.record.plan_sha256 = Some(plan.sha256.clone());
    part.record.rows = Some(rows.into_iter().collect());
    Ok(Some((part, plan)))
}

/// What a run's state and counts mean for the exit code.
fn findings(run: &Run) -> Findings {
    if run.record.state == RunState::Rejected {
        return Findings::default(); // as a person decided
    }
    let count = |code: Code| run.record.counts.get(code.as_str()).copied().unwrap_or(0);
    let errors: usize = Code::ALL.iter().map(|code| count(*code)).sum();
    // Only planned, as configured. Rows that are not sent because of others are refused with them.
    let by_choice = if run.record.planned_only { count(Code::NotSent) } else { count(Code::Held) };
    Findings {
        failed: run.record.state == RunState::Failed,
        rows: errors > by_choice,
        held: run.record.state == RunState::Held || count(Code::Held) > 0,
    }
}

#[cfg(test)]
mod stored_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;
