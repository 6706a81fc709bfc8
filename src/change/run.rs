//! A run's folder below `runs/`: what was dropped, what was planned, what was decided, what became of it.
//!
//! ```text
//! runs/20261122T180500Z-raise-emea/   input.csv plan.csv journal.jsonl success.csv error.csv undo.csv run.json
//! ```
//!
//! `run.json` says where the run stands and is replaced as a whole; `journal.jsonl` (see `journal`) is appended to while
//! quotas are being sent; `decision.json` is created by `approve` or `reject`, exclusively: the first decision wins. A run
//! that is decided on again, because it went stale or waits for its time, takes the next from `decision-1.json`.

pub(crate) mod id;

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::RunState;
use crate::files::folder::{Folder, is_done};
use crate::files::owner::Owner;
use crate::files::{self, durable, format};
use crate::text::redact;

/// The format of `run.json`. A newer one is refused, an older one is read.
const VERSION: u32 = 1;

/// What `run.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub version: u32,
    pub id: String,
    /// The name of the dropped file.
    pub file: String,
    /// It came through the inbox, so its answers go back there.
    #[serde(default)]
    pub dropped: bool,
    /// Who owned the file that was dropped; none where it was not dropped, or by an earlier program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_by: Option<Owner>,
    /// The file that was claimed in the inbox, as it was when it was copied; it is kept there until the run settles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
    pub state: RunState,
    pub created: DateTime<Utc>,
    /// When it came to its state.
    pub updated: DateTime<Utc>,
    /// SHA-256 of `input.csv`; none until it is copied.
    pub input_sha256: Option<String>,
    pub plan_sha256: Option<String>,
    /// SHA-256 of `plan.csv` as a file; two while one takes the place of the other, none where an earlier version wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_csv_sha256: Vec<String>,
    /// SHA-256 of `undo.csv`, by which a dropped undo is recognized.
    pub undo_sha256: Option<String>,
    /// The run that these held rows were split off from.
    pub split_from: Option<String>,
    /// The run that the held rows were split off into.
    pub held_as: Option<String>,
    /// When its rows take effect; none for now.
    #[serde(default)]
    pub due: Option<DateTime<Utc>>,
    /// How many decisions were acted on; each has a file of its own.
    #[serde(default)]
    pub decided: u32,
    /// The rows' numbers in the file that was dropped, where `input.csv` holds only some of them.
    pub rows: Option<Vec<usize>>,
    /// The request of a command that handed it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Where its answers are; none as long as it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// How many rows ended how: the values of `status` and `code`.
    #[serde(default)]
    pub counts: std::collections::BTreeMap<String, usize>,
    /// Why it stands where it stands, each a full sentence. Errors are repeated in them: no secret is written with one.
    #[serde(default, serialize_with = "redact::each")]
    pub notes: Vec<String>,
    /// Nobody has been sent a mail about its state yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mail_due: bool,
    /// `inbox.apply` was false: nothing is sent of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned_only: bool,
}

/// What tells a claimed file from any other, and whether it was written since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub inode: u64,
    pub bytes: u64,
    /// Seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
}

impl RunRecord {
    /// A run at its beginning.
    pub(crate) fn new(id: String, file: &str, dropped: bool, now: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            id,
            file: file.to_owned(),
            dropped,
            dropped_by: None,
            claimed: None,
            state: RunState::Planned,
            created: now,
            updated: now,
            input_sha256: None,
            plan_sha256: None,
            plan_csv_sha256: Vec::new(),
            undo_sha256: None,
            split_from: None,
            held_as: None,
            due: None,
            decided: 0,
            rows: None,
            request: None,
            approved_by: None,
            answers: None,
            counts: std::collections::BTreeMap::new(),
            notes: Vec::new(),
            mail_due: false,
            planned_only: false,
        }
    }

    /// The run for the held rows of this one. No file can be named so that its run gets this name.
    pub(crate) fn split_off(&self, now: DateTime<Utc>) -> Self {
        self.part(id::of_held(&self.id), now)
    }

    /// A run for some rows of this one.
    pub(crate) fn part(&self, id: String, now: DateTime<Utc>) -> Self {
        Self {
            split_from: Some(self.id.clone()),
            dropped_by: self.dropped_by.clone(),
            ..Self::new(id, &self.file, self.dropped, now)
        }
    }

    /// The run of the dropped file: itself, unless it was split off.
    pub(crate) fn root(&self) -> &str {
        id::root_of(&self.id)
    }

    /// Its time has not come.
    pub(crate) fn is_early(&self, now: DateTime<Utc>) -> bool {
        self.due.is_some_and(|due| due > now)
    }
}

/// Where a run's answers are put for whoever dropped its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answers {
    /// The name of their folder below `inbox.answers_dir`.
    pub folder: String,
    /// They could not be written yet: they are owed, and tried again until they lie there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

/// Why answers are not where they should be, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub since: DateTime<Utc>,
    pub error: String,
}

/// A person's word on a held run, in `decision.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub approve: bool,
    /// The hash of the plan that was decided on.
    pub plan_sha256: String,
    /// Who decided, as people read it.
    pub by: String,
    /// The same for the program; none where an earlier version recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
    pub at: DateTime<Utc>,
}

/// Who or what decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decider {
    /// A user of this machine; `login` is who that was when they logged in, where `sudo` or `su` made them another.
    User { user: Owner, login: Option<Owner> },
    /// A file in the inbox, by its name.
    File(String),
}

impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { user, login: Some(login) } => write!(f, "{user}, logged in as {login}"),
            Self::User { user, login: None } => user.fmt(f),
            Self::File(name) => write!(f, "the file {name}"),
        }
    }
}

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
    pub(crate) fn create(runs: &Path, file: &str, dropped: bool, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let folder = durable::create_folder(runs)?;
        loop {
            let id = id::of_file(file, free_second(&folder, file, now)?);
            if folder.new_folder(OsStr::new(&id))?.is_some() {
                let made = runs.join(&id);
                return Self::begin(runs, RunRecord::new(id, file, dropped, now)).inspect_err(|_| {
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
        Self::begin(runs, record)
    }

    fn begin(runs: &Path, record: RunRecord) -> anyhow::Result<Self> {
        durable::sync_folder(runs)?;
        let run = Self { folder: runs.join(&record.id), record };
        run.save()?;
        Ok(run)
    }

    /// Opens a run by its id.
    pub(crate) fn open(runs: &Path, id: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(id::is_id(id), "`{id}` is not a run: `quotakeeper runs` lists them");
        let folder = runs.join(id);
        let path = folder.join("run.json");
        let bytes = files::read_if_there(&path)?
            .with_context(|| format!("there is no run `{id}`: `quotakeeper runs` lists them"))?;
        let fix = "put it back from a backup, or move the run's folder away";
        let record = format::read_json(&path, &bytes, VERSION, fix)?;
        Ok(Self { folder, record })
    }

    /// Removes a run's folder, `run.json` last: what a crash leaves is still a run, and goes the next time.
    pub(crate) fn remove(runs: &Path, id: &str) -> anyhow::Result<()> {
        let folder = runs.join(id);
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            if !path.ends_with("run.json") {
                fs_err::remove_file(path)?;
            }
        }
        durable::remove(&folder.join("run.json"))?;
        fs_err::remove_dir(&folder)?;
        Ok(durable::sync_folder(runs)?)
    }

    /// All runs, oldest first, and those that could not be read.
    pub(crate) fn all(runs: &Path) -> anyhow::Result<(Vec<Self>, Vec<Unreadable>)> {
        let entries = match fs_err::read_dir(runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
            entries => entries?,
        };
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(id) = name.to_str().filter(|name| id::is_id(name)) else {
                continue; // of somebody else, such as a file manager's copy
            };
            let opened = match fs_err::exists(entry.path().join("run.json")) {
                // A folder that a crash left before its run.json (nothing was claimed into it), or a file of somebody's.
                Ok(false) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => continue,
                Ok(true) => Self::open(runs, id),
                Err(error) => Err(error.into()),
            };
            match opened {
                Ok(run) => found.push(run),
                Err(error) => broken.push(Unreadable { id: id.to_owned(), problem: format!("{error:#}") }),
            }
        }
        found.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        Ok((found, broken))
    }

    /// Something is still to be done with it.
    pub(crate) fn is_open(&self) -> bool {
        match self.record.state {
            RunState::Planned | RunState::Held | RunState::Scheduled | RunState::Applying => true,
            // One that cannot be looked at is reported by whoever acts on it.
            RunState::Stale => fs_err::exists(self.decision_file()).unwrap_or(true),
            RunState::Done | RunState::Failed | RunState::Rejected => false,
        }
    }

    /// The file of the decision that comes next.
    fn decision_file(&self) -> PathBuf {
        self.decision_file_after(self.record.decided)
    }

    fn decision_file_after(&self, acted_on: u32) -> PathBuf {
        self.path(&match acted_on {
            0 => "decision.json".to_owned(),
            acted_on => format!("decision-{acted_on}.json"),
        })
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
        Ok(fs_err::read(self.path(name))?)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(durable::write(&self.path(name), bytes)?)
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

    /// What a person decided, if somebody did and it was not acted on yet.
    pub(crate) fn decision(&self) -> anyhow::Result<Option<Decision>> {
        read_decision(&self.decision_file())
    }

    /// Whether one of the decisions that were acted on is theirs.
    pub(crate) fn was_decided_by(&self, decider: &Decider) -> anyhow::Result<bool> {
        let is_theirs = |decision: &Decision| match &decision.decider {
            Some(who) => who == decider,
            None => decision.by == decider.to_string(), // of an earlier version, which recorded the text alone
        };
        for acted_on in 0..self.record.decided {
            let decision = read_decision(&self.decision_file_after(acted_on))?;
            if decision.as_ref().is_some_and(is_theirs) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records a decision; the error says who decided before.
    pub(crate) fn decide(&self, decision: &Decision) -> anyhow::Result<()> {
        let path = self.decision_file();
        match durable::create(&path, &serde_json::to_vec_pretty(decision)?) {
            Ok(true) => Ok(()),
            Ok(false) => self.decided_before(),
            // Whoever acts on decisions sees it, so it was made, whatever the disk says.
            Err(error) if is_done(&error) => {
                warn!(%error, "the decision may not survive a power cut");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn decided_before(&self) -> anyhow::Result<()> {
        let first = self.decision()?.context("the decision went away while it was read: try again")?;
        let word = if first.approve { "approved" } else { "rejected" };
        anyhow::bail!("{} was already {word} by {} at {}", self.record.id, first.by, first.at.to_rfc3339());
    }
}

/// A second from `now` on that no run of a file of this name has, just after one that is taken: a thousand such files may come
/// at once, so that not each second is asked for.
fn free_second(runs: &Folder, file: &str, now: DateTime<Utc>) -> io::Result<DateTime<Utc>> {
    let after = |seconds| now + chrono::Duration::seconds(seconds);
    let is_taken = |seconds| {
        let id = id::of_file(file, after(seconds));
        runs.look(OsStr::new(&id)).map(|found| found.is_some())
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

fn read_decision(path: &Path) -> anyhow::Result<Option<Decision>> {
    let Some(bytes) = files::read_if_there(path)? else { return Ok(None) };
    let damaged = || format!("{} is damaged: remove it and decide again", path.display());
    serde_json::from_slice(&bytes).with_context(damaged).map(Some)
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T18:05:00Z".parse().unwrap()
    }

    #[test]
    fn a_run_is_named_by_its_second_and_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let first = Run::create(folder.path(), "Raise EMEA (Q4).csv", true, now()).unwrap();
        let second = Run::create(folder.path(), "Raise EMEA (Q4).csv", true, now()).unwrap();
        assert_eq!(first.record.id, "20261122T180500Z-raise-emea-q4");
        assert_eq!(second.record.id, "20261122T180501Z-raise-emea-q4");
    }

    #[test]
    fn many_files_whose_names_give_the_same_one_take_one_second_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        for count in 0..70 {
            let run = Run::create(folder.path(), "文書.csv", true, now()).unwrap();
            assert_eq!(run.record.id, id::of_file("文書.csv", now() + chrono::Duration::seconds(count)));
        }
    }

    #[test]
    fn the_first_decision_wins() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::create(folder.path(), "a.csv", true, now()).unwrap();
        let word = |approve| Decision {
            approve,
            plan_sha256: "f".into(),
            by: "ann".into(),
            decider: None,
            at: now(),
        };
        run.decide(&word(true)).unwrap();
        let error = run.decide(&word(false)).unwrap_err().to_string();
        assert!(error.contains("already approved by ann"), "{error}");
        assert!(run.decision().unwrap().unwrap().approve);
    }

    #[test]
    fn a_run_reads_back_and_an_id_never_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::create(folder.path(), "a.csv", true, now()).unwrap();
        run.record.notes.push("why".into());
        run.set_state(RunState::Held, now()).unwrap();
        assert_eq!(Run::open(folder.path(), &run.record.id).unwrap().record, run.record);
        for id in ["../x", "", ".", "a/b"] {
            assert!(Run::open(folder.path(), id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_record_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::create(folder.path(), "a.csv", true, now()).unwrap();
        run.record.version = VERSION + 1;
        run.save().unwrap();
        assert!(Run::open(folder.path(), &run.record.id).unwrap_err().to_string().contains("newer"));
        let (found, broken) = Run::all(folder.path()).unwrap();
        assert_eq!((found.len(), broken.len()), (0, 1));
    }

    #[test]
    fn a_run_that_cannot_be_looked_at_is_named_and_what_is_no_run_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("20261122T180500Z-cut-off")).unwrap();
        fs_err::write(folder.path().join("notes.txt"), "of a person").unwrap();
        assert_eq!(Run::all(folder.path()).unwrap(), (Vec::new(), Vec::new()));
        // A link that leads to itself cannot be looked through, whoever asks.
        let id = "20261122T180501Z-loop";
        fs_err::os::unix::fs::symlink(id, folder.path().join(id)).unwrap();
        let (found, broken) = Run::all(folder.path()).unwrap();
        assert!(found.is_empty() && broken[0].problem.contains(id), "{broken:?}");
        assert_eq!(broken[0].id, id);
    }
}
