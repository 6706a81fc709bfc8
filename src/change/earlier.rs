//! What earlier runs mean for later work: which changes they explain, and which files come back.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use tracing::warn;

use super::journal::Journal;
use super::run::Run;
use super::stored::stored_plan;
use super::{Code, RunState};
use crate::app::App;
use crate::diff::SentRow;
use crate::quota::{Target, Units};

/// Says where the same bytes were dropped before; they are planned like any file, which usually leaves nothing to do.
pub(super) fn note_same_content(app: &App, run: &mut Run) -> anyhow::Result<()> {
    let (runs, _) = Run::all(&app.runs())?;
    let same = runs.iter().rev().find(|other| {
        other.record.id < run.record.id // they are named by their time; one that waits is planned again later
            && other.record.input_sha256.is_some()
            && other.record.input_sha256 == run.record.input_sha256
    });
    if let Some(same) = same {
        let note = format!(
            "The same content was run before, as {}: only what is still to do is done.",
            same.record.id
        );
        run.record.notes = vec![note];
    }
    Ok(())
}

/// Whether these bytes are the `undo.csv` of a run.
pub(crate) fn is_undo(runs: &Path, sha256: &str) -> anyhow::Result<bool> {
    Ok(Run::all(runs)?.0.iter().any(|run| run.record.undo_sha256.as_deref() == Some(sha256)))
}

/// The rows that runs sent and that may have taken effect after `since`, as their journals say: what explains a change
/// between two snapshots. A run that cannot be read explains nothing, and stops nothing.
pub(crate) fn sent_rows(runs: &Path, since: DateTime<Utc>) -> anyhow::Result<Vec<SentRow>> {
    let mut sent = Vec::new();
    for run in Run::all(runs)?.0 {
        // A run that stands still sends, or reads back, later than it came to its state.
        if run.record.updated >= since || run.record.state == RunState::Applying {
            match rows_of(&run) {
                Ok(rows) => sent.extend(rows),
                Err(error) => {
                    warn!(run = %run.record.id, error = format!("{error:#}"), "the changes of a run cannot be told as its own");
                }
            }
        }
    }
    Ok(sent)
}

/// The other runs, for one that finds a quota changed: read when that is first asked.
#[derive(Debug)]
pub(crate) struct OtherRuns {
    runs: PathBuf,
    own: String,
    since: DateTime<Utc>,
    rows: OnceLock<Vec<SentRow>>,
}

impl OtherRuns {
    pub(super) fn of(app: &App, run: &Run) -> Self {
        let (own, since) = (run.record.id.clone(), run.record.created);
        Self { runs: app.runs(), own, since, rows: OnceLock::new() }
    }

    /// The run that set this quota, as it read it back itself, since this run began.
    pub(super) fn who_set(&self, target: &Target, quota: Option<Units>) -> Option<&str> {
        let read = || {
            sent_rows(&self.runs, self.since).unwrap_or_else(|error| {
                warn!(error = format!("{error:#}"), "what other runs changed is not known");
                Vec::new()
            })
        };
        let rows = self.rows.get_or_init(read).iter();
        let set = rows.filter(|row| row.run != self.own && row.target == *target && row.after == quota);
        set.max_by_key(|row| row.verified).filter(|row| row.verified.is_some()).map(|row| row.run.as_str())
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
