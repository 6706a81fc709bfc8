//! The small JSON files below `data.dir` that remember what was done and reported: each is written whole, has a format of
//! its own, and can be started again.
//!
//! A file that a power cut, a failing disk or another program damaged must not stop the work: whoever holds the lock sets it
//! aside under another name, which overwrites nothing, and begins again without it. A newer format is no damage: that file
//! stays, and what needs it stops. `own_files` reports both.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::durable;
use super::folder::{Folder, Links, Unfit, is_done};
use super::format::{self, FormatError};

/// One of these files.
#[derive(Debug)]
pub(crate) struct Kind {
    pub name: &'static str,
    /// The newest format that this program knows, and the one that it writes.
    pub version: u32,
    /// What happens without it, as a sentence for people.
    pub without: &'static str,
    /// The most bytes that it may have.
    pub limit: u64,
}

/// What the holder of the lock found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loaded<T> {
    Known(T),
    /// There is no file: this is the beginning.
    Missing,
    /// There was one, of no use.
    SetAside,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableFile {
    /// A newer program wrote it.
    #[error(transparent)]
    Newer(FormatError),
    /// It can be started again.
    #[error("{path} is damaged: {why}")]
    Damaged { path: String, why: String },
    /// Not now, for a reason that is not the file's own.
    #[error(transparent)]
    NotNow(#[from] io::Error),
}

/// What follows the name of a file that was set aside, before the time.
const DAMAGED: &str = ".damaged-";
const TIME: &str = "%Y%m%dT%H%M%SZ";

#[derive(Serialize, Deserialize)]
struct File<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// Reads a file and changes nothing; none where there is no file.
pub(crate) fn read<T: DeserializeOwned>(data_dir: &Path, kind: &Kind) -> Result<Option<T>, UnusableFile> {
    let path = data_dir.join(kind.name);
    let damaged = |why: String| UnusableFile::Damaged { path: path.display().to_string(), why };
    let folder = match Folder::open(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        folder => folder?,
    };
    // A backup may have given it a second name.
    let bytes = folder.open_file(OsStr::new(kind.name), Links::Hard).and_then(|file| file.read(kind.limit));
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(Unfit::Missing) => return Ok(None),
        Err(Unfit::Io(error)) if !is_of_the_file(&error) => return Err(error.into()),
        Err(unfit) => return Err(damaged(unfit.to_string())),
    };
    match format::read_json::<File<T>>(&path, &bytes, kind.version, kind.without) {
        Ok(file) => Ok(Some(file.content)),
        Err(newer @ FormatError::Newer { .. }) => Err(UnusableFile::Newer(newer)),
        Err(FormatError::Damaged { source, .. }) => Err(damaged(source.to_string())),
    }
}

/// Whether it is this file that cannot be read, because of its rights or its place on the disk. Anything else (too many
/// open files, no memory) passes, and the file is good.
fn is_of_the_file(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied || Errno::from_io_error(error) == Some(Errno::IO)
}

/// Reads a file for the holder of the lock, who sets aside what is of no use.
pub(crate) fn read_or_set_aside<T: DeserializeOwned>(
    data_dir: &Path,
    kind: &Kind,
    now: DateTime<Utc>,
) -> Result<Loaded<T>, UnusableFile> {
    match read(data_dir, kind) {
        Ok(Some(content)) => Ok(Loaded::Known(content)),
        Ok(None) => Ok(Loaded::Missing),
        Err(UnusableFile::Damaged { path, why }) => {
            let set_aside = set_aside(data_dir, kind, now)?;
            let file = set_aside.to_string_lossy();
            warn!(path, why, %file, hint = kind.without, "a damaged file was renamed");
            Ok(Loaded::SetAside)
        }
        Err(other) => Err(other),
    }
}

/// Gives a file, or whatever is in its place, a name of its own that overwrites nothing.
pub(crate) fn set_aside(data_dir: &Path, kind: &Kind, now: DateTime<Utc>) -> io::Result<OsString> {
    let folder = Folder::open(data_dir)?;
    let name = format!("{}{DAMAGED}{}", kind.name, now.format(TIME));
    let mut free = OsString::from(&name);
    for again in 1.. {
        if folder.stat(&free)?.is_none() {
            break;
        }
        free = OsString::from(format!("{name}-{again}"));
    }
    match folder.rename(OsStr::new(kind.name), &free) {
        Err(error) if !is_done(&error) => Err(error),
        _ => Ok(free),
    }
}

/// The names of what was set aside in a folder, with when and what it was.
pub(crate) fn set_aside_in(data_dir: &Path) -> io::Result<Vec<(String, DateTime<Utc>, String)>> {
    let folder = match Folder::open(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let parts = |name: OsString| {
        let name = name.into_string().ok()?;
        let (file, rest) = name.split_once(DAMAGED)?;
        let time = NaiveDateTime::parse_from_str(rest.get(..16)?, TIME).ok()?;
        Some((file.to_owned(), time.and_utc(), name.clone()))
    };
    Ok(folder.names()?.into_iter().filter_map(parts).collect())
}

pub(crate) fn save<T: Serialize>(data_dir: &Path, kind: &Kind, content: &T) -> anyhow::Result<()> {
    Ok(durable::write(&data_dir.join(kind.name), &bytes_of(kind, content)?)?)
}

/// The same where a power cut may take it back, until another of these files is written: one sync of their folder is enough for all.
pub(crate) fn stage<T: Serialize>(data_dir: &Path, kind: &Kind, content: &T) -> anyhow::Result<()> {
    Ok(durable::stage(&data_dir.join(kind.name), &bytes_of(kind, content)?)?)
}

fn bytes_of<T: Serialize>(kind: &Kind, content: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&File { version: kind.version, content })
}

#[cfg(test)]
mod tests;
