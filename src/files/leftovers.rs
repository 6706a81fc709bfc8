//! Leftovers of a kill: files that were being written, and folders that were just made.
//!
//! Only what was made here goes: by the name that [`Folder`] gives to its temporary files, by its owner, and never through a
//! link. It must be old enough that nobody can still be writing it; a write takes milliseconds.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{FileType, Stat};

use super::folder::{Folder, TEMPORARY};

const YOUNGEST: TimeDelta = TimeDelta::minutes(1);

/// Removes temporary files in a folder and so many levels of folders in it; how many there were.
pub(crate) fn temporary_files(folder: &Path, deeper: usize, now: DateTime<Utc>) -> io::Result<usize> {
    match Folder::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        folder => sweep(&folder?, deeper, now),
    }
}

fn sweep(folder: &Folder, deeper: usize, now: DateTime<Utc>) -> io::Result<usize> {
    let mut removed = 0;
    for name in folder.names()? {
        let Some(stat) = folder.stat(&name)? else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile
                if is_temporary(&name) && is_old(&stat, now) && folder.is_ours(&stat)? =>
            {
                folder.remove(&name)?;
                removed += 1;
            }
            // One that may not be read is somebody else's, such as `lost+found`.
            FileType::Directory if deeper > 0 => match folder.open_folder(&name) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                opened => removed += sweep(&opened?, deeper - 1, now)?,
            },
            _ => {}
        }
    }
    Ok(removed)
}

/// Removes folders of such names in which nothing but temporary files is left; how many there were.
pub(crate) fn empty_folders(
    folder: &Path,
    is_ours: fn(&str) -> bool,
    now: DateTime<Utc>,
) -> io::Result<usize> {
    let folder = match Folder::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        folder => folder?,
    };
    let mut removed = 0;
    for name in folder.names()?.into_iter().filter(|name| name.to_str().is_some_and(is_ours)) {
        let Some(stat) = folder.stat(&name)? else { continue };
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_folder || !is_old(&stat, now) {
            continue;
        }
        let made = folder.open_folder(&name)?;
        if made.names()?.iter().all(|name| is_temporary(name)) {
            sweep(&made, 0, now)?;
            if made.names()?.is_empty() {
                folder.remove_folder(&name)?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Whether [`Folder`] gave that name to what was being written.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether nobody can still be writing it.
pub(crate) fn is_old(stat: &Stat, now: DateTime<Utc>) -> bool {
    DateTime::from_timestamp(stat.st_mtime, 0).is_some_and(|modified| now - modified >= YOUNGEST)
}

#[cfg(test)]
mod tests;
