//! Approval through the inbox, for people without a shell: a file `SHA256.approved` approves the held plan of that hash.
//!
//! It may lie there before the plan is held, as when both are commits of one change; it waits until there is such a plan.

use std::collections::HashMap;

use tracing::{info, warn};

use super::parse::ChangeFile;
use super::plan::staleness;
use super::run::{Decider, Decision, Run};
use super::stored::stored_plan;
use crate::change::answers;
use crate::change::codes::RunState;
use crate::change::inbox::{ApprovalFile, NotTaken, OpenInbox};
use crate::change::services::Services;

/// Records what the files approve, gives the runs that can go on by that, and answers the files that approve nothing.
pub(crate) fn take(services: &Services<'_>, inbox: &OpenInbox) -> anyhow::Result<Vec<Run>> {
    let (approved, not_taken) = record(services, inbox)?;
    answers::not_taken(services, &not_taken);
    Ok(approved)
}

/// Records what the files approve: before anything else of a pass, because what lay there in time must not expire first. What
/// approves nothing may do so when the files beside it are taken.
pub(crate) fn take_first(services: &Services<'_>, inbox: &OpenInbox) -> anyhow::Result<()> {
    record(services, inbox).map(drop)
}

fn record(services: &Services<'_>, inbox: &OpenInbox) -> anyhow::Result<(Vec<Run>, Vec<NotTaken>)> {
    let (mut approved, mut not_taken) = (Vec::new(), Vec::new());
    let approvals = inbox.approvals()?;
    // Read once, however many files there are.
    let runs = if approvals.is_empty() { Vec::new() } else { Run::list(services.runs())?.0 };
    for approval in approvals {
        let file = approval.name();
        let mut left = |reason: &str| {
            not_taken.push(NotTaken { file: file.clone(), reason: reason.to_owned() });
        };
        if approval.plan_sha256.is_empty() {
            left(
                "Its name is not a complete plan hash. Name it SHA256.approved, with the 64 digits that the mail and `quotakeeper runs RUN` show.",
            );
            continue;
        }
        if !services.config.inbox.approvals {
            left(
                "Approval by a file is off (inbox.approvals). Use `quotakeeper approve`, or ask the person who runs quotakeeper.",
            );
            continue;
        }
        match find(&runs, &approval) {
            Found::None => {
                left(
                    "No held run has a plan with this hash. The file stays until one does; if none will, remove it.",
                );
            }
            Found::Decided => remove_used(inbox, &approval),
            Found::TooLate { run, why } => {
                left(&format!(
                    "Run {run}, which held this plan, {why}, so this file sends nothing. Remove it, and drop the change file \
                     again for a new plan."
                ));
            }
            Found::Replanned { run } => {
                left(&format!(
                    "Run {run} comes from this plan, but now waits with other quotas or for another reason, so this file sends \
                     nothing. Remove it, review `quotakeeper runs {run}`, and approve that plan."
                ));
            }
            Found::Unreadable(unreadable) => left(&unreadable.sentence()),
            Found::Held(runs, unreadable) => {
                let (taken, mut failed) = approve(services, &approval, runs);
                failed.extend(unreadable.as_ref().map(Unreadable::sentence));
                approved.extend(taken);
                for reason in &failed {
                    left(reason);
                }
                if failed.is_empty() {
                    remove_used(inbox, &approval);
                }
            }
        }
    }
    Ok((approved, not_taken))
}

/// Records one approval for each run that holds its plan: those that are approved now, and why the others could not be.
fn approve(services: &Services<'_>, approval: &ApprovalFile, runs: Vec<Run>) -> (Vec<Run>, Vec<String>) {
    let (mut approved, mut failed) = (Vec::new(), Vec::new());
    for run in runs {
        let decision = Decision {
            approve: true,
            plan_sha256: run.record.plan_sha256.clone().unwrap_or_default(),
            by: format!("{}, dropped by {}", decider(approval), approval.owner),
            decider: Some(decider(approval)),
            expired_after: None,
            at: services.now(),
        };
        let id = &run.record.id;
        match run.decide(&decision) {
            Ok(()) => {
                info!(run = %id, "approved by a file in the inbox");
                approved.push(run);
            }
            // Somebody was faster: that one counts.
            Err(error) if matches!(run.is_decided(), Ok(true)) => {
                warn!(run = %id, error = format!("{error:#}"), "not approved");
            }
            Err(error) => {
                warn!(run = %id, error = format!("{error:#}"), "an approval cannot be recorded");
                failed.push(format!(
                    "Its approval of run {id} could not be recorded ({error:#}). The file stays, and is tried again at each pass."
                ));
            }
        }
    }
    (approved, failed)
}

/// What to say of comment rows that were to approve the file's plan, and did not.
pub(super) fn ineffective_approvals(
    services: &Services<'_>,
    run: &Run,
    file: &ChangeFile,
    is_held: bool,
) -> Vec<String> {
    let mut sentences = file.doubtful.clone();
    let plan = run.record.plan_sha256.as_deref().unwrap_or_default();
    if let (true, Some(named)) = (is_held, file.approved.first()) {
        sentences.push(if !services.config.inbox.approvals {
            "Its row `# approved` does not count: approval by a file is off (inbox.approvals). Use `quotakeeper approve`."
                .to_owned()
        } else if run.record.dropped {
            format!("Its row `# approved` names plan {named}, but the plan of this file is {plan}: review that plan.")
        } else {
            "Its row `# approved` counts in the inbox only: use `quotakeeper approve`.".to_owned()
        });
    }
    sentences
}

enum Found {
    None,
    /// It was decided on before.
    Decided,
    /// It was held once, and nothing will come of it any more.
    TooLate {
        run: String,
        why: &'static str,
    },
    /// What is held of it was planned again since, and would do something else or trips another guard.
    Replanned {
        run: String,
    },
    /// These, and one beside them that stays as it is.
    Held(Vec<Run>, Option<Unreadable>),
    Unreadable(Unreadable),
}

/// A run of which nobody knows whether it was decided on, and why not.
struct Unreadable {
    run: String,
    why: String,
}

impl Unreadable {
    fn sentence(&self) -> String {
        let Self { run, why } = self;
        format!(
            "Nobody can tell whether run {run}, which holds this plan, was decided on before: {why}. The file stays, and is tried again \
             at each pass."
        )
    }
}

/// The runs that hold the plan: the hash is that of their plan, or of the whole plan whose held rows they were made of.
fn find(all: &[Run], approval: &ApprovalFile) -> Found {
    let is_named = |run: &Run| run.record.plan_sha256.as_deref() == Some(&approval.plan_sha256);
    let named: HashMap<&str, &Run> =
        all.iter().filter(|run| is_named(run)).map(|run| (run.record.id.as_str(), run)).collect();
    if named.is_empty() {
        return Found::None;
    }
    let (mut held, mut replanned, mut unreadable) = (Vec::new(), None, None);
    for run in all.iter().filter(|run| run.record.state == RunState::Held) {
        let whole = run.record.split_from.as_deref().and_then(|from| named.get(from));
        // A file that cannot be removed counts once: what was planned again nobody has seen.
        if !is_named(run) && whole.is_none() {
            continue;
        }
        match is_decided(run, approval) {
            Ok(false) => {}
            Ok(true) => continue,
            Err(why) => {
                warn!(run = %run.record.id, error = %why, "an approval cannot be acted on");
                unreadable = Some(Unreadable { run: run.record.id.clone(), why });
                continue;
            }
        }
        if is_named(run) || whole.is_some_and(|whole| is_as_planned(whole, run)) {
            held.push(run.clone());
        } else {
            replanned = Some(Found::Replanned { run: run.record.id.clone() });
        }
    }
    if !held.is_empty() {
        return Found::Held(held, unreadable);
    }
    if let Some(unreadable) = unreadable {
        return Found::Unreadable(unreadable);
    }
    if let Some(replanned) = replanned {
        return replanned;
    }
    // The names of runs begin with their time.
    let newest = all.iter().filter(|run| is_named(run)).max_by(|a, b| a.record.id.cmp(&b.record.id));
    newest
        .and_then(|run| Some((run, too_late(run.record.state)?)))
        .map_or(Found::Decided, |(run, why)| Found::TooLate { run: run.record.id.clone(), why })
}

/// Whether a run that waits was decided on, or this file counted for it before. An error is why nobody knows.
fn is_decided(run: &Run, approval: &ApprovalFile) -> Result<bool, String> {
    let decided =
        run.decision().and_then(|decision| Ok(decision.is_some() || run.was_decided_by(&decider(approval))?));
    decided.map_err(|error| format!("{error:#}"))
}

/// Whether what a part of a run waits with is what the whole plan showed to be held: the same changes, for no new reason. What
/// cannot be read is not.
fn is_as_planned(whole: &Run, part: &Run) -> bool {
    let (Ok(whole), Ok(part)) = (stored_plan(whole), stored_plan(part)) else { return false };
    let rows = part.rows.iter().map(|row| row.row).collect();
    staleness(&whole.restricted_to(&rows), &part).is_empty()
}

fn too_late(state: RunState) -> Option<&'static str> {
    match state {
        RunState::Stale => Some("is stale because the quotas changed"),
        RunState::Rejected => Some("was rejected"),
        _ => None,
    }
}

fn decider(approval: &ApprovalFile) -> Decider {
    Decider::File(approval.name())
}

fn remove_used(inbox: &OpenInbox, approval: &ApprovalFile) {
    if let Err(error) = inbox.remove_used_approval(approval) {
        warn!(file = %approval.name(), %error, "an approval that was acted on cannot be removed");
    }
}
