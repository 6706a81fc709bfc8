//! Which files were dropped before: the contents of all runs' files, so that the same bytes, and the undo of a run, are recognized.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::run::{Run, RunRecord};

/// What the files of all runs hold, while a pass goes through many files: so that it reads each run once, and none where it has
/// nothing to plan.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles(Mutex<Memory>);

#[derive(Debug, Default)]
enum Memory {
    /// No pass is under way: nothing is kept.
    #[default]
    Off,
    /// Nobody has asked in this pass.
    Unread,
    Read(Contents),
}

impl KnownFiles {
    pub(crate) fn begin_pass(&self) {
        *self.memory() = Memory::Unread;
    }

    /// Takes note of a run that was made, or went on, since the runs were read.
    pub(crate) fn add(&self, record: &RunRecord) {
        if let Memory::Read(contents) = &mut *self.memory() {
            contents.add(record);
        }
    }

    /// Nobody goes through the runs any more.
    pub(crate) fn end_pass(&self) {
        *self.memory() = Memory::Off;
    }

    /// Whether these bytes are the `undo.csv` of a run.
    pub(crate) fn is_undo(&self, runs: &Path, sha256: &str) -> anyhow::Result<bool> {
        self.with_contents(runs, |contents| contents.undos.contains(sha256))
    }

    /// Says where the same bytes were dropped before; they are planned like any file, which usually leaves nothing to do.
    pub(super) fn note_same_content(&self, runs: &Path, run: &mut Run) -> anyhow::Result<()> {
        let same =
            self.with_contents(runs, |contents| contents.same_before(&run.record).map(str::to_owned))?;
        if let Some(same) = same {
            run.record.notes = vec![format!(
                "The same content was run before, as {same}: only the changes that are still missing are sent."
            )];
        }
        Ok(())
    }

    /// By what the pass that is under way knows, else by what is read now.
    fn with_contents<T>(&self, runs: &Path, use_them: impl FnOnce(&Contents) -> T) -> anyhow::Result<T> {
        let mut memory = self.memory();
        if let Memory::Read(contents) = &*memory {
            return Ok(use_them(contents));
        }
        let contents = Contents::from_runs(&Run::list(runs)?.0);
        let answer = use_them(&contents);
        if matches!(*memory, Memory::Unread) {
            *memory = Memory::Read(contents);
        }
        Ok(answer)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Contents {
    inputs: BTreeSet<(String, String)>,
    undos: BTreeSet<String>,
}

impl Contents {
    fn from_runs(runs: &[Run]) -> Self {
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
