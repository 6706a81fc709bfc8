//! Files: durable writes, opening without following links, files with a version, room set aside, cells that stay text.
//!
//! There is one way each to open a file in a folder that others may write into ([`folder::Folder`]), to read one of our own or of the
//! administrator's ([`read`]), and to write one so that it survives a crash (the folder's, and [`durable`] by path).

pub(crate) mod csv_cell;
pub(crate) mod data_folder;
pub(crate) mod durable;
pub(crate) mod folder;
pub(crate) mod format;
pub(crate) mod leftovers;
pub(crate) mod lock;
pub(crate) mod owner;
pub(crate) mod read_only;
pub(crate) mod reserve;
pub(crate) mod versioned_json;

use std::io::{self, Read as _};
use std::path::Path;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

/// The largest text that people write for us, or we in a few lines: a configuration, a template, certificates.
pub(crate) const TEXT: u64 = 4 << 20;
/// The largest record, such as `run.json`.
pub(crate) const RECORD: u64 = 16 << 20;
/// The largest file of rows: a run's, a mail with its tables.
pub(crate) const ROWS: u64 = 512 << 20;

/// Opens a file to read it. What is none, such as a pipe that nobody ever writes to, is an error and not a wait.
pub(crate) fn open(path: &Path) -> io::Result<fs_err::File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs_err::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    // Reading a folder says that it is one.
    if kind.is_file() || kind.is_dir() { Ok(file) } else { Err(unfit(path, "it is not a regular file")) }
}

/// Reads a whole file of at most so many bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= limit {
        bytes.reserve(usize::try_from(size).unwrap_or_default());
        file.take(limit + 1).read_to_end(&mut bytes)?;
    }
    if size.max(bytes.len() as u64) > limit {
        return Err(unfit(path, &format!("it is larger than the limit of {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads a text of at most so many bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| unfit(path, "it is not text in UTF-8"))
}

/// Reads a file that may not be there. That it cannot be read is another thing, and an error.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match read(path, limit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some),
    }
}

fn unfit(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} cannot be read: {why}", path.display()))
}

/// SHA-256 in hex: 64 digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[cfg(test)]
mod tests;
