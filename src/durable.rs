//! Writing files so that a crash, a full disk or a power cut leaves the old state or the new one, never a half.
//!
//! A file is written whole under a temporary name, synced, renamed, and its folder synced. A failed sync is an error:
//! that a second one "succeeds" proves nothing.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces or creates a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, file) = written(path, bytes)?;
    file.persist(path).map_err(|error| named(path, &error.error))?;
    sync_folder(folder)
}

/// Creates a file; false when the name is taken, which leaves that file as it was.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let (folder, file) = written(path, bytes)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(named(path, &error.error)),
    }
}

/// Moves a file to another folder or name of the same file system, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs_err::rename(from, to)?;
    sync_folder(parent(to))?;
    if parent(from) == parent(to) { Ok(()) } else { sync_folder(parent(from)) }
}

/// Removes a file, durably. That it is gone already is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_folder(parent(path)),
    }
}

/// Makes renames and removals in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

/// Creates a folder and those above it, durably.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    create_folder(above)?;
    match fs_err::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(above),
    }
}

fn written<'p>(path: &'p Path, bytes: &[u8]) -> io::Result<(&'p Path, NamedTempFile)> {
    let folder = parent(path);
    create_folder(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(0o666)) // less the umask, as for any file
        .tempfile_in(folder)
        .map_err(|error| named(path, &error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| named(path, &error))?;
    Ok((folder, file))
}

/// The folder that a path is in; the current one for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.csv");
        assert!(create(&path, b"first").unwrap());
        assert!(!create(&path, b"second").unwrap());
        assert_eq!(fs_err::read(&path).unwrap(), b"first");
        write(&path, b"third").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"third");
    }

    #[test]
    fn nothing_but_the_file_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("x"), b"1").unwrap();
        create(&folder.path().join("x"), b"2").unwrap();
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }
}
