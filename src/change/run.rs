//! A run's folder below `runs/`: what was dropped, what was planned, what was decided, what became of it.
//!
//! ```text
//! runs/20261122T180500Z-raise-emea/   input.csv plan.csv journal.jsonl success.csv error.csv undo.csv run.json
//! ```
//!
//! `run.json` says where the run stands and is replaced as a whole; `journal.jsonl` (see `journal`) is appended to while
//! quotas are being sent; `decision.json` is created by `approve` or `reject`, exclusively: the first decision wins. A run
//! that is decided on again, because it went stale or waits for its time, takes the next from `decision-1.json`.

mod decision;
mod find;
mod finished;
pub(crate) mod id;
pub(crate) mod journal;
mod record;

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};

pub(crate) use self::decision::{Decider, Decision};
pub(crate) use self::finished::Listing;
use self::record::VERSION;
pub(crate) use self::record::{Answers, Claimed, Owed, RunRecord};
use crate::change::codes::RunState;
use crate::files::folder::Folder;
use crate::files::{self, durable, format, sha256};

/// A run's folder whose `run.json` cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub id: String,
    pub problem: String,
}

/// One run's folder, with what its `run.json` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub folder: PathBuf,
    pub record: RunRecord,
}

impl Run {
    /// Creates the folder of a new run of `file`. Where the second is taken, a later one is.
    pub(crate) fn create(
        runs: &Path,
        now: DateTime<Utc>,
        file: &str,
        complete: impl FnOnce(RunRecord) -> RunRecord,
    ) -> anyhow::Result<Self> {
        let folder = durable::create_folder(runs)?;
        loop {
            let id = id::of_file(file, free_second(&folder, file, now)?);
            if folder.new_folder(OsStr::new(&id))?.is_some() {
                let made = runs.join(&id);
                let record = complete(RunRecord::new(id, file, true, now));
                return Self::begin(runs, record).inspect_err(|_| {
                    let _ = fs_err::remove_dir_all(made); // on a full disk even an empty folder misleads
                });
            }
        }
    }

    /// Creates, or finds, the run of this record: what is done twice after a crash is done once.
    pub(crate) fn create_as(runs: &Path, record: RunRecord) -> anyhow::Result<Self> {
        let folder = runs.join(&record.id);
        if fs_err::exists(folder.join("run.json"))? {
            return Self::open(runs, &record.id);
        }
        durable::create_folder(&folder)?;
        durable::sync_folder(runs)?; // a crash may have left it a moment ago
        Self::begin(runs, record)
    }

    fn begin(runs: &Path, record: RunRecord) -> anyhow::Result<Self> {
        let run = Self { folder: runs.join(&record.id), record };
        run.save()?;
        Ok(run)
    }

    /// Opens a run by its id.
    pub(crate) fn open(runs: &Path, id: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(id::is_id(id), "`{id}` is not a run: `quotakeeper runs` lists them");
        let folder = runs.join(id);
        let path = folder.join("run.json");
        let bytes = files::read_if_there(&path, files::RECORD)?
            .with_context(|| format!("there is no run `{id}`: `quotakeeper runs` lists them"))?;
        let fix = "put it back from a backup, or move the run's folder away";
        let record = format::read_json(&path, &bytes, VERSION, fix)?;
        Ok(Self { folder, record })
    }

    /// Removes a run's folder, `run.json` last: what a crash leaves is still a run, and goes the next time. A folder in it is
    /// somebody else's, such as a file server's, and stays.
    pub(crate) fn remove(runs: &Path, id: &str) -> anyhow::Result<()> {
        let folder = runs.join(id);
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name() != "run.json" && !entry.file_type()?.is_dir() {
                fs_err::remove_file(entry.path())?;
            }
        }
        durable::remove(&folder.join("run.json"))?;
        match fs_err::remove_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => return Err(error.into()),
            _ => {}
        }
        Ok(durable::sync_folder(runs)?)
    }

    /// All runs, oldest first, and those that could not be read.
    pub(crate) fn list(runs: &Path) -> anyhow::Result<(Vec<Self>, Vec<Unreadable>)> {
        let opened = Self::list_where(runs, |_, _| true)?;
        Ok((opened.runs, opened.broken))
    }

    /// The same of those that are wanted, by the names and the inodes of their folders: no other is looked at.
    fn list_where(runs: &Path, mut is_wanted: impl FnMut(&str, u64) -> bool) -> anyhow::Result<Opened> {
        let entries = match fs_err::read_dir(runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::default()),
            entries => entries?,
        };
        let mut opened = Opened::default();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            // What is not wanted takes next to no time. What has another name is somebody's, such as a file manager's copy.
            if let Some(id) = name.to_str().filter(|name| is_wanted(name, entry.ino()) && id::is_id(name)) {
                opened.look_at(runs, id)?;
            }
        }
        opened.runs.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        Ok(opened)
    }

    /// Something is still to be done with it.
    pub(crate) fn is_open(&self) -> bool {
        match self.record.state {
            RunState::Planned | RunState::Held | RunState::Scheduled | RunState::Applying => true,
            // One that cannot be looked at is reported by whoever acts on it.
            RunState::Stale => self.is_decided().unwrap_or(true),
            RunState::Done | RunState::Failed | RunState::Rejected => false,
        }
    }

    /// Its answers do not lie where they should.
    pub(crate) fn owes_answers(&self) -> bool {
        self.record.answers.as_ref().is_some_and(|answers| answers.owed.is_some())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes `run.json` as it stands.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(&self.record)?;
        bytes.push(b'\n');
        Ok(durable::write(&self.path("run.json"), &bytes)?)
    }

    /// Moves to a state and writes it down.
    pub(crate) fn set_state(&mut self, state: RunState, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.record.state = state;
        self.record.updated = now;
        self.save()
    }

    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        Ok(files::read(&self.path(name), files::ROWS)?)
    }

    /// Writes a file of the run that is durable by the next `save`.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(durable::stage(&self.path(name), bytes)?)
    }

    /// Writes `plan.csv`. What it will be is recorded before it takes another's place, so that a crash between the two leaves
    /// one that is known; the caller saves what it is then.
    pub(crate) fn write_plan(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let hash = sha256(bytes);
        if !self.record.plan_csv_sha256.is_empty() && !self.record.plan_csv_sha256.contains(&hash) {
            self.record.plan_csv_sha256.push(hash.clone());
            self.save()?;
        }
        self.write("plan.csv", bytes)?;
        self.record.plan_csv_sha256 = vec![hash];
        Ok(())
    }
}

/// What was found under the names that were looked at, the oldest first.
#[derive(Debug, Default)]
struct Opened {
    runs: Vec<Run>,
    broken: Vec<Unreadable>,
    /// What has the name of a run and is none yet, or never will be.
    empty: Vec<String>,
}

impl Opened {
    /// Opens the run with this id, if there is one.
    fn look_at(&mut self, runs: &Path, id: &str) -> anyhow::Result<()> {
        let folder = runs.join(id);
        let opened = match fs_err::exists(folder.join("run.json")) {
            Ok(true) => Run::open(runs, id),
            // Only somebody who copies or removes files by hand leaves one without its record.
            Ok(false) if fs_err::exists(folder.join("input.csv"))? => Err(anyhow::anyhow!(
                "its run.json is missing: put it back from a backup, or move the run's folder away"
            )),
            // A folder that a crash left before its run.json (nothing was claimed into it), or a file of somebody's.
            Ok(false) => {
                self.empty.push(id.to_owned());
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(run) => self.runs.push(run),
            Err(error) => {
                self.broken.push(Unreadable { id: id.to_owned(), problem: format!("{error:#}") });
            }
        }
        Ok(())
    }
}

/// A second from `now` on that no run of a file of this name has, just after one that is taken: a thousand such files may come
/// at once, so that not each second is asked for.
fn free_second(runs: &Folder, file: &str, now: DateTime<Utc>) -> io::Result<DateTime<Utc>> {
    let after = |seconds| now + chrono::Duration::seconds(seconds);
    let is_taken = |seconds| {
        let id = id::of_file(file, after(seconds));
        runs.stat(OsStr::new(&id)).map(|found| found.is_some())
    };
    let (mut taken, mut free) = (-1, 0);
    while is_taken(free)? {
        (taken, free) = (free, free + (free - taken) * 2);
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(middle)? { taken = middle } else { free = middle }
    }
    Ok(after(free))
}

#[cfg(test)]
mod tests;
