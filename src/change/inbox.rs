//! Takes dropped files out of the inbox, each exactly once, and only when nobody is still writing them.
//!
//! Others may write into this folder, so it is opened once for a pass, and everything in it is reached through that
//! descriptor: a file is opened first, without following links or waiting, and it is the open file that is looked at and
//! read. What lies here and was not made by quotakeeper is never removed; how files are claimed is in [`claim`].

mod claim;
mod names;
mod recovery;
mod unfit;
mod writers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Stat};
use tracing::info;

pub(crate) use self::claim::{Claim, is_read};
use self::names::Name;
use self::writers::Writers;
use crate::change::mounts;
use crate::files::folder::{Folder, Links, Unfit};
use crate::files::owner::Owner;

/// How deep, and among how many names, change files are looked for in folders, to say that they are not taken.
const DEEPEST: usize = 3;
const MOST_NAMES: usize = 1_000;
/// So many things are named once; somebody who makes more names than that is not listened to.
const MOST_SAID: usize = 10_000;

/// What shows whether a file was written; the same over `inbox.settle` means that nobody is writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    fn from_stat(stat: &Stat) -> Self {
        let nanoseconds = |count| i64::try_from(count).unwrap_or_default();
        Self {
            inode: stat.st_ino,
            bytes: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
        }
    }

    /// A new name changes the `changed` of a file and nothing else.
    fn is_renamed(&self, other: &Self) -> bool {
        (self.inode, self.bytes, self.modified) == (other.inode, other.bytes, other.modified)
    }
}

/// The folder that people drop files into.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    pub folder: PathBuf,
    /// Where the answers go; often below the inbox, and never a folder that somebody dropped.
    pub answers: PathBuf,
    pub runs: PathBuf,
    /// `data.dir`, where it is remembered on which mount the inbox is.
    pub data: PathBuf,
    pub settle: Duration,
    pub max_bytes: u64,
    /// Nothing can be renamed here: each content is acted on once.
    pub read_only: bool,
    /// By which this quotakeeper knows the files that it has claimed.
    pub instance: Option<String>,
    pub memory: Arc<Memory>,
}

/// What a process remembers of the inbox from one pass to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub writers: Writers,
    announced: Mutex<BTreeSet<String>>,
}

impl Memory {
    /// Whether this is said for the first time.
    pub(crate) fn is_news(&self, what: &str) -> bool {
        let mut said = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        said.len() < MOST_SAID && said.insert(what.to_owned())
    }
}

/// The inbox, opened for one pass.
#[derive(Debug)]
pub(crate) struct OpenInbox {
    settings: Inbox,
    folder: Folder,
}

/// Something in the inbox that is not taken, and the sentence for whoever dropped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotTaken {
    pub file: String,
    pub reason: String,
}

/// A file that approves a plan by its name: `SHA256.approved`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApprovalFile {
    file: OsString,
    /// In small letters; empty where the name is no SHA-256.
    pub plan_sha256: String,
    pub owner: Owner,
}

impl ApprovalFile {
    pub(crate) fn name(&self) -> String {
        shown_name(&self.file)
    }
}

/// The files of a first scan. Those with the same fingerprint after `inbox.settle` are taken.
#[derive(Debug, Default)]
pub(crate) struct FirstScan {
    files: BTreeMap<OsString, Fingerprint>,
}

impl FirstScan {
    /// There is nothing to wait for.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The files that nobody is writing any more, to be claimed one at a time.
#[derive(Debug, Default)]
pub(crate) struct SettledFiles {
    files: VecDeque<(OsString, Fingerprint)>,
    /// In a read-only inbox, the hashes of what was acted on before.
    acted_on_hashes: BTreeSet<String>,
}

/// What lies under a name.
enum EntryKind {
    File {
        fingerprint: Fingerprint,
        uid: u32,
    },
    Folder,
    /// Gone since the folder was read.
    Gone,
    /// Something that is never taken, whatever its name, and why.
    Unfit(String),
}

impl Inbox {
    /// Opens the folder, and makes it where it is missing, unless it is on a share that is not mounted.
    pub(crate) fn open(&self) -> anyhow::Result<OpenInbox> {
        Ok(OpenInbox { folder: mounts::create_folder(&self.data, &self.folder)?, settings: self.clone() })
    }
}

impl OpenInbox {
    /// Whether it is the folder that these settings mean, and is treated as they say.
    pub(crate) fn is_of(&self, settings: &Inbox) -> bool {
        let of = |inbox: &Inbox| {
            // The data folder is that of the process.
            let Inbox { folder, answers, runs, data: _, settle, max_bytes, read_only, instance, memory: _ } =
                inbox.clone();
            (folder, answers, runs, settle, max_bytes, read_only, instance)
        };
        of(&self.settings) == of(settings)
    }

    /// The files that could be taken if they stay as they are, and what cannot be taken, with the reason.
    pub(crate) fn first_scan(&self) -> anyhow::Result<(FirstScan, Vec<NotTaken>)> {
        let (files, not_taken) = self.scan()?;
        Ok((FirstScan { files }, not_taken))
    }

    /// Of the files of a first scan, those that did not change since and that no program has open for writing; and why one of
    /// them has to wait, or cannot be taken any more. Those that changed are left for the next scan.
    pub(crate) fn settled_files(
        &self,
        first: &FirstScan,
        now: Instant,
    ) -> anyhow::Result<(SettledFiles, Vec<NotTaken>)> {
        let (second, mut left) = self.scan()?;
        // What could not be taken at the first scan either was said then.
        left.retain(|not| first.files.contains_key(OsStr::new(&not.file)));
        let read_only = self.settings.read_only;
        let open = if read_only { BTreeSet::new() } else { writers::open_for_writing(&self.settings.folder) };
        let mut settled = SettledFiles::default();
        for (name, fingerprint) in second {
            let file = shown_name(&name);
            if first.files.get(&name) != Some(&fingerprint) {
                info!(%file, "still being written: left for the next pass");
            } else if open.contains(&name)
                || self.settings.memory.writers.has_open(&name, fingerprint.bytes, now)
            {
                info!(%file, "a program still has it open for writing: left until it is closed");
                let reason = "A program still has this file open for writing. It is taken as soon as that program closes it.";
                left.push(NotTaken { file, reason: reason.to_owned() });
            } else {
                settled.files.push_back((name, fingerprint));
            }
        }
        // The one that was dropped last is the last to say what a quota is.
        settled.files.make_contiguous().sort_by(|(name, fingerprint), (other, other_fingerprint)| {
            fingerprint.changed.cmp(&other_fingerprint.changed).then_with(|| name.cmp(other))
        });
        if read_only && !settled.files.is_empty() {
            settled.acted_on_hashes = self.known_contents()?;
        }
        Ok((settled, left))
    }

    /// The approvals that lie in the inbox. What is in them does not matter.
    pub(crate) fn approvals(&self) -> anyhow::Result<Vec<ApprovalFile>> {
        let is_hash = |stem: &String| stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut approvals = Vec::new();
        for file in self.folder.names()? {
            if let Name::Approval(stem) = names::read(&shown_name(&file))
                && let EntryKind::File { uid, .. } = self.inspect(&file)
            {
                let plan_sha256 = Some(stem.to_ascii_lowercase()).filter(is_hash).unwrap_or_default();
                approvals.push(ApprovalFile { file, plan_sha256, owner: Owner::from_uid(uid) });
            }
        }
        Ok(approvals)
    }

    /// Takes away an approval that was acted on, where that can be.
    pub(crate) fn remove_used_approval(&self, approval: &ApprovalFile) -> std::io::Result<()> {
        if self.settings.read_only { Ok(()) } else { self.folder.remove(&approval.file) }
    }

    /// The files that could be taken, and what lies there that cannot, with the reason.
    fn scan(&self) -> anyhow::Result<(BTreeMap<OsString, Fingerprint>, Vec<NotTaken>)> {
        let (mut files, mut not_taken) = (BTreeMap::new(), Vec::new());
        for name in self.folder.names()? {
            let file = shown_name(&name);
            let kind = names::read(&file);
            if matches!(kind, Name::Hidden | Name::Passed) {
                continue;
            }
            let reason = match (self.inspect(&name), kind) {
                (EntryKind::File { fingerprint, .. }, Name::Change) => {
                    files.insert(name, fingerprint);
                    continue;
                }
                (EntryKind::File { .. } | EntryKind::Folder, Name::Workbook) => names::WORKBOOK.to_owned(),
                (EntryKind::Folder, _) if self.is_of_answers(&name) => continue,
                (EntryKind::Folder, Name::Change) => {
                    "This is a folder. Drop the files that are in it.".to_owned()
                }
                (EntryKind::Folder, _) if self.holds_change_files(&name) => {
                    "Change files in a folder are not taken. Drop the files themselves into the inbox."
                        .to_owned()
                }
                (EntryKind::File { .. }, Name::Refused(reason)) | (EntryKind::Unfit(reason), _) => reason,
                (EntryKind::File { .. } | EntryKind::Folder | EntryKind::Gone, _) => continue,
            };
            not_taken.push(NotTaken { file, reason });
        }
        Ok((files, not_taken))
    }

    /// What lies under a name now. What it is when it is taken is asked of the open file.
    fn inspect(&self, name: &OsStr) -> EntryKind {
        let special =
            "This is not a regular file (a pipe, a socket or a device). Copy a CSV file into this folder.";
        if self.settings.read_only {
            // A mounted ConfigMap shows its files as links within the mount.
            return match self.folder.open_file(name, Links::Within) {
                Ok(file) => {
                    EntryKind::File { fingerprint: Fingerprint::from_stat(&file.stat), uid: file.stat.st_uid }
                }
                Err(Unfit::Missing) => EntryKind::Gone,
                Err(Unfit::NotRegular) if self.is_folder(name) => EntryKind::Folder,
                Err(Unfit::NotRegular) => EntryKind::Unfit(special.to_owned()),
                Err(unfit) => EntryKind::Unfit(unfit::sentence(&unfit)),
            };
        }
        match self.folder.stat(name) {
            Ok(None) => EntryKind::Gone,
            Ok(Some(stat)) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if stat.st_nlink > 1 => {
                    EntryKind::Unfit(unfit::sentence(&Unfit::SeveralNames))
                }
                FileType::RegularFile => {
                    EntryKind::File { fingerprint: Fingerprint::from_stat(&stat), uid: stat.st_uid }
                }
                FileType::Directory => EntryKind::Folder,
                FileType::Symlink => EntryKind::Unfit(
                    "This is a link, not a file. Copy the file itself into this folder.".to_owned(),
                ),
                _ => EntryKind::Unfit(special.to_owned()),
            },
            Err(error) => EntryKind::Unfit(unfit::sentence(&Unfit::Io(error))),
        }
    }

    fn is_folder(&self, name: &OsStr) -> bool {
        let stat = self.folder.stat(name).ok().flatten();
        stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    fn is_of_answers(&self, name: &OsStr) -> bool {
        let answers = &self.settings.answers;
        *answers == self.settings.folder.join(name)
            || rustix::fs::stat(answers).is_ok_and(|answers| {
                let here = self.folder.stat(name).ok().flatten();
                here.is_some_and(|here| (here.st_dev, here.st_ino) == (answers.st_dev, answers.st_ino))
            })
    }

    fn holds_change_files(&self, name: &OsStr) -> bool {
        let mut left = MOST_NAMES;
        self.folder.open_folder(name).is_ok_and(|folder| holds_change_files(&folder, DEEPEST, &mut left))
    }

    /// Leaves something that is none of ours where it is, and names it once.
    fn leave(&self, name: &OsStr, why: &str) {
        let file = shown_name(name);
        if self.settings.memory.is_news(&format!("{file}: {why}")) {
            info!(%file, "left alone in the inbox: {why}");
        }
    }
}

fn holds_change_files(folder: &Folder, deeper: usize, left: &mut usize) -> bool {
    for name in folder.names().unwrap_or_default() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let is_one = match folder.stat(&name).ok().flatten().map(|stat| FileType::from_raw_mode(stat.st_mode))
        {
            Some(FileType::RegularFile) => names::read(&shown_name(&name)) == Name::Change,
            Some(FileType::Directory) if deeper > 1 => {
                folder.open_folder(&name).is_ok_and(|folder| holds_change_files(&folder, deeper - 1, left))
            }
            _ => false,
        };
        if is_one {
            return true;
        }
    }
    false
}

fn shown_name(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
