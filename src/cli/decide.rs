//! `approve` and `reject`: a person's word on a held run, recorded in its folder, acted on by whoever holds the lock.

use std::io::Write;
use std::sync::Arc;

use crate::app::App;
use crate::change::RunState;
use crate::change::process;
use crate::change::run::{Decision, Run};
use crate::clock::Clock;
use crate::exit_code::Exit;
use crate::lock::{Lock, LockError, hostname};

pub(super) async fn approve(app: &Arc<App>, id: &str, plan: Option<&str>) -> anyhow::Result<Exit> {
    decide(app, id, plan, true).await
}

pub(super) async fn reject(app: &Arc<App>, id: &str) -> anyhow::Result<Exit> {
    decide(app, id, None, false).await
}

async fn decide(app: &Arc<App>, id: &str, plan: Option<&str>, approve: bool) -> anyhow::Result<Exit> {
    let run = Run::open(&app.runs(), id)?;
    if run.record.state != RunState::Held {
        let held = run
            .record
            .held_as
            .as_deref()
            .map_or(String::new(), |held| format!(": its held rows wait as {held}"));
        anyhow::bail!("run {id} is {}, not held{held}", run.record.state);
    }
    let current = run.record.plan_sha256.clone().unwrap_or_default();
    if let Some(named) = plan {
        anyhow::ensure!(
            named.len() >= 8 && current.starts_with(named),
            "run {id} holds plan {current}, not {named}: look at it with `quotakeeper runs {id}`"
        );
    }
    let now = Clock::read().now();
    // The same word again is no quarrel: it may be what gets a run going that nobody was there to act on.
    let before = run.decision()?;
    if before.is_none_or(|before| before.approve != approve) {
        run.decide(&Decision { approve, plan_sha256: current.clone(), by: who(), at: now })?;
    }
    let word = if approve { "approved" } else { "rejected" };
    say(&format!("{id}: plan {current} {word}"));
    let _lock = match Lock::take(&app.config.data.dir) {
        Err(LockError::Busy { holder }) => {
            say(&format!("The running quotakeeper ({holder}) acts on it within a minute."));
            return Ok(Exit::Done);
        }
        lock => lock?,
    };
    // Nobody is at work: act on it now. What was decided meanwhile by somebody else stands.
    let mut run = Run::open(&app.runs(), id)?;
    let findings = process::advance(app, &Clock::starting_at(now), &mut run).await?;
    say(&format!("{id}: {}", run.record.state));
    for note in &run.record.notes {
        say(&format!("  {note}"));
    }
    Ok(match (approve, run.record.state) {
        (true, RunState::Done) => findings.exit(),
        (false, RunState::Rejected) => Exit::Done,
        _ => Exit::Failed,
    })
}

/// Tells a person. That nobody reads on is no reason to leave a decision half done.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Who decides, as the decision records it.
pub(super) fn who() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!(
        "{}@{}",
        user.filter(|user| !user.is_empty()).unwrap_or_else(|| "somebody".to_owned()),
        hostname()
    )
}
