//! What a kill left of files that were being written, and of folders that were just made.
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
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_was_made_here_and_is_old_enough_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::create_dir_all(path("a/b/c")).unwrap();
        for name in [
            ".new-0123456789abcdef",
            "a/.new-0123456789abcdef",
            "a/b/.new-0123456789abcdef",
            "a/b/c/.new-0123456789abcdef",
            "a/.new-mine",
            "a/run.json",
        ] {
            fs_err::write(path(name), "half").unwrap();
        }
        let elsewhere = tempfile::tempdir().unwrap();
        fs_err::write(elsewhere.path().join(".new-0123456789abcdef"), "of others").unwrap();
        symlink(elsewhere.path(), path("link")).unwrap();
        // The time of this machine: the files were made a moment ago.
        let made = fs_err::metadata(path("a/run.json")).unwrap().modified().unwrap();
        let (soon, later) = (DateTime::from(made), DateTime::from(made) + TimeDelta::minutes(2));
        assert_eq!(temporary_files(folder.path(), 2, soon).unwrap(), 0);
        assert_eq!(temporary_files(folder.path(), 2, later).unwrap(), 3);
        assert_eq!(temporary_files(folder.path(), 2, later).unwrap(), 0);
        for left in ["a/b/c/.new-0123456789abcdef", "a/.new-mine", "a/run.json", "link/.new-0123456789abcdef"]
        {
            assert!(path(left).exists(), "{left}");
        }
        assert_eq!(temporary_files(&path("missing"), 2, later).unwrap(), 0);
    }

    #[test]
    fn an_empty_folder_of_ours_goes_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run-1", "run-2/x", "of-others"] {
            fs_err::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs_err::write(folder.path().join("run-1/.new-0123456789abcdef"), "{").unwrap();
        let made = fs_err::metadata(folder.path().join("run-1")).unwrap().modified().unwrap();
        let is_ours = |name: &str| name.starts_with("run-");
        assert_eq!(empty_folders(folder.path(), is_ours, DateTime::from(made)).unwrap(), 0);
        let later = DateTime::from(made) + TimeDelta::minutes(2);
        assert_eq!(empty_folders(folder.path(), is_ours, later).unwrap(), 1);
        assert!(!folder.path().join("run-1").exists() && folder.path().join("of-others").exists());
    }
}
