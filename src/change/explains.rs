//! What earlier runs explain: changes between two snapshots, and who set a quota.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use tracing::warn;

use super::plan::SetByRuns;
use super::run::Run;
use super::run::journal::Journal;
use super::stored::stored_plan;
use crate::change::codes::{Code, RunState};
use crate::domain::diff::{CLOCK_ERROR, SentRow};
use crate::domain::quota::{Target, Units};

/// The rows that runs sent and that may have taken effect after `since`, as their journals say: what explains a change
/// between two snapshots. A run that cannot be read explains nothing, and stops nothing.
pub(crate) fn sent_rows(runs: &Path, since: DateTime<Utc>) -> anyhow::Result<Vec<SentRow>> {
    let mut sent = Vec::new();
    // The clock need not have been right.
    let since = since - CLOCK_ERROR;
    for run in Run::list_since(runs, since)?.runs {
        // A run that is blocked sends, or reads back, later than it came to its state.
        if run.record.updated >= since || run.record.state == RunState::Applying {
            match rows_of(&run) {
                Ok(rows) => sent.extend(rows),
                Err(error) => {
                    warn!(run = %run.record.id, error = format!("{error:#}"), "the changes of a run cannot be recognized as its own");
                }
            }
        }
    }
    Ok(sent)
}

/// What the runs set that went on after `since`. What cannot be read is logged, and stops nothing.
pub(super) fn set_since(runs: &Path, since: DateTime<Utc>) -> SetByRuns {
    SetByRuns::new(sent_or_warn(runs, since))
}

fn sent_or_warn(runs: &Path, since: DateTime<Utc>) -> Vec<SentRow> {
    sent_rows(runs, since).unwrap_or_else(|error| {
        warn!(error = format!("{error:#}"), "what runs changed is not known");
        Vec::new()
    })
}

/// The other runs, for one that finds a quota changed: read when that is first asked.
#[derive(Debug)]
pub(crate) struct OtherRuns {
    runs: PathBuf,
    own_id: String,
    since: DateTime<Utc>,
    rows: OnceLock<SetByRuns>,
}

impl OtherRuns {
    pub(super) fn new(runs: &Path, run: &Run) -> Self {
        let (own_id, since) = (run.record.id.clone(), run.record.created);
        Self { runs: runs.to_owned(), own_id, since, rows: OnceLock::new() }
    }

    /// The run that set this quota, as it read it back itself, since this run began.
    pub(super) fn who_set(&self, target: &Target, quota: Option<Units>) -> Option<&str> {
        let read = || {
            let mut rows = sent_or_warn(&self.runs, self.since);
            rows.retain(|row| row.run != self.own_id);
            SetByRuns::new(rows)
        };
        self.rows.get_or_init(read).who_set(target, quota).map(|row| row.run.as_str())
    }
}

/// The rows of one run that took effect, or may still turn out to have.
fn rows_of(run: &Run) -> anyhow::Result<Vec<SentRow>> {
    let past = Journal::read(&run.path("journal.jsonl"), &run.record.id)?;
    if past.intended.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for row in stored_plan(run)?.rows {
        let (Some(sent), Some(target)) = (past.intended.get(&row.row), row.target) else { continue };
        if past.settled.get(&row.row).is_some_and(|problem| problem.code != Code::NotConfirmed) {
            continue;
        }
        rows.push(SentRow {
            run: run.record.id.clone(),
            file: run.record.file.clone(),
            target,
            before: row.before,
            after: row.after,
            comment: row.comment,
            sent: *sent,
            verified: past.verified.get(&row.row).copied(),
        });
    }
    Ok(rows)
}
