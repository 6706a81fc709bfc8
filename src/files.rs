//! Files: durable writes, opening without following links, files with a version, room set aside, cells that stay text.
//!
//! There is one way each to open a file in a folder that others may write into ([`folder::Folder`]), and to write one so
//! that it survives a crash (the same, and [`durable`] by path).

pub(crate) mod csv_cell;
pub(crate) mod durable;
pub(crate) mod folder;
pub(crate) mod format;
pub(crate) mod leftovers;
pub(crate) mod lock;
pub(crate) mod owner;
pub(crate) mod reserve;
pub(crate) mod versioned_json;

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Reads a file that may not be there. That it cannot be read is another thing, and an error.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs_err::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some),
    }
}

/// SHA-256 in hex: 64 digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
