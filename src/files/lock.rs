//! One writer at a time: an advisory lock (`flock`) on `lock` below `data.dir`, held for the life of the process.
//!
//! Whoever removes `lock`, or `data.dir`, lets another process take a lock of that name while this one holds the removed file.
//! So the holder looks whether its file is still the one on the path before each unit of work and before each write to the API.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::io::Errno;
use serde::Serialize;
use tracing::warn;

use crate::clock::Clock;
use crate::files::{durable, reserve};

/// The lock, given back when it is dropped or when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Somebody else writes here; says who.
    #[error("another quotakeeper is using this data folder: {holder}")]
    Busy { holder: String },
    /// Something else has its name; says what to do.
    #[error("{0}")]
    NoFile(String),
    #[error(
        "cannot take the lock {path} (data.dir must be a folder that quotakeeper can write, with room left)"
    )]
    Io { path: String, source: io::Error },
    #[error(
        "cannot take the lock {path}: the file system has no locks ({error}). Put data.dir on a local disk, or mount it so \
         that flock works (NFS: version 4, or a running lock daemon; not `nolock`)"
    )]
    Unsupported { path: String, error: io::Error },
    /// It was held, and is no longer this process's.
    #[error(
        "{path} is no longer the lock that this process holds: somebody removed or replaced it, or data.dir. Another \
         quotakeeper may be running there, so this one stops writing and ends"
    )]
    Lost { path: String },
    /// Whether it still is cannot be seen now, and nothing is sent meanwhile.
    #[error("cannot check whether {path} is still this process's lock")]
    Unseen { path: String, source: io::Error },
}

impl Lock {
    /// Takes the lock or says at once who holds it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, LockError> {
        let path = data_dir.join("lock");
        let failed = |source| match obstacle(data_dir) {
            Some(what) => LockError::NoFile(what),
            None => LockError::Io { path: path.display().to_string(), source },
        };
        let mut file = loop {
            let mut file = durable::open_or_create(&path).map_err(failed)?;
            match try_patiently(|| file.try_lock()) {
                Ok(()) if is_at(&file, &path).map_err(failed)? => break file,
                Ok(()) => {} // it was removed or replaced meanwhile
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = (&mut file).take(super::TEXT).read_to_string(&mut holder);
                    let holder = holder.trim();
                    let holder = if holder.is_empty() { "an unknown process" } else { holder };
                    return Err(LockError::Busy { holder: holder.to_owned() });
                }
                Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                    return Err(LockError::Unsupported { path: path.display().to_string(), error });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        match say_holder(&mut file) {
            // Some file systems need room for what is written over something else. The lock is held anyway, and `prune` is to make room.
            Err(error) if reserve::is_full(error.kind()) => {
                let said = reserve::give_up(data_dir).and_then(|()| say_holder(&mut file));
                if let Err(error) = said {
                    warn!(path = %path.display(), %error, "the lock is held, and its file cannot say by whom");
                }
            }
            said => said.map_err(failed)?,
        }
        Ok(Self { file, path })
    }

    /// Whether the file that this process locked is still the one on the path.
    fn check(&self) -> Result<(), LockError> {
        let path = || self.path.display().to_string();
        match is_at(&self.file, &self.path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LockError::Lost { path: path() }),
            Err(source) => Err(LockError::Unseen { path: path(), source }),
        }
    }
}

/// Over what was there, so that most file systems need no room for it.
fn say_holder(file: &mut File) -> io::Result<()> {
    let since = Clock::read().now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let holder = format!("process {} on {} since {since}\n", std::process::id(), hostname());
    file.rewind()?;
    file.write_all(holder.as_bytes())?;
    file.set_len(holder.len() as u64)
}

/// That something cannot be looked at is another thing than that it is not there.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino()) && held.nlink() > 0),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The lock as a process has it, or not: what it asks before it writes.
#[derive(Debug, Default)]
pub(crate) struct HeldLock(Mutex<Option<Lock>>);

impl HeldLock {
    /// Takes the lock, and keeps it until `release` or the end of the process.
    pub(crate) fn take(&self, data_dir: &Path) -> Result<(), LockError> {
        *self.held() = Some(Lock::take(data_dir)?);
        Ok(())
    }

    pub(crate) fn release(&self) {
        *self.held() = None;
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.held().is_some()
    }

    /// An error unless the lock is seen to be this process's still. One that never took it writes nothing that it guards.
    pub(crate) fn check(&self) -> Result<(), LockError> {
        self.held().as_ref().map_or(Ok(()), Lock::check)
    }

    /// An error once the lock was lost.
    pub(crate) fn is_not_lost(&self) -> Result<(), LockError> {
        match self.check() {
            Err(lost @ LockError::Lost { .. }) => Err(lost),
            _ => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Lock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error is that the lock was lost: then nothing more is written, not even about it.
pub(crate) fn is_lost(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref::<LockError>(), Some(LockError::Lost { .. })))
}

fn has_no_locks(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS))
}

/// A `status` that looks who holds the lock has it for an instant: that is no reason to give up.
fn try_patiently(try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            settled => return settled,
        }
    }
    try_lock()
}

/// Who holds the lock, as far as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    pub process: Option<u32>,
    pub host: String,
    pub since: Option<DateTime<Utc>>,
}

impl Holder {
    /// `process 812 on nms-01 since 2026-11-03T08:00:00Z`; earlier versions said no time.
    fn parse(text: &str) -> Self {
        let after = |word| text.split_whitespace().skip_while(|each| *each != word).nth(1);
        Self {
            process: after("process").and_then(|id| id.parse().ok()),
            host: after("on").unwrap_or_default().to_owned(),
            since: after("since").and_then(|time| time.parse().ok()),
        }
    }
}

/// Why nobody can take the lock: something else has its name. None where nothing keeps from it.
pub(crate) fn obstacle(data_dir: &Path) -> Option<String> {
    let path = data_dir.join("lock");
    let is_other = path.symlink_metadata().is_ok_and(|there| !there.is_file());
    is_other.then(|| format!("{} is not a file, so no job can lock it: remove it", path.display()))
}

/// Who holds the lock now, for those who only look: none when nobody does.
pub(crate) fn holder(data_dir: &Path) -> Option<Holder> {
    let file = super::open(&data_dir.join("lock")).ok()?;
    match file.file().try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.take(super::TEXT).read_to_string(&mut holder).ok()?;
            Some(Holder::parse(&holder))
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// The name of this machine, as mails and the lock say it.
pub(crate) fn hostname() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
