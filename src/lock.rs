//! One writer at a time: an advisory lock (`flock`) on `lock` below `data.dir`, held for the life of the process.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::io::Errno;
use serde::Serialize;

use crate::clock::Clock;
use crate::files::durable;

/// The lock, given back when it is dropped or when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Somebody else writes here; says who.
    #[error("another quotakeeper is at work in this data folder: {holder}")]
    Busy { holder: String },
    #[error(
        "cannot take the lock {path} (data.dir must be a folder that quotakeeper can write, with room left)"
    )]
    Io { path: String, source: io::Error },
    #[error(
        "cannot take the lock {path}: the file system has no locks ({source}). Put data.dir on a local disk, or mount it so \
         that flock works (NFS: version 4, or a running lock daemon; not `nolock`)"
    )]
    Unsupported { path: String, source: io::Error },
}

impl Lock {
    /// Takes the lock or says at once who holds it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, LockError> {
        let path = data_dir.join("lock");
        let failed = |source| LockError::Io { path: path.display().to_string(), source };
        durable::create_folder(data_dir).map_err(failed)?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match patiently(|| file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "one that did not say who it is" } else { holder };
                return Err(LockError::Busy { holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) if has_no_locks(&source) => {
                return Err(LockError::Unsupported { path: path.display().to_string(), source });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let since = Clock::read().now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let holder = format!("process {} on {} since {since}\n", std::process::id(), hostname());
        // Over what was there, so that it needs no room on a full disk, where `prune` is to make some.
        let length = holder.len() as u64;
        let written = file
            .rewind()
            .and_then(|()| file.write_all(holder.as_bytes()))
            .and_then(|()| file.set_len(length));
        written.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS))
}

/// A `status` that looks who holds the lock has it for an instant: that is no reason to give up.
fn patiently(try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
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

/// Who holds the lock now, for those who only look: none when nobody does.
pub(crate) fn holder(data_dir: &Path) -> Option<Holder> {
    let mut file = File::open(data_dir.join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok()?;
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
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_an_earlier_version_says_no_time() {
        let holder = Holder::parse("process 812 on nms-01\n");
        assert_eq!(holder, Holder { process: Some(812), host: "nms-01".into(), since: None });
        assert_eq!(Holder::parse("").process, None);
    }

    #[test]
    fn a_second_holder_learns_who_holds_it_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        let seen = holder(folder.path()).unwrap();
        assert_eq!((seen.process, seen.host), (Some(std::process::id()), hostname()));
        assert!(seen.since.is_some());
        drop(first);
        assert_eq!(holder(folder.path()), None);
        Lock::take(folder.path()).unwrap();
    }
}
