//! Approval through the inbox, for people without a shell: a file `SHA256.approved` approves the held plan of that hash.
//!
//! It may lie there before the plan is held, as when both are commits of one change; it waits until there is such a plan.

use std::path::Path;

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::RunState;
use super::run::{Decision, Run};
use crate::answers;
use crate::app::App;
use crate::inbox::{ApprovalFile, Inbox, NotTaken};

/// Records what the files approve, and gives the runs that can go on by that.
pub(crate) fn take(app: &App, inbox: &Inbox, now: DateTime<Utc>) -> anyhow::Result<Vec<Run>> {
    let mut approved = Vec::new();
    for approval in inbox.approvals()? {
        let file = approval.name();
        let left = |reason: &str| {
            answers::not_taken(app, &NotTaken { file: file.clone(), reason: reason.to_owned() });
        };
        if !app.config.inbox.approvals {
            left(
                "Approval by a file is off (inbox.approvals). Use `quotakeeper approve`, or ask who runs quotakeeper.",
            );
            continue;
        }
        match of(&app.runs(), &approval)? {
            Found::None => {
                left("No run holds a plan of this hash. The file stays until one does; else remove it.");
            }
            Found::Decided => used(inbox, &approval),
            Found::Held(run) => {
                let decision = Decision {
                    approve: true,
                    plan_sha256: run.record.plan_sha256.clone().unwrap_or_default(),
                    by: format!("the file {file}"),
                    at: now,
                };
                match run.decide(&decision) {
                    Ok(()) => {
                        info!(run = %run.record.id, "approved by a file in the inbox");
                        approved.push(*run);
                    }
                    Err(error) => warn!(run = %run.record.id, error = format!("{error:#}"), "not approved"),
                }
                used(inbox, &approval);
            }
        }
    }
    Ok(approved)
}

enum Found {
    None,
    /// It was decided on before.
    Decided,
    Held(Box<Run>),
}

/// The run that holds the plan: the hash is that of its plan, or of the whole plan whose held rows it was made of.
fn of(runs: &Path, approval: &ApprovalFile) -> anyhow::Result<Found> {
    let (all, _) = Run::all(runs)?;
    let named = |run: &&Run| run.record.plan_sha256.as_deref() == Some(&approval.plan_sha256);
    let mut found = Found::None;
    for run in all.iter().filter(named) {
        let held = run.record.held_as.as_deref().map(|id| Run::open(runs, id)).transpose()?;
        let run = held.as_ref().unwrap_or(run);
        if run.record.state == RunState::Held && run.decision()?.is_none() {
            return Ok(Found::Held(Box::new(run.clone())));
        }
        found = Found::Decided;
    }
    Ok(found)
}

fn used(inbox: &Inbox, approval: &ApprovalFile) {
    if let Err(error) = inbox.used(approval) {
        warn!(file = %approval.name(), %error, "an approval that was acted on cannot be removed");
    }
}
