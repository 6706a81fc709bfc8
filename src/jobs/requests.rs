//! What a command hands to the process that holds the lock, as files below `requests/` in `data.dir`.
//!
//! | file | what it is |
//! |---|---|
//! | `ID.csv` | the change file of an `apply`, written first |
//! | `ID.json` | the request; its command keeps it locked (`flock`) for as long as it waits, and removes it to withdraw it |
//! | `ID.taken` | the same file, renamed by the holder that has begun with it |
//! | `ID.answer` | what came of it |
//! | `RUN.decided` | somebody decided on this run: it only wakes the holder |
//! | `.alive` | replaced every ten seconds by the holder while something waits here |
//!
//! A request whose command is gone before it was begun is not done. One that was begun is finished, once: what `apply` makes is
//! a run that knows its request. Who asks is the owner of the request's file.

pub(crate) mod basis;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::basis::Basis;
use crate::files::data_folder::DataFolder;
use crate::files::durable;
use crate::files::folder::{Folder, Links, OpenFile, Unfit};
use crate::files::format;
use crate::files::leftovers;
use crate::jobs::job::Job;

/// The format of requests and answers.
const VERSION: u32 = 1;
/// A request or an answer is small.
const MOST_BYTES: u64 = 1 << 20;

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    Job {
        job: Job,
        since: Option<DateTime<Utc>>,
    },
    /// The bytes are in `ID.csv`.
    Apply {
        file: String,
        approve: Option<String>,
    },
}

/// As a log names it.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job { job, .. } => f.write_str(job.name()),
            Self::Apply { file, .. } => write!(f, "apply {file}"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    version: u32,
    ask: Ask,
    /// None of a command of an earlier version.
    #[serde(default)]
    basis: Option<Basis>,
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    version: u32,
    /// The exit code of the command.
    pub exit: u8,
    /// The runs that it shows.
    pub runs: Vec<String>,
    /// What failed.
    pub error: Option<String>,
}

impl Answer {
    pub(crate) fn new(exit: u8, runs: Vec<String>, error: Option<String>) -> Self {
        Self { version: VERSION, exit, runs, error }
    }
}

/// A request that was taken.
pub(crate) struct BegunRequest {
    pub ask: Result<Ask, String>,
    /// Who asks.
    pub uid: u32,
}

/// What waits here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WaitingRequests {
    /// Runs that somebody decided on.
    pub decided_runs: BTreeSet<String>,
    /// Requests, the oldest first, also those that an earlier holder had begun with.
    pub requests: BTreeSet<String>,
}

pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    DataFolder::Requests.below(data_dir)
}

/// The name of a request: by its time, so that they are in order.
pub(crate) fn new_id(now: DateTime<Utc>) -> String {
    format!("{}-{:016x}", now.format("%Y%m%dT%H%M%S%.3fZ"), fastrand::u64(..))
}

/// Writes a request and locks it; it can be seen only then, as its command's own, and until `withdraw` or the end of the
/// process. The file is for keeping.
pub(crate) fn write_request(
    data_dir: &Path,
    id: &str,
    ask: &Ask,
    basis: &Basis,
    input: Option<&[u8]>,
) -> io::Result<OpenFile> {
    let requests = durable::create_folder(&folder(data_dir))?;
    if let Some(bytes) = input {
        requests.write(&file_name(id, "csv"), bytes)?;
    }
    let hidden = file_name(&format!(".{id}"), "asking");
    let request = Request { version: VERSION, ask: ask.clone(), basis: Some(basis.clone()) };
    requests.write(&hidden, &serde_json::to_vec(&request)?)?;
    let asked = || {
        let file = requests.open_file(&hidden, Links::Refused).map_err(io::Error::other)?;
        file.lock_as_own()?;
        requests.rename(&hidden, &file_name(id, "json"))?;
        Ok(file)
    };
    asked().inspect_err(|_| drop(requests.remove(&hidden)))
}

/// Takes a request back, if it was not begun; whether it was taken back.
pub(crate) fn withdraw(data_dir: &Path, id: &str) -> io::Result<bool> {
    let requests = Folder::open(&folder(data_dir))?;
    let was_begun = requests.stat(&file_name(id, "taken"))?.is_some()
        || requests.stat(&file_name(id, "answer"))?.is_some();
    requests.remove(&file_name(id, "json"))?;
    // It may have been taken in between.
    Ok(!was_begun && requests.stat(&file_name(id, "taken"))?.is_none())
}

/// Removes all files of a request.
pub(crate) fn remove_all_files(data_dir: &Path, id: &str) -> io::Result<()> {
    let requests = Folder::open(&folder(data_dir))?;
    ["json", "taken", "csv", "answer"].iter().try_for_each(|kind| requests.remove(&file_name(id, kind)))
}

/// The answer, if it is there.
pub(crate) fn read_answer(data_dir: &Path, id: &str) -> anyhow::Result<Option<Answer>> {
    let requests = Folder::open(&folder(data_dir))?;
    let bytes = match requests.open_file(&file_name(id, "answer"), Links::Refused) {
        Err(Unfit::Missing) => return Ok(None),
        opened => opened?.read(MOST_BYTES)?,
    };
    let path = folder(data_dir).join(file_name(id, "answer"));
    let unread = "the command's outcome is in the log and in `quotakeeper runs`";
    Ok(Some(format::read_json(&path, &bytes, VERSION, unread)?))
}

/// Something that changes while a holder is alive that answers requests.
pub(crate) fn sign_of_life(data_dir: &Path) -> Option<[i128; 3]> {
    let alive = Folder::open(&folder(data_dir)).ok()?.stat(OsStr::new(".alive")).ok()??;
    Some([alive.st_ino.into(), alive.st_mtime.into(), alive.st_mtime_nsec.into()])
}

/// Gives a sign of life, if anything waits for one.
pub(crate) fn give_sign_of_life(data_dir: &Path) -> io::Result<()> {
    if waiting(data_dir)?.requests.is_empty() {
        return Ok(());
    }
    Folder::open(&folder(data_dir))?.write(OsStr::new(".alive"), b"")
}

/// Wakes the holder of the lock: this run was decided on.
pub(crate) fn announce_decision(data_dir: &Path, run: &str) -> io::Result<()> {
    durable::create_folder(&folder(data_dir))?.write(&file_name(run, "decided"), b"")
}

/// Whether nobody noticed that yet.
pub(crate) fn is_decision_pending(data_dir: &Path, run: &str) -> bool {
    let requests = Folder::open(&folder(data_dir));
    requests.and_then(|requests| requests.stat(&file_name(run, "decided"))).is_ok_and(|there| there.is_some())
}

/// What waits. Nothing where there is no folder yet.
pub(crate) fn waiting(data_dir: &Path) -> io::Result<WaitingRequests> {
    let requests = match Folder::open(&folder(data_dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(WaitingRequests::default()),
        opened => opened?,
    };
    let names = requests.names()?;
    let mut waiting = WaitingRequests::default();
    for (id, kind) in names.iter().filter_map(|name| name.to_str()?.rsplit_once('.')) {
        let is_answered = || names.iter().any(|other| *other == *file_name(id, "answer"));
        match kind {
            "decided" if !id.is_empty() => drop(waiting.decided_runs.insert(id.to_owned())),
            "json" | "taken" if !id.starts_with('.') && !is_answered() => {
                waiting.requests.insert(id.to_owned());
            }
            _ => {}
        }
    }
    Ok(waiting)
}

/// That a run was decided on is noticed.
pub(crate) fn acknowledge_decision(data_dir: &Path, run: &str) -> io::Result<()> {
    Folder::open(&folder(data_dir))?.remove(&file_name(run, "decided"))
}

/// Begins with a request, unless it was made on another basis than this process works on; none where it was withdrawn, or where its command is gone.
pub(crate) fn begin_request(data_dir: &Path, id: &str, own: &Basis) -> anyhow::Result<Option<BegunRequest>> {
    let requests = Folder::open(&folder(data_dir))?;
    let named =
        |kind| format!("the request {} cannot be read", folder(data_dir).join(file_name(id, kind)).display());
    let (file, was_begun) = match requests.open_file(&file_name(id, "json"), Links::Refused) {
        Err(Unfit::Missing) => match requests.open_file(&file_name(id, "taken"), Links::Refused) {
            Err(Unfit::Missing) => return Ok(None),
            file => (file.with_context(|| named("taken"))?, true),
        },
        file => (file.with_context(|| named("json"))?, false),
    };
    if !file.is_locked_by_another() {
        // Nobody waits for it. What was begun of it goes on by itself, as a run.
        remove_all_files(data_dir, id)?;
        return Ok(None);
    }
    if !was_begun {
        match requests.rename(&file_name(id, "json"), &file_name(id, "taken")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None), // withdrawn
            renamed => renamed?,
        }
    }
    let path = folder(data_dir).join(file_name(id, "taken"));
    let request = format::read_json::<Request>(&path, &file.read(MOST_BYTES)?, VERSION, "ask again");
    let ask =
        request.map_err(|error| format!("{error:#}")).and_then(|Request { ask, basis, .. }| {
            match basis.and_then(|basis| own.refusal_of(&basis, &ask)) {
                Some(why) => Err(why),
                None => Ok(ask),
            }
        });
    Ok(Some(BegunRequest { ask, uid: file.stat.st_uid }))
}

fn unreadable(data_dir: &Path, id: &str, kind: &str) -> String {
    format!("the request {} cannot be read", folder(data_dir).join(file_name(id, kind)).display())
}

/// The change file of a request.
pub(crate) fn read_input(data_dir: &Path, id: &str, most: u64) -> anyhow::Result<Vec<u8>> {
    let requests = Folder::open(&folder(data_dir))?;
    Ok(requests.open_file(&file_name(id, "csv"), Links::Refused)?.read(most)?)
}

pub(crate) fn write_answer(data_dir: &Path, id: &str, answer: &Answer) -> anyhow::Result<()> {
    Ok(Folder::open(&folder(data_dir))?.write(&file_name(id, "answer"), &serde_json::to_vec(answer)?)?)
}

/// Removes what commands left that are gone: answers that nobody fetched, requests that nobody waits for.
pub(crate) fn sweep(data_dir: &Path) -> anyhow::Result<()> {
    let requests = match Folder::open(&folder(data_dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    for name_of in requests.names()? {
        let Some((id, "answer" | "taken")) = name_of.to_str().and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        let is_fetched = |kind| match requests.open_file(&file_name(id, kind), Links::Refused) {
            Err(Unfit::Missing) => Ok(true),
            file => {
                let file = file.with_context(|| unreadable(data_dir, id, kind))?;
                anyhow::Ok(!file.is_locked_by_another())
            }
        };
        if is_fetched("taken")? && is_fetched("json")? {
            remove_all_files(data_dir, id)?;
        }
    }
    Ok(())
}

/// Removes what commands left that were killed while they asked: change files whose request nobody ever saw, and such requests.
/// How many there were.
pub(crate) fn sweep_unseen(data_dir: &Path, now: DateTime<Utc>) -> io::Result<usize> {
    let requests = match Folder::open(&folder(data_dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened?,
    };
    let names = requests.names()?;
    let mut removed = 0;
    for (name_of, (id, kind)) in
        names.iter().filter_map(|name| name.to_str()?.rsplit_once('.').map(|parts| (name, parts)))
    {
        let is_seen = || ["json", "taken", "answer"].iter().any(|kind| names.contains(&file_name(id, kind)));
        if (kind == "asking" || kind == "csv" && !is_seen())
            && let Some(stat) = requests.stat(name_of)?
            && leftovers::is_old(&stat, now)
            && requests.is_ours(&stat)?
        {
            requests.remove(name_of)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn file_name(id: &str, kind: &str) -> std::ffi::OsString {
    format!("{id}.{kind}").into()
}

#[cfg(test)]
mod tests;
