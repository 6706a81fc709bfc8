//! `approve` and `reject`: a person's decision on a held run, recorded in its folder, acted on by the process that holds the lock.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::handover::{self, Handover, RunCommand};
use super::{progress, terminal};
use crate::change::RunState;
use crate::change::lifecycle;
use crate::change::run::{Decider, Decision, Run};
use crate::exit_code::Exit;
use crate::files::lock::{LockError, hostname};
use crate::files::owner::Owner;
use crate::jobs::records::notices;
use crate::jobs::requests;

/// A holder of the lock that is not in the middle of something notices a decision at once.
const NOTICED: Duration = Duration::from_secs(3);

/// A person's word on a run.
#[derive(Clone, Copy)]
enum Verdict<'a> {
    /// Only if its plan has this hash.
    Approve {
        plan: Option<&'a str>,
    },
    Reject,
}

pub(super) async fn approve(
    command: &RunCommand<'_>,
    written: &str,
    plan: Option<&str>,
) -> anyhow::Result<Exit> {
    decide(command, written, Verdict::Approve { plan }).await
}

pub(super) async fn reject(command: &RunCommand<'_>, written: &str) -> anyhow::Result<Exit> {
    decide(command, written, Verdict::Reject).await
}

async fn decide(command: &RunCommand<'_>, written: &str, verdict: Verdict<'_>) -> anyhow::Result<Exit> {
    let services = command.services;
    let run = Run::find(services.runs(), written)?;
    let id = &*run.record.id;
    let is_approved = matches!(verdict, Verdict::Approve { .. });
    anyhow::ensure!(
        !is_approved || services.config.inbox.apply || !run.record.dropped,
        "nothing that was dropped is sent while inbox.apply is false: set it to true, then approve run {id}"
    );
    ensure_undecided(&run, verdict)?;
    let current = run.record.plan_sha256.clone().unwrap_or_default();
    if let Verdict::Approve { plan: Some(named) } = verdict {
        ensure_same_plan(id, &current, named)?;
    }
    let replans = is_approved && run.record.state == RunState::Stale;
    let now = services.now();
    // The same word again is no quarrel: it may be what gets a run going that nobody was there to act on.
    let before = run.decision()?;
    if before.is_none_or(|before| before.approve != is_approved) {
        let (by, decider) = current_user();
        let plan_sha256 = current.clone();
        run.decide(&Decision { decider: Some(decider), ..Decision::new(is_approved, plan_sha256, by, now) })?;
    }
    if replans {
        tell(&format!("{id}: will be planned again; that sends nothing"));
    } else {
        tell(&format!("{id}: plan {current} {}", if is_approved { "approved" } else { "rejected" }));
    }
    if let Some(holder) = wake_holder(command.handover, id).await? {
        tell(&format!("The running quotakeeper ({holder}) acts on it."));
        return Ok(Exit::Done);
    }
    // Nobody is at work: act on it now. What was decided meanwhile by somebody else stands.
    notices::flush_or_warn(services.config, command.mailer, now);
    advance(command, id, is_approved, replans).await
}

/// Whether the state of a run leaves it to a person.
fn ensure_undecided(run: &Run, verdict: Verdict<'_>) -> anyhow::Result<()> {
    let id = &*run.record.id;
    match (run.record.state, verdict) {
        // One that is scheduled can be dropped until its time comes.
        (RunState::Held, _) | (RunState::Scheduled, Verdict::Reject) => Ok(()),
        // Nobody has seen what it would do now.
        (RunState::Stale, Verdict::Approve { plan }) => {
            anyhow::ensure!(
                plan.is_none(),
                "run {id} is stale: `quotakeeper approve {id}` without --plan plans it again for review"
            );
            Ok(())
        }
        (RunState::Scheduled, Verdict::Approve { .. }) => {
            let due = run
                .record
                .due
                .map_or_else(String::new, |due| format!(" at {}", due.format("%Y-%m-%d %H:%M UTC")));
            anyhow::bail!(
                "run {id} is scheduled, not held: it is sent{due} without an approval, unless a guard holds it then"
            )
        }
        (state, _) => {
            let held = run.record.held_as.as_deref();
            let held = held.map_or(String::new(), |held| format!(": its held rows wait as {held}"));
            let decided = run.record.approved_by.as_deref();
            let decided = decided.map_or(String::new(), |by| format!(" (approved by {by})"));
            anyhow::bail!("run {id} is {state}{decided}, not held{held}");
        }
    }
}

/// Whether the plan that a person names is the one that the run holds.
fn ensure_same_plan(id: &str, current: &str, named: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        current.starts_with(named),
        "run {id} now has plan {current}, not {named}: `quotakeeper runs {id}` shows it"
    );
    Ok(())
}

/// Acts on the decision in this process, and says what came of it.
async fn advance(
    command: &RunCommand<'_>,
    id: &str,
    is_approved: bool,
    replans: bool,
) -> anyhow::Result<Exit> {
    let RunCommand { services, mailer, .. } = *command;
    let mut run = Run::open(services.runs(), id)?;
    let advanced = progress::with_progress(services.api, lifecycle::advance(services, &mut run)).await;
    notices::flush_or_warn(services.config, mailer, services.now());
    let findings = advanced?;
    if replans && run.record.state == RunState::Held {
        tell(&super::runs::run_text(services.config, &run)?);
        return Ok(Exit::Held);
    }
    tell(&format!("{id}: {}", run.record.state));
    for note in &run.record.notes {
        tell(&format!("  {note}"));
    }
    Ok(match (is_approved, run.record.state) {
        (true, RunState::Done) => findings.exit(),
        (true, RunState::Scheduled) | (false, RunState::Rejected) => Exit::Done,
        _ => Exit::Failed,
    })
}

/// Lets whoever holds the lock know, and says who that is; none where this process holds it now.
async fn wake_holder(here: &Handover<'_>, id: &str) -> anyhow::Result<Option<String>> {
    let data = here.data_dir;
    let woken = requests::announce_decision(data, id);
    let since = Instant::now();
    loop {
        match handover::hold(here) {
            Err(LockError::Busy { holder }) => {
                // One that does not notice has much to do, or looks each minute.
                let is_noticed = woken.is_ok() && !requests::is_decision_pending(data, id);
                if woken.is_err() || is_noticed || since.elapsed() > NOTICED || here.cancel.is_cancelled() {
                    return Ok(Some(holder));
                }
            }
            held => {
                held?;
                requests::acknowledge_decision(data, id)?;
                return Ok(None);
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Tells a person. That nobody reads on is no reason to leave a decision half done.
fn tell(text: &str) {
    terminal::print(text);
}

/// Who decides, as the decision records it: by the number that the system knows, which no variable can change.
pub(super) fn current_user() -> (String, Decider) {
    let uid = rustix::process::getuid().as_raw();
    let login =
        std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|login| login.trim().parse().ok());
    let login = login.filter(|login| *login != uid && *login != u32::MAX); // which is "not logged in"
    let decider = Decider::User { user: Owner::from_uid(uid), login: login.map(Owner::from_uid) };
    (format!("{decider}, on {}", hostname()), decider)
}
