//! One run's way: parse, plan, guard, wait for a person where it must, apply, verify, results.
//!
//! `advance` brings a run from whatever state it is in as far as it can go, and can be called again after a crash at
//! any point: a state is written down only when everything that belongs to it is on the disk and its mail is queued.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::info;

use super::apply::Apply;
use super::apply::batch::Todo;
use super::earlier::{is_undo, note_same_content};
use super::ending::{answer, close, fail, finish, hold};
use super::journal::Journal;
use super::parse::{ChangeFile, parse};
use super::plan::{PlanContext, plan};
use super::run::{Decision, Run, sha256};
use super::stale::staleness;
use super::story::story;
use super::{Code, Guard, Outcome, Plan, PlanRow, Problem, RunState, RunStory, Verdict, results};
use crate::app::App;
use crate::clock::Clock;
use crate::exit_code::Findings;
use crate::quota::OrgId;
use crate::snapshot::Reading;

/// Brings a run as far as it can go. An error leaves it to be taken up again.
pub(crate) async fn advance(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<Findings> {
    match run.record.state {
        RunState::Planned if run.record.split_from.is_some() => {} // the run that it comes from is still making it
        RunState::Planned => start(app, clock, run).await?,
        RunState::Applying => resume(app, clock, run).await?,
        RunState::Held => match run.decision()? {
            Some(decision) if decision.approve => approved(app, clock, run, &decision).await?,
            Some(decision) => rejected(app, clock, run, format!("Rejected by {}.", decision.by))?,
            None => expire(app, clock, run)?,
        },
        RunState::Scheduled | RunState::Done | RunState::Failed | RunState::Rejected | RunState::Stale => {}
    }
    Ok(findings(run))
}

/// The rows that may be sent although a guard holds them, and the guards that were approved for each.
type Approved = BTreeMap<usize, BTreeSet<Guard>>;

/// A run that was just made: reads the file, plans it against what is live now, and sends what no guard holds.
async fn start(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    note_same_content(app, run)?;
    let guarded = Instant::now();
    let plan = look(app, clock, run, &file).await?;
    run.write("plan.csv", &results::plan_csv(&plan))?;
    run.record.plan_sha256 = Some(plan.sha256.clone());

    let pending = plan.rows.iter().filter(|row| row.is_pending()).count();
    let held: BTreeSet<usize> = plan.held().map(|row| row.row).collect();
    let settled_now = plan.rows.iter().any(|row| matches!(row.verdict, Verdict::Send | Verdict::Refused(_)));
    info!(run = %run.record.id, rows = plan.rows.len(), pending, held = held.len(), plan = %plan.sha256, "planned");

    if run.record.dropped && !app.config.inbox.apply && pending > 0 {
        let message = "planned only: inbox.apply is false";
        let outcomes = plan.rows.iter().filter(|row| row.is_pending()).map(|row| {
            (row.row, Outcome::Failed(Problem { code: Code::NotSent, message: message.to_owned() }))
        });
        let outcomes = outcomes.collect();
        return finish(app, clock, run, &file, &plan, &outcomes);
    }
    if !held.is_empty() && !settled_now {
        return hold(app, clock, run, plan);
    }
    // From here on the plan is fixed: what a crash cuts off is taken up as it was planned.
    run.record.held_as = (!held.is_empty()).then(|| run.record.split_off(clock.now()).id);
    run.set_state(RunState::Applying, clock.now())?;
    send(app, clock, run, &file, &plan, &Approved::new(), Some(guarded)).await
}

/// A run that was killed while it was sent.
async fn resume(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    info!(run = %run.record.id, "taken up again where it was interrupted");
    // It was readable before: whatever is wrong now, the run is not one of which nothing was sent.
    let file = parsed(app, run)?.map_err(|problems| {
        anyhow::anyhow!("its file can be read no more, and part of it may be sent: {}", problems.join(" "))
    })?;
    let plan = stored_plan(run)?;
    let approved = if run.record.approved_by.is_some() { approved_guards(&plan) } else { Approved::new() };
    send(app, clock, run, &file, &plan, &approved, None).await
}

/// A held run that somebody approved: sent if it still would do what was approved, else stale.
async fn approved(app: &App, clock: &Clock, run: &mut Run, decision: &Decision) -> anyhow::Result<()> {
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    let held = stored_plan(run)?;
    let guarded = Instant::now();
    let plan = look(app, clock, run, &file).await?;
    let mut moved = staleness(&held, &plan);
    if held.sha256 != decision.plan_sha256 {
        moved.push(format!(
            "What was approved is plan {}, but the run holds plan {}.",
            decision.plan_sha256, held.sha256
        ));
    }
    if !moved.is_empty() {
        info!(run = %run.record.id, "approved, but stale");
        moved.push(format!(
            "Nothing was sent. To plan it anew: quotakeeper apply {}",
            run.path("input.csv").display()
        ));
        run.record.notes = moved;
        let problem = Problem {
            code: Code::Stale,
            message: "not sent: the approval was for a plan that is stale".into(),
        };
        return close(app, clock, run, &file, &held, RunState::Stale, &problem);
    }
    info!(run = %run.record.id, by = %decision.by, "approved");
    // The names and figures of now; what is sent is what was approved, as the hash says.
    run.write("plan.csv", &results::plan_csv(&plan))?;
    run.record.approved_by = Some(decision.by.clone());
    run.set_state(RunState::Applying, clock.now())?;
    let approved = approved_guards(&held);
    send(app, clock, run, &file, &plan, &approved, Some(guarded)).await
}

fn rejected(app: &App, clock: &Clock, run: &mut Run, why: String) -> anyhow::Result<()> {
    info!(run = %run.record.id, "rejected");
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    let plan = stored_plan(run)?;
    let problem = Problem { code: Code::Rejected, message: format!("not sent. {why}") };
    run.record.notes = vec![why];
    close(app, clock, run, &file, &plan, RunState::Rejected, &problem)
}

/// A held run that nobody decided on in time is rejected.
fn expire(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    let limit = app.config.guard.expire;
    if (clock.now() - run.record.updated).to_std().unwrap_or_default() < limit {
        return Ok(());
    }
    let limit = humantime::format_duration(limit);
    rejected(
        app,
        clock,
        run,
        format!(
            "Nobody approved it within {limit} (guard.expire). Drop the file again if it is still wanted."
        ),
    )
}

pub(super) fn stored_plan(run: &Run) -> anyhow::Result<Plan> {
    results::plan_from_csv(&run.read("plan.csv")?)
        .map_err(|problem| anyhow::anyhow!("plan.csv of run {}: {problem}", run.record.id))
}

/// The run's file; one that cannot be used ends the run, with the reasons.
fn input(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<Option<ChangeFile>> {
    match parsed(app, run)? {
        Ok(file) => Ok(Some(file)),
        Err(problems) => {
            run.record.notes = problems;
            fail(app, clock, run)?;
            Ok(None)
        }
    }
}

/// The run's file as rows, or why it cannot be used.
fn parsed(app: &App, run: &Run) -> anyhow::Result<Result<ChangeFile, Vec<String>>> {
    if !run.path("input.csv").exists() {
        let notes = &run.record.notes; // the inbox says why it copied none
        let missing = || vec!["The file is missing from the run's folder.".to_owned()];
        return Ok(Err(if notes.is_empty() { missing() } else { notes.clone() }));
    }
    let settings = &app.config.inbox;
    let parsed = parse(&run.read("input.csv")?, &settings.columns, settings.max_rows);
    Ok(parsed.map(|mut file| {
        // Split-off rows keep the numbers that they have in the file that was dropped.
        for (record, row) in file.records.iter_mut().zip(run.record.rows.iter().flatten()) {
            record.row = *row;
        }
        file
    }))
}

/// Plans a file against the quotas, names and usage that are live now.
async fn look(app: &App, clock: &Clock, run: &Run, file: &ChangeFile) -> anyhow::Result<Plan> {
    // Rows that were split off an undo are an undo still.
    let origin = run.record.split_from.as_ref().map(|id| Run::open(&app.runs(), id)).transpose()?;
    let dropped = origin.as_ref().unwrap_or(run).record.input_sha256.as_ref();
    let undo = dropped.map_or(Ok(false), |hash| is_undo(&app.runs(), hash))?;
    plan_live(app, clock.now(), file, undo).await
}

/// The plan of a file against what is live now. Usage is read of the organizations alone in which something would change.
pub(crate) async fn plan_live(
    app: &App,
    now: DateTime<Utc>,
    file: &ChangeFile,
    undo: bool,
) -> anyhow::Result<Plan> {
    let config = &app.config;
    let rule = config.usage.rule();
    let context = PlanContext {
        undo,
        zone: config.schedule.timezone,
        ..PlanContext::new(&config.guard, config.inbox.mode, &rule)
    };
    let client = app.client()?;
    let mut reading = Reading::targets(client, true, now).await?;
    let without_usage = plan(file, &reading.snapshot(), &context);
    let organizations: BTreeSet<OrgId> = without_usage
        .rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Unchanged(_)))
        .filter_map(|row| Some(row.target.as_ref()?.org_id.clone()))
        .collect();
    reading.add_usage(client, &organizations).await?;
    Ok(plan(file, &reading.snapshot(), &context))
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
    let may_be_sent = |row: &&PlanRow| match &row.verdict {
        Verdict::Send => true,
        Verdict::Held(_) => approved.contains_key(&row.row),
        Verdict::Unchanged(_) | Verdict::Refused(_) => false,
    };
    let todo: Vec<Todo> = plan.rows.iter().filter(may_be_sent).filter_map(todo).collect();
    let (journal, past) = Journal::open(&run.path("journal.jsonl"))?;
    let looking: &Run = run;
    let apply = Apply {
        client: app.client()?,
        journal,
        past,
        clock,
        cancel: &app.cancel,
        guarded,
        guard_again: async |rows: &BTreeSet<usize>| {
            let now = look(app, clock, looking, file).await?;
            Ok(no_longer_allowed(plan, &now, rows, approved))
        },
    };
    let outcomes = apply.run(todo).await?;
    finish(app, clock, run, file, plan, &outcomes)
}

fn todo(row: &PlanRow) -> Option<Todo> {
    Some(Todo { row: row.row, target: row.target.clone()?, before: row.before, after: row.after })
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
            Verdict::Held(_) if was.before != row.before => {}
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
    matches!(guard, Guard::Bound | Guard::LoweredShare | Guard::Sum | Guard::OverAllocation)
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
    let mut held = Run::create_as(&app.runs(), run.record.split_off(clock.now()))?;
    if held.record.state != RunState::Planned {
        return Ok(());
    }
    let rows: BTreeSet<usize> = plan.held().map(|row| row.row).collect();
    let bytes = results::input_csv(file, &rows);
    held.write("input.csv", &bytes)?;
    held.record.input_sha256 = Some(sha256(&bytes));
    let plan = plan.only(&rows);
    held.write("plan.csv", &results::plan_csv(&plan))?;
    held.record.plan_sha256 = Some(plan.sha256.clone());
    held.record.rows = Some(rows.into_iter().collect());
    // Its mail is that of the run that it comes from: one file, one mail.
    let story = RunStory { plan, ..story(&held)? };
    answer(app, clock, &mut held, RunState::Held, story)
}

/// What a run's state and counts mean for the exit code.
fn findings(run: &Run) -> Findings {
    if run.record.state == RunState::Rejected {
        return Findings::default(); // as a person decided
    }
    let count = |code: Code| run.record.counts.get(code.as_str()).copied().unwrap_or(0);
    let errors: usize = Code::ALL.iter().map(|code| count(*code)).sum();
    Findings {
        failed: run.record.state == RunState::Failed,
        rows: errors > count(Code::Held),
        held: run.record.state == RunState::Held || count(Code::Held) > 0,
    }
}

#[cfg(test)]
mod tests;
