//! Who still writes a file, where the kernel says so: a program that has it open may pause for longer than `inbox.settle`.
//!
//! The daemon hears of each write in the inbox, and of each closing ([`Writers`]). Of programs of its own user, and as root
//! of all, a process also sees which files they have open ([`open_for_writing`]). Where neither says anything (network
//! mounts, other users' programs before the daemon started), `inbox.settle` alone decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};

/// What was not closed for so long after its last write was closed unheard, or never opened (`truncate`).
const PATIENCE: Duration = Duration::from_secs(3600);

/// The files that were written and not closed since, as the kernel reported.
#[derive(Debug, Default)]
pub(crate) struct Writers(Mutex<BTreeMap<OsString, Writing>>);

#[derive(Clone, Copy, Debug)]
struct Writing {
    last: Instant,
    /// A second name for a file is reported like a new one, and nobody closes it: only what has no byte yet waits for a first.
    is_empty: bool,
}

impl Writers {
    /// Takes over what the kernel reported.
    pub(crate) fn observe(&self, event: &notify::Event, now: Instant) {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if event.need_rescan() {
            return writing.clear(); // some was lost, perhaps a closing
        }
        for name in event.paths.iter().filter_map(|path| path.file_name()) {
            match event.kind {
                EventKind::Create(CreateKind::File | CreateKind::Any) => {
                    writing.entry(name.to_owned()).or_insert(Writing { last: now, is_empty: true });
                }
                EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
                    writing.insert(name.to_owned(), Writing { last: now, is_empty: false });
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_)) => {
                    writing.remove(name);
                }
                _ => {}
            }
        }
    }

    /// Whether a file of this name and size was written, and not closed since.
    pub(super) fn has_open(&self, name: &OsStr, bytes: u64, now: Instant) -> bool {
        let writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.get(name).is_some_and(|writing| {
            (!writing.is_empty || bytes == 0) && now.duration_since(writing.last) < PATIENCE
        })
    }
}

/// The names in a folder that another process has open for writing, as far as this one may look into others.
pub(super) fn open_for_writing(folder: &Path) -> BTreeSet<OsString> {
    let Ok(folder) = folder.canonicalize() else { return BTreeSet::new() };
    let entries =
        |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_number = |path: &PathBuf| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut names = BTreeSet::new();
    for process in entries(Path::new("/proc")).filter(is_number) {
        for descriptor in entries(&process.join("fd")) {
            // The text of the link alone: a look at the file could wait for a network mount that is none of ours.
            let Ok(target) = std::fs::read_link(&descriptor) else { continue };
            if target.parent() == Some(&folder)
                && let (Some(name), Some(number)) = (target.file_name(), descriptor.file_name())
                && is_for_writing(&process.join("fdinfo").join(number))
            {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// `flags: 0100001`, in octal: the last two bits are 1 or 2 where it may be written.
fn is_for_writing(info: &Path) -> bool {
    let info = std::fs::read_to_string(info).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & 0o3 != 0)
}

#[cfg(test)]
mod tests;
