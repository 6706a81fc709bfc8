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
mod tests {
    use notify::event::{DataChange, RenameMode};

    use super::*;

    #[test]
    fn a_written_file_is_open_until_it_is_closed_moved_or_removed() {
        let (writers, now) = (Writers::default(), Instant::now());
        let notify = |kind| {
            let event = notify::Event::new(kind).add_path("/inbox/a.csv".into());
            writers.observe(&event, now);
        };
        let is_open = |bytes| writers.has_open(OsStr::new("a.csv"), bytes, now);
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(!is_open(5));
        for end in [
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            EventKind::Remove(notify::event::RemoveKind::File),
        ] {
            notify(EventKind::Create(CreateKind::File));
            assert!(is_open(0) && !is_open(5), "a second name is made like a new file");
            notify(written);
            assert!(is_open(5));
            notify(EventKind::Access(AccessKind::Close(AccessMode::Read)));
            assert!(is_open(5), "a reader is no writer");
            notify(end);
            assert!(!is_open(5) && !is_open(0));
        }
        notify(written);
        assert!(!writers.has_open(OsStr::new("a.csv"), 5, now + PATIENCE), "closed unheard");
        writers.observe(&notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan), now);
        assert!(!is_open(5), "a closing may be among what was lost");
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_seen_and_one_that_is_read_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::write(path("read.csv"), "a").unwrap();
        let _reader = fs_err::File::open(path("read.csv")).unwrap();
        let writer = fs_err::File::create(path("written.csv")).unwrap();
        assert_eq!(open_for_writing(folder.path()), BTreeSet::from(["written.csv".into()]));
        drop(writer);
        // A process that another test starts has all that is open here, for the moment until it is another program.
        assert!((0..1000).any(|_| open_for_writing(folder.path()).is_empty()));
    }
}
