//! Takes dropped files out of the inbox, each exactly once, and only when nobody is still writing them.
//!
//! A file is claimed in steps that a crash can cut anywhere without losing it or running it twice: the run's folder is
//! made, the file is renamed to `.RUN.claimed` inside the inbox, looked at again, copied into the run's folder, synced,
//! and removed. A run that was made but never got its file finds it again under its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::change::RunState;
use crate::change::run::{Run, RunRecord, sha256};
use crate::files::durable;
use crate::first_error::FirstError;

/// What a file looked like; the same over `inbox.settle` means that nobody is writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    fn at(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// A new name changes the `changed` of a file and nothing else.
    fn is_renamed(&self, other: &Self) -> bool {
        (self.inode, self.size, self.modified) == (other.inode, other.size, other.modified)
    }
}

/// The folder that people drop files into.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    pub folder: PathBuf,
    pub runs: PathBuf,
    pub settle: Duration,
    pub max_bytes: u64,
    /// Nothing can be renamed here: each content is acted on once.
    pub read_only: bool,
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
    pub path: PathBuf,
    /// In small letters; empty where the name is no SHA-256.
    pub plan_sha256: String,
}

impl ApprovalFile {
    pub(crate) fn name(&self) -> String {
        name(&self.path)
    }
}

/// What one look into the inbox came to.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub runs: Vec<Run>,
    pub left: Vec<NotTaken>,
    /// Why a file could not be taken although nothing is wrong with it, such as a full disk. The next look tries again.
    pub failed: FirstError,
}

/// What came of one settled file.
enum Claim {
    Run(Box<Run>),
    /// Nothing for now: somebody still writes it, or (in a read-only inbox) its content was acted on before.
    Nothing,
    NotTaken(String),
}

impl Inbox {
    /// Takes every file that is ready. Waits for `settle` if there is any, and leaves what is still being written.
    pub(crate) async fn take(&self, now: DateTime<Utc>, cancel: &CancellationToken) -> anyhow::Result<Taken> {
        let mut taken = Taken::default();
        let (first, not_taken) = self.look()?;
        taken.left = not_taken;
        if first.is_empty() {
            return Ok(taken);
        }
        tokio::select! {
            () = tokio::time::sleep(self.settle) => {}
            () = cancel.cancelled() => return Ok(taken),
        }
        let (second, _) = self.look()?;
        let mut known = if self.read_only { self.known_contents()? } else { BTreeSet::new() };
        for (path, look) in second {
            if first.get(&path) != Some(&look) {
                info!(file = %name(&path), "still being written: left for the next look");
                continue;
            }
            match self.claim(&path, look, now, &mut known) {
                Ok(Claim::Run(run)) => taken.runs.push(*run),
                Ok(Claim::Nothing) => {}
                Ok(Claim::NotTaken(reason)) => taken.left.push(NotTaken { file: name(&path), reason }),
                Err(error) => {
                    taken.failed.note(error.context(format!("{} could not be taken", name(&path))));
                }
            }
        }
        Ok(taken)
    }

    /// The approvals that lie in the inbox. What is in them does not matter.
    pub(crate) fn approvals(&self) -> anyhow::Result<Vec<ApprovalFile>> {
        let mut approvals = Vec::new();
        for entry in fs_err::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = name(&path);
            // A spreadsheet's or an editor's Save As adds an ending that Windows then hides.
            let stem = name.strip_suffix(".approved").or_else(|| name.strip_suffix(".approved.txt"));
            let is_hash =
                |stem: &String| stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
            if let Some(stem) = stem.filter(|_| !name.starts_with('.') && path.is_file()) {
                let plan_sha256 = Some(stem.to_ascii_lowercase()).filter(is_hash).unwrap_or_default();
                approvals.push(ApprovalFile { path, plan_sha256 });
            }
        }
        approvals.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(approvals)
    }

    /// Takes away an approval that was acted on, where that can be.
    pub(crate) fn used(&self, approval: &ApprovalFile) -> std::io::Result<()> {
        if self.read_only { Ok(()) } else { durable::remove(&approval.path) }
    }

    /// The files that could be taken, and what lies there that cannot, with the reason.
    fn look(&self) -> anyhow::Result<(BTreeMap<PathBuf, Look>, Vec<NotTaken>)> {
        let (mut files, mut not_taken) = (BTreeMap::new(), Vec::new());
        for entry in fs_err::read_dir(&self.folder)? {
            let path = entry?.path();
            let file = name(&path);
            if file.starts_with('.') || file.starts_with("~$") {
                continue; // hidden, or the lock that Excel puts beside an open workbook
            }
            if file.ends_with(".approved.txt") {
                continue; // an approval, not a change
            }
            let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
            let taken_kind = matches!(extension.as_deref(), Some("csv" | "tsv" | "txt"));
            // A mounted ConfigMap shows its files as links within the mount.
            let metadata =
                if self.read_only { fs_err::metadata(&path) } else { fs_err::symlink_metadata(&path) };
            let Ok(metadata) = metadata else { continue }; // gone since the folder was read
            let reason = if metadata.is_dir() && taken_kind {
                "This is a folder. Drop the files that are in it."
            } else if metadata.is_symlink() && taken_kind {
                "This is a link, not a file. Copy the file itself into this folder."
            } else if taken_kind && !self.holds(&path) {
                "This is a link to somewhere outside of this folder. Put the file itself here."
            } else if !metadata.is_file() && taken_kind {
                "This is not a regular file (a pipe, a socket or a device). Copy a CSV file into this folder."
            } else if matches!(extension.as_deref(), Some("xlsx" | "xls" | "xlsm" | "ods" | "numbers")) {
                "This is a workbook. In the spreadsheet choose Save As, CSV UTF-8 (comma delimited), and drop that file."
            } else if matches!(
                extension.as_deref(),
                Some("zip" | "gz" | "7z" | "pdf" | "doc" | "docx" | "json" | "xml" | "htm" | "html")
            ) {
                "Only CSV files are taken (.csv, .tsv or .txt). Drop the change file itself."
            } else if taken_kind {
                files.insert(path, Look::at(&metadata));
                continue;
            } else {
                continue;
            };
            not_taken.push(NotTaken { file, reason: reason.to_owned() });
        }
        Ok((files, not_taken))
    }

    /// Whether a file is in the inbox itself, whatever links lead to it.
    fn holds(&self, path: &Path) -> bool {
        match (path.canonicalize(), self.folder.canonicalize()) {
            (Ok(file), Ok(folder)) => file.starts_with(folder),
            _ => true, // gone meanwhile: nothing to be said of it
        }
    }

    /// Claims one settled file for a new run.
    fn claim(
        &self,
        path: &Path,
        look: Look,
        now: DateTime<Utc>,
        known: &mut BTreeSet<String>,
    ) -> anyhow::Result<Claim> {
        if let Err(error) = fs_err::File::open(path) {
            if error.kind() == ErrorKind::NotFound {
                return Ok(Claim::Nothing);
            }
            // Claimed all the same, it would stand in the way of every later look.
            return Ok(Claim::NotTaken(format!(
                "This file may not be read ({error}). Give quotakeeper the right to read it, or drop a copy."
            )));
        }
        if self.read_only {
            return self.remember(path, look, now, known);
        }
        let mut run = Run::create(&self.runs, &name(path), true, now)?;
        let claimed = self.claimed(&run.record.id);
        if let Err(error) = durable::rename(path, &claimed) {
            fs_err::remove_dir_all(&run.folder)?; // nothing was claimed into it
            if error.kind() == ErrorKind::NotFound {
                return Ok(Claim::Nothing);
            }
            return Ok(Claim::NotTaken(format!(
                "This file cannot be taken out of the inbox ({error}). Make the folder writable for quotakeeper, or set \
                 inbox.read_only = true."
            )));
        }
        info!(run = %run.record.id, file = %run.record.file, "claimed");
        if self.copy(&mut run, &claimed, look)? {
            return Ok(Claim::Run(Box::new(run)));
        }
        if path.symlink_metadata().is_err() {
            durable::rename(&claimed, path)?;
            fs_err::remove_dir_all(&run.folder)?;
        }
        Ok(Claim::Nothing)
    }

    /// Copies a claimed file into its run, then removes it. What is too large, or no file any more, fails the run.
    /// False, and nothing is copied, where it is not what it looked like: a program that has it open still writes it.
    fn copy(&self, run: &mut Run, claimed: &Path, look: Look) -> anyhow::Result<bool> {
        let metadata = fs_err::symlink_metadata(claimed)?;
        if metadata.is_file() && metadata.len() <= self.max_bytes {
            let bytes = read_limited(claimed, self.max_bytes)?;
            if !look.is_renamed(&Look::at(&fs_err::symlink_metadata(claimed)?)) {
                info!(run = %run.record.id, file = %run.record.file, "still being written: left for the next look");
                return Ok(false);
            }
            run.write("input.csv", &bytes)?;
            run.record.input_sha256 = Some(sha256(&bytes));
            run.save()?;
        } else {
            let problem = if metadata.is_file() {
                self.too_large(metadata.len())
            } else {
                "This is not a regular file any more. Copy the file itself into this folder.".to_owned()
            };
            run.record.notes = vec![problem]; // a run without input fails by its notes
            run.save()?;
        }
        durable::remove(claimed)?;
        Ok(true)
    }

    fn too_large(&self, bytes: u64) -> String {
        format!(
            "The file has {bytes} bytes, more than the {} that are allowed (inbox.max_bytes). Split it into smaller files.",
            self.max_bytes
        )
    }

    /// The hashes of what was acted on before.
    fn known_contents(&self) -> anyhow::Result<BTreeSet<String>> {
        // Rows that were split off were not dropped like that: the same rows alone are another content.
        let dropped = Run::all(&self.runs)?.0.into_iter();
        let dropped = dropped.filter(|run| run.record.dropped && run.record.split_from.is_none());
        Ok(dropped.filter_map(|run| run.record.input_sha256).collect())
    }

    /// Copies a file of a read-only inbox into a new run, unless its content was acted on before.
    fn remember(
        &self,
        path: &Path,
        look: Look,
        now: DateTime<Utc>,
        known: &mut BTreeSet<String>,
    ) -> anyhow::Result<Claim> {
        if look.size > self.max_bytes {
            return Ok(Claim::NotTaken(self.too_large(look.size)));
        }
        let bytes = read_limited(path, self.max_bytes)?;
        let hash = sha256(&bytes);
        if !known.insert(hash.clone()) {
            return Ok(Claim::Nothing);
        }
        let mut run = Run::create(&self.runs, &name(path), true, now)?;
        run.write("input.csv", &bytes)?;
        run.record.input_sha256 = Some(hash);
        run.save()?;
        Ok(Claim::Run(Box::new(run)))
    }

    /// Finishes what a crash cut off between making a run and removing its claimed file. What cannot be finished now is
    /// tried again at the next look, and never blocks the rest.
    pub(crate) fn recover(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let mut failed = FirstError::default();
        let mut note = |id: &str, result: anyhow::Result<()>| {
            if let Err(error) = result {
                failed.note(error.context(format!("the file of run {id} could not be taken")));
            }
        };
        for mut run in Run::all(&self.runs)?.0.into_iter().filter(Run::is_open) {
            let recovered = self.recover_run(&mut run);
            note(&run.record.id, recovered);
        }
        if !self.read_only && self.folder.is_dir() {
            for entry in fs_err::read_dir(&self.folder)? {
                let path = entry?.path();
                let Some(id) = claim_of(&path).filter(|id| !self.runs.join(id).join("run.json").exists())
                else {
                    continue;
                };
                // Its run's folder is gone: somebody removed it. The file is not lost by that.
                let record = RunRecord::new(id.clone(), &format!("{id}.csv"), true, now);
                note(&id, Run::create_as(&self.runs, record).and_then(|mut run| self.recover_run(&mut run)));
            }
        }
        failed.or(())
    }

    fn recover_run(&self, run: &mut Run) -> anyhow::Result<()> {
        let claimed = self.claimed(&run.record.id);
        let has_input = run.path("input.csv").exists();
        match claimed.symlink_metadata() {
            Ok(_) if looked_at(run) => durable::remove(&claimed)?,
            Ok(metadata) => {
                info!(run = %run.record.id, "claimed before a crash: taken up again");
                self.copy(run, &claimed, Look::at(&metadata))?;
            }
            // The run was made, and the crash came before the rename: the file is still in the inbox.
            Err(_) if !has_input && !looked_at(run) && run.record.state == RunState::Planned => {
                fs_err::remove_dir_all(&run.folder)?;
            }
            Err(_) if has_input && run.record.input_sha256.is_none() => {
                run.record.input_sha256 = Some(sha256(&run.read("input.csv")?));
                run.save()?;
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// The run's file is claimed and not yet looked at: the run cannot go on.
    pub(crate) fn awaits_file(&self, run: &Run) -> bool {
        !looked_at(run) && self.claimed(&run.record.id).symlink_metadata().is_ok()
    }

    /// The run's file may still be here, and only the run keeps it from being taken again.
    pub(crate) fn may_have_file_of(&self, id: &str) -> bool {
        self.read_only || self.claimed(id).symlink_metadata().is_ok()
    }

    fn claimed(&self, id: &str) -> PathBuf {
        self.folder.join(format!(".{id}.claimed"))
    }
}

fn looked_at(run: &Run) -> bool {
    run.record.input_sha256.is_some() || !run.record.notes.is_empty()
}

fn claim_of(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    Some(file.strip_prefix('.')?.strip_suffix(".claimed")?.to_owned())
}

fn read_limited(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs_err::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= limit,
        "{} grew over {limit} bytes while it was read",
        path.display()
    );
    Ok(bytes)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
