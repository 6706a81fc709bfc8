//! What earlier runs mean for later work: which changes they explain, and which files come back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tracing::warn;

use super::journal::Journal;
use super::plan::SetByRuns;
use super::run::{Run, RunRecord};
use super::stored::stored_plan;
use super::{Code, RunState};
use crate::domain::diff::SentRow;
use crate::domain::quota::{Target, Units};

/// What the files of all runs hold, while a pass goes through many files: so that it reads each run once.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles(Mutex<Option<Contents>>);

impl KnownFiles {
    /// A pass begins: these are all runs.
    pub(crate) fn know(&self, runs: &[Run]) {
        *self.contents() = Some(Contents::of(runs));
    }

    /// Takes note of a run that was made, or went on, since; nothing where no pass is under way.
    pub(crate) fn add(&self, record: &RunRecord) {
        if let Some(contents) = self.contents().as_mut() {
            contents.add(record);
        }
    }

    /// Nobody goes through the runs any more.
    pub(crate) fn forget(&self) {
        *self.contents() = None;
    }

    /// Whether these bytes are the `undo.csv` of a run.
    pub(crate) fn is_undo(&self, runs: &Path, sha256: &str) -> anyhow::Result<bool> {
        self.look(runs, |contents| contents.undos.contains(sha256))
    }

    /// Says where the same bytes were dropped before; they are planned like any file, which usually leaves nothing to do.
    pub(super) fn note_same_content(&self, runs: &Path, run: &mut Run) -> anyhow::Result<()> {
        let same = self.look(runs, |contents| contents.same_before(&run.record).map(str::to_owned))?;
        if let Some(same) = same {
            run.record.notes = vec![format!(
                "The same content was run before, as {same}: only what is still to do is done."
            )];
        }
        Ok(())
    }

    /// By what the pass that is under way knows, else by what is read now.
    fn look<T>(&self, runs: &Path, look: impl FnOnce(&Contents) -> T) -> anyhow::Result<T> {
        match &*self.contents() {
            Some(contents) => Ok(look(contents)),
            None => Ok(look(&Contents::of(&Run::all(runs)?.0))),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Option<Contents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Contents {
    inputs: BTreeSet<(String, String)>,
    undos: BTreeSet<String>,
}

impl Contents {
    fn of(runs: &[Run]) -> Self {
        let mut contents = Self::default();
        for run in runs {
            contents.add(&run.record);
        }
        contents
    }

    fn add(&mut self, record: &RunRecord) {
        self.inputs.extend(record.input_sha256.clone().map(|sha256| (sha256, record.id.clone())));
        self.undos.extend(record.undo_sha256.clone());
    }

    /// The last run before this one that has the same content. Runs are named by their time; one that waits is planned again
    /// later.
    fn same_before(&self, record: &RunRecord) -> Option<&str> {
        let sha256 = record.input_sha256.clone()?;
        let same = self.inputs.range((sha256.clone(), String::new())..(sha256, record.id.clone()));
        same.last().map(|(_, id)| id.as_str())
    }
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
    own: String,
    since: DateTime<Utc>,
    rows: OnceLock<SetByRuns>,
}

impl OtherRuns {
    pub(super) fn of(runs: &Path, run: &Run) -> Self {
        let (own, since) = (run.record.id.clone(), run.record.created);
        Self { runs: runs.to_owned(), own, since, rows: OnceLock::new() }
    }

    /// The run that set this quota, as it read it back itself, since this run began.
    pub(super) fn who_set(&self, target: &Target, quota: Option<Units>) -> Option<&str> {
        let read = || {
            let mut rows = sent_or_warn(&self.runs, self.since);
            rows.retain(|row| row.run != self.own);
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
