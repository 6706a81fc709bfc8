//! A file that was opened once and looked at by its descriptor: what is read is what was checked.

use std::fs::{File, TryLockError};
use std::io::{self, Read};

use rustix::fs::{self, Stat};
use rustix::io::Errno;

/// A regular file with a single name, open for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(super) file: File,
    pub stat: Stat,
}

/// Why a name is no file that may be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// There is nothing of that name (any more).
    #[error("it is not there")]
    Missing,
    /// A link, or (with [`super::Links::Within`]) one that leads out of the folder.
    #[error("it is a link")]
    Link,
    /// A folder, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// It has other names (hard links), so it may be somebody else's file.
    #[error("it has more than one name (hard links)")]
    SeveralNames,
    /// It has, or grew to, more bytes than are allowed.
    #[error("it has more than {limit} bytes")]
    TooLarge { limit: u64 },
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl OpenFile {
    /// All bytes of the file, if it has no more than `limit`. What it grows to while it is read counts.
    pub(crate) fn read(&self, limit: u64) -> Result<Vec<u8>, Unfit> {
        // A large one is not read first; what does not know its length, or grows, is found out below.
        if u64::try_from(self.stat.st_size).is_ok_and(|size| size > limit) {
            return Err(Unfit::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        (&self.file).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit { Err(Unfit::TooLarge { limit }) } else { Ok(bytes) }
    }

    /// Locks the file (`flock`) while it is open here, and makes it this user's again where root handed it over.
    pub(crate) fn lock_as_own(&self) -> io::Result<()> {
        ignore_unsupported(fs::fchown(&self.file, Some(rustix::process::geteuid()), None))?;
        Ok(self.file.try_lock()?)
    }

    /// Whether some process keeps the file locked.
    pub(crate) fn is_locked_by_another(&self) -> bool {
        matches!(self.file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// What the open file looks like now.
    pub(crate) fn stat(&self) -> io::Result<Stat> {
        Ok(fs::fstat(&self.file)?)
    }
}

/// A mount that has no owners or modes of its own (CIFS, vfat) refuses to set them.
pub(super) fn ignore_unsupported(done: Result<(), Errno>) -> io::Result<()> {
    match done {
        Ok(()) | Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
