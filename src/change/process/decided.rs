//! What a person's word does to a run: approved, rejected, planned again; and what becomes of it when nobody says one.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tokio::time::Instant;
use tracing::{info, warn};

use super::replan::{held_plan, input, look};
use super::{approved_guards, later, send};
use crate::app::App;
use crate::change::finish::{close, finish, hold};
use crate::change::run::{Decision, Run};
use crate::change::stale::staleness;
use crate::change::{Code, Guard, GuardHit, Problem, RunState, Verdict, results};
use crate::clock::Clock;
use crate::files::durable;
use crate::thousandeyes::is_believed;

/// A held run that somebody approved: sent if it still would do what was approved, else stale. One that is not due yet
/// waits for its time.
pub(super) async fn approved(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    decision: &Decision,
) -> anyhow::Result<()> {
    // The plan's file may be that of an attempt that a crash cut off: of the same changes, and no time where it was due.
    let holds = run.record.plan_sha256.as_deref().unwrap_or_default();
    let named = (holds != decision.plan_sha256).then(|| {
        format!("What was approved is plan {}, but the run holds plan {holds}.", decision.plan_sha256)
    });
    carry_out(app, clock, run, decision.by.clone(), named).await
}

/// An approved run whose time has come.
pub(super) async fn due(app: &App, clock: &Clock, run: &mut Run, by: String) -> anyhow::Result<()> {
    carry_out(app, clock, run, by, None).await
}

async fn carry_out(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    by: String,
    against: Option<String>,
) -> anyhow::Result<()> {
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    let Some(held) = held_plan(app, clock, run)? else { return Ok(()) };
    let guarded = Instant::now();
    let plan = look(app, clock, run, &file).await?;
    let moved: Vec<String> = staleness(&held, &plan).into_iter().chain(against).collect();
    if !moved.is_empty() {
        info!(run = %run.record.id, "approved, but stale");
        run.record.notes = moved;
        run.record.decided += 1;
        let problem = Problem {
            code: Code::Stale,
            message: "not sent: the approval was for a plan that is stale".into(),
        };
        return close(app, clock, run, &file, &held, RunState::Stale, &problem);
    }
    run.record.approved_by = Some(by);
    if run.record.is_early(clock.now()) {
        run.record.decided += 1; // it can still be rejected
        return later::wait(app, clock, run, held);
    }
    if run.record.state == RunState::Scheduled && run.decision()?.is_some() {
        return Ok(()); // rejected while it was planned
    }
    info!(run = %run.record.id, by = run.record.approved_by, "approved");
    // The names and figures of now; what is sent is what was approved, as the hash says.
    run.write_plan(&results::plan_csv(&plan))?;
    run.set_state(RunState::Applying, clock.now())?;
    let approved = approved_guards(&held);
    send(app, clock, run, &file, &plan, &approved, Some(guarded)).await
}

/// A stale run that somebody wants planned again: held once more, all of it, under the hash of what it would do now.
pub(super) async fn replan(
    app: &App,
    clock: &Clock,
    run: &mut Run,
    decision: &Decision,
) -> anyhow::Result<()> {
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    let mut plan = look(app, clock, run, &file).await?;
    for row in plan.rows.iter_mut().filter(|row| row.verdict == Verdict::Send) {
        let message = "it was planned again, and nobody has seen this plan yet".to_owned();
        row.verdict = Verdict::Held(vec![GuardHit { guard: Guard::Approval, message }]);
    }
    run.write_plan(&results::plan_csv(&plan))?;
    for of_the_old_plan in ["success.csv", "error.csv"] {
        durable::remove(&run.path(of_the_old_plan))?;
    }
    run.record.notes = vec![format!("Planned again, as {} asked.", decision.by)];
    run.record.plan_sha256 = Some(plan.sha256.clone());
    run.record.counts.clear();
    run.record.decided += 1;
    info!(run = %run.record.id, by = %decision.by, plan = %plan.sha256, "planned again");
    if plan.is_empty() {
        return finish(app, clock, run, &file, &plan, &BTreeMap::new());
    }
    hold(app, clock, run, plan)
}

pub(super) fn rejected(app: &App, clock: &Clock, run: &mut Run, why: String) -> anyhow::Result<()> {
    info!(run = %run.record.id, "rejected");
    let Some(file) = input(app, clock, run)? else { return Ok(()) };
    let Some(plan) = held_plan(app, clock, run)? else { return Ok(()) };
    let problem = Problem { code: Code::Rejected, message: format!("not sent. {why}") };
    run.record.notes = vec![why];
    close(app, clock, run, &file, &plan, RunState::Rejected, &problem)
}

/// Whether a run whose time has come by this machine's clock is early by the API's. Where that cannot be asked, nothing that
/// the run does could be done either.
pub(super) async fn is_early_there(app: &App, clock: &Clock, run: &Run) -> anyhow::Result<bool> {
    let now = clock.now();
    let server_now = app.client()?.server_now(now).await;
    let early =
        server_now.is_some_and(|server| !is_believed(now, Some(server)) && run.record.is_early(server));
    if early {
        warn!(run = %run.record.id, "not started: this machine's clock is ahead of the API's");
    }
    Ok(early)
}

/// What this machine's clock and another's may differ by.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// A held run that nobody decided on in time is rejected. A clock that jumped ahead must not reject what it holds: where the
/// API's clock does not agree, or cannot be asked, nothing expires.
pub(super) async fn expire(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<()> {
    let limit = app.config.guard.expire;
    let now = clock.now();
    let is_of_the_future = run.record.updated - now > SKEW;
    if !is_of_the_future && (now - run.record.updated).to_std().unwrap_or_default() < limit {
        return Ok(());
    }
    if !is_believed(now, app.client()?.server_now(now).await) {
        warn!(run = %run.record.id, "not expired: the API does not confirm this machine's clock");
        return Ok(());
    }
    if is_of_the_future {
        // It would wait until then, and longer: the time to decide begins now.
        warn!(run = %run.record.id, since = %run.record.updated, "held since a time in the future: a clock was wrong");
        return run.set_state(run.record.state, now);
    }
    let limit = humantime::format_duration(limit);
    let why = format!(
        "Nobody approved it within {limit} (guard.expire). Drop the file again if it is still wanted."
    );
    rejected(app, clock, run, why)
}
