//! If another process holds the lock, a command hands its work over, waits, and ends as if it had done it itself.
//!
//! If the holder ends first, the command takes the lock and does the work; a holder that gives no sign of life, or is of a
//! version that takes no requests, is not waited for.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::terminal;
use crate::change::Services;
use crate::clock::Clock;
use crate::exit_code::Exit;
use crate::files::lock::{HeldLock, LockError};
use crate::files::reserve;
use crate::jobs::activity::Activity;
use crate::jobs::requests::basis::Basis;
use crate::jobs::requests::{self, Answer, Ask};
use crate::mail::{Mailer, installation};

/// A holder that gives none for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often a holder gives a sign of life. An idle daemon does little else.
const SIGNS: Duration = Duration::from_secs(10);
const LOOKS: Duration = Duration::from_millis(100);

/// Who does the work.
pub(super) enum HandoverOutcome {
    /// This process: it holds the lock now. The request that it may have handed over before, and that may have been begun.
    Here(Option<String>),
    /// It was done by the holder of the lock.
    There { holder: String, answer: Answer },
}

/// This process as one that may hold the lock.
pub(super) struct Handover<'a> {
    pub basis: Basis,
    pub data_dir: &'a Path,
    pub lock: &'a Arc<HeldLock>,
    pub activity: &'a Arc<Activity>,
    pub cancel: &'a CancellationToken,
}

/// What a command works with that acts on runs.
pub(super) struct RunCommand<'a> {
    pub handover: &'a Handover<'a>,
    pub services: &'a Services<'a>,
    pub mailer: &'a Mailer,
}

/// Takes the lock, or has the holder of it do what is asked.
pub(super) async fn ask(
    here: &Handover<'_>,
    what: &Ask,
    input: Option<&[u8]>,
) -> anyhow::Result<HandoverOutcome> {
    let data = here.data_dir;
    let Some(mut holder) = take_lock_or_holder(here)? else { return Ok(HandoverOutcome::Here(None)) };
    let id = requests::new_id(Clock::read().now());
    let asked = requests::write_request(data, &id, what, &here.basis, input).or_else(|error| {
        // On a full disk this may be what makes room.
        if !reserve::is_full(error.kind()) {
            return Err(error);
        }
        reserve::give_up(data)?;
        requests::write_request(data, &id, what, &here.basis, input)
    });
    let _waits = asked.with_context(|| LockError::Busy { holder: holder.clone() })?;
    if std::io::stderr().is_terminal() {
        terminal::eprint(&format!(
            "Handed to the running quotakeeper ({holder}); waiting (Ctrl-C withdraws it)"
        ));
    }
    let mut life = (requests::sign_of_life(data), Instant::now());
    loop {
        if let Some(answer) = requests::read_answer(data, &id)? {
            requests::remove_all_files(data, &id)?;
            return Ok(HandoverOutcome::There { holder, answer });
        }
        match take_lock_or_holder(here)? {
            Some(now) => holder = now,
            // It may have answered just before its end.
            None if requests::read_answer(data, &id)?.is_some() => {
                here.lock.release();
                continue;
            }
            None => {
                requests::remove_all_files(data, &id)?;
                return Ok(HandoverOutcome::Here(Some(id)));
            }
        }
        let sign = requests::sign_of_life(data);
        if sign != life.0 {
            life = (sign, Instant::now());
        }
        let is_silent = life.1.elapsed() > PATIENCE;
        if is_silent || here.cancel.is_cancelled() {
            let was_withdrawn = requests::withdraw(data, &id)?;
            if was_withdrawn {
                requests::remove_all_files(data, &id)?;
            }
            let outcome = if was_withdrawn {
                "the request was withdrawn, and nothing was done"
            } else {
                "the running quotakeeper has started it and continues; see its log, `quotakeeper status` and `quotakeeper runs`"
            };
            anyhow::ensure!(is_silent, "{outcome}");
            return Err(LockError::Busy { holder }).with_context(|| {
                format!(
                    "the running quotakeeper did not take the request within {} s (it hangs, or its version is older): {outcome}",
                    PATIENCE.as_secs()
                )
            });
        }
        tokio::select! {
            () = sleep(LOOKS) => {}
            () = here.cancel.cancelled() => {}
        }
    }
}

/// Takes the lock, and lets those who hand something over know meanwhile that this process lives.
pub(super) fn hold(here: &Handover<'_>) -> Result<(), LockError> {
    here.lock.take(here.data_dir)?;
    // By this the inbox distinguishes its own files from those of another quotakeeper.
    installation::id(here.data_dir, Clock::read().now());
    let (lock, activity) = (Arc::clone(here.lock), Arc::clone(here.activity));
    let data_dir = here.data_dir.to_owned();
    tokio::spawn(async move {
        let mut failed = false;
        while lock.is_not_lost().is_ok() && lock.is_taken() {
            if activity.stuck_for().is_none()
                && let Err(error) = requests::give_sign_of_life(&data_dir)
                && !std::mem::replace(&mut failed, true)
            {
                warn!(%error, "waiting commands cannot see that this process is alive");
            }
            sleep(SIGNS).await;
        }
    });
    Ok(())
}

/// What the holder of the lock answered, as the command's own outcome.
pub(super) fn report_answer(what: &str, holder: &str, answer: &Answer) -> Exit {
    match &answer.error {
        Some(error) => terminal::eprint(&format!("quotakeeper: {error}")),
        None => terminal::eprint(&format!("{what}: done by the running quotakeeper ({holder})")),
    }
    Exit::from_code(answer.exit)
}

/// Who else holds the lock; none once this process has it.
fn take_lock_or_holder(here: &Handover<'_>) -> anyhow::Result<Option<String>> {
    match hold(here) {
        Ok(()) => Ok(None),
        Err(LockError::Busy { holder }) => Ok(Some(holder)),
        Err(error) => Err(error.into()),
    }
}
