//! A text that lies in memory, or in an unnamed temporary file where it is too large to lie in memory for months: the metrics of a
//! million account groups.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::{SpooledData, SpooledTempFile};

/// So much of a file is read at once, which on a disk of this machine takes no time worth waiting for.
const PIECE: u64 = 256 << 10;

/// One that all who are sent it share, or what is left of it.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Memory(Bytes),
    /// This part of a file that nobody changes.
    File(Arc<File>, Range<u64>),
}

impl Text {
    /// All of a file.
    pub(crate) fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File(Arc::new(file), 0..length))
    }

    pub(super) fn of_spooled(spooled: SpooledTempFile) -> io::Result<Self> {
        match spooled.into_inner() {
            SpooledData::InMemory(bytes) => Ok(Self::Memory(bytes.into_inner().into_boxed_slice().into())),
            SpooledData::OnDisk(file) => Self::of_file(file),
        }
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, part) => part.end - part.start,
        }
    }

    /// Takes its beginning off; nothing once all is taken.
    pub(crate) fn next_piece(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(std::mem::take(bytes)),
            Self::File(file, part) => {
                let length = PIECE.min(part.end - part.start);
                let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
                file.read_exact_at(&mut piece, part.start)?;
                part.start += length;
                Ok(piece.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
