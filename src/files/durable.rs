//! Writing files by path so that a crash, a full disk or a power cut leaves the old state or the new one, never a half.
//!
//! A failed sync is an error: that a second one "succeeds" proves nothing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::folder::{Folder, Links, Unfit};

/// Reads a regular file of at most so many bytes. Links are followed within its folder, as a mounted `ConfigMap` has them,
/// and a pipe or a device is never waited for.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Unfit> {
    Folder::open(parent(path))?.open_file(name(path)?, Links::Within)?.read(limit)
}

/// Replaces or creates a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_folder(parent(path))?.write(name(path)?, bytes)
}

/// Replaces or creates a file that is durable together with what is written into its folder next: for several that belong
/// together, one sync of their folder is enough.
pub(crate) fn stage(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_folder(parent(path))?.stage(name(path)?, bytes)
}

/// Creates a file; false when the name is taken, which leaves that file as it was.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    create_with(path, |file| file.write_all(bytes))
}

/// The same of what is written bit by bit, because it is large.
pub(crate) fn create_with(
    path: &Path,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<bool> {
    create_folder(parent(path))?.create(name(path)?, content)
}

/// Opens a file that is kept and written in place, and makes it, and the folders above it, where they are missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    create_folder(parent(path))?.open_or_create(name(path)?)
}

/// Moves a file to another folder or name of the same file system, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    if parent(from) == parent(to) {
        return Folder::open(parent(to))?.rename(name(from)?, name(to)?);
    }
    Folder::open(parent(from))?.move_to(name(from)?, &Folder::open(parent(to))?, name(to)?)
}

/// Moves files from one folder to another, in this order, durably.
pub(crate) fn move_all(from: &Path, names: &[&OsStr], to: &Path) -> io::Result<()> {
    Folder::open(from)?.move_all_to(names, &Folder::open(to)?)
}

/// Removes a file, durably. That it is gone already is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match Folder::open(parent(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        folder => folder?.remove(name(path)?),
    }
}

/// Makes renames and removals in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    Folder::open(folder)?.sync()
}

/// Opens a folder, and makes it and those above it, durably, where they are missing.
pub(crate) fn create_folder(folder: &Path) -> io::Result<Folder> {
    match Folder::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_folder(parent(folder))?.create_folder(name(folder)?)
        }
        opened => opened,
    }
}

/// The folder that a path is in; the current one for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

fn name(path: &Path) -> io::Result<&OsStr> {
    path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} names no file", path.display()))
    })
}

#[cfg(test)]
mod tests;
