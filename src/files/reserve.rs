//! Room set aside for a full disk: it is given up then, so that the failure can still be remembered and mailed.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Mode, OFlags};

use crate::files::durable;

/// A failure's mail, its record and `state.json`, with room to spare.
const BYTES: usize = 64 << 10;

/// Sets it aside where it is missing.
pub(crate) fn keep(data_dir: &Path) -> io::Result<()> {
    if path(data_dir).exists() {
        return Ok(());
    }
    let mut bytes = vec![0; BYTES];
    fastrand::Rng::new().fill(&mut bytes); // a file system that compresses would keep no room for less
    durable::stage(&path(data_dir), &bytes) // what a power cut takes is set aside again
}

/// Whether something failed because there is no room, on the disk or in the quota of who runs this.
pub(crate) fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether whoever asks has used up a disk quota: the disk itself may have room then, and says nothing of it. Tried with as much
/// as is set aside, in a file that never gets a name.
pub(crate) fn is_over_quota(data_dir: &Path) -> bool {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let tried = fs::open(data_dir, flags, Mode::from_raw_mode(0o600))
        .map_err(io::Error::from)
        .and_then(|file| File::from(file).write_all(&vec![0; BYTES]));
    tried.is_err_and(|error| error.kind() == ErrorKind::QuotaExceeded)
}

/// Makes room.
pub(crate) fn give_up(data_dir: &Path) -> io::Result<()> {
    durable::remove(&path(data_dir))
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("reserve")
}

#[cfg(test)]
mod tests;
