//! How a file becomes a run's, so that a crash anywhere neither loses it nor runs it twice.
//!
//! 1. The file is opened, and the open file is looked at.
//! 2. The run's folder is made.
//! 3. The file is renamed to `.INSTANCE~RUN.claimed` inside the inbox, as `run.json` already says; what then has that name must
//!    be the open file.
//! 4. The open file is copied into the run's folder, and `run.json` remembers which file it was.
//! 5. The claimed file stays until the run comes to rest for the first time (done, failed, held or waiting for its time): a
//!    program that still has it open may write on, which is said then. Then it is removed, if it still is that file.
//!
//! How a run finds its file again is in `recovery`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::ErrorKind;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::unfit::{TRIED_AGAIN, sentence};
use super::{Fingerprint, NotTaken, OpenInbox, SettledFiles, shown_name};
use crate::change::codes::RunState;
use crate::change::run::id::is_id_of_file;
use crate::change::run::{Claimed, Run, RunRecord};
use crate::files;
use crate::files::folder::{Links, OpenFile, Unfit, is_done};
use crate::files::owner::Owner;
use crate::files::read_if_there;
use crate::files::sha256;

/// What came of one settled file.
#[derive(Debug)]
pub(crate) enum Claim {
    Run(Box<Run>),
    /// Nothing for now: somebody still writes it, or (in a read-only inbox) its content was acted on before.
    Nothing,
    NotTaken(NotTaken),
    /// The same, for a reason that whoever runs quotakeeper must know too.
    Failed(NotTaken, anyhow::Error),
}

fn not_taken(name: &OsStr, reason: String) -> Claim {
    Claim::NotTaken(untaken(name, reason))
}

fn unfit_to_take(name: &OsStr, unfit: Unfit) -> Claim {
    let reason = sentence(&unfit);
    match unfit {
        Unfit::Io(error) if error.kind() != ErrorKind::PermissionDenied => {
            Claim::Failed(untaken(name, reason), error.into())
        }
        _ => not_taken(name, reason),
    }
}

fn untaken(name: &OsStr, reason: String) -> NotTaken {
    NotTaken { file: shown_name(name), reason }
}

/// What a claimed file holds that was written on after it was copied, kept in the run's folder.
const LATER: &str = "input-later.csv";

impl OpenInbox {
    /// Claims the next of the settled files; none when all were.
    pub(crate) fn claim_next(
        &self,
        settled: &mut SettledFiles,
        now: DateTime<Utc>,
    ) -> Option<anyhow::Result<Claim>> {
        let (name, fingerprint) = settled.files.pop_front()?;
        let claim = if self.settings.read_only {
            self.remember(&name, fingerprint, now, &mut settled.acted_on_hashes)
        } else {
            self.claim(&name, fingerprint, now)
        };
        let named = |error: anyhow::Error| error.context(format!("{} could not be taken", shown_name(&name)));
        Some(match claim {
            Ok(Claim::Failed(not, error)) => Ok(Claim::Failed(not, named(error))),
            claim => claim.map_err(named),
        })
    }

    /// Claims one settled file for a new run.
    pub(super) fn claim(
        &self,
        name: &OsStr,
        fingerprint: Fingerprint,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Claim> {
        let file = match self.folder.open_file(name, Links::Refused) {
            Ok(file) => file,
            Err(Unfit::Missing) => return Ok(Claim::Nothing),
            Err(unfit) => return Ok(unfit_to_take(name, unfit)),
        };
        if Fingerprint::from_stat(&file.stat) != fingerprint {
            return Ok(Claim::Nothing); // another file by now
        }
        let mut run = Run::create(&self.settings.runs, now, &shown_name(name), |record| RunRecord {
            claim: self.path_of(&self.claim_name(&record.id)),
            ..record
        })?;
        let claimed = self.claim_name(&run.record.id);
        match self.folder.rename_to_free(name, &claimed) {
            Ok(true) => {}
            Ok(false) => {
                // Somebody else made that name; the next look has another.
                Run::remove(&self.settings.runs, &run.record.id)?;
                return Ok(not_taken(name, is_in_the_way(&claimed)));
            }
            // What an error leaves in doubt is looked at: a network mount may have done what it says it did not.
            Err(error) if is_done(&error) || self.is_inode(&claimed, fingerprint.inode) => {
                warn!(run = %run.record.id, %error, "claimed, though the inbox reports an error");
            }
            Err(error) => {
                Run::remove(&self.settings.runs, &run.record.id)?; // nothing was claimed into it
                return Ok(match error.kind() {
                    ErrorKind::NotFound => Claim::Nothing,
                    ErrorKind::ResourceBusy => not_taken(name, is_a_mount(&error)),
                    _ => Claim::Failed(untaken(name, cannot_be_moved(&error)), error.into()),
                });
            }
        }
        info!(run = %run.record.id, file = %run.record.file, "claimed");
        if self.is_inode(&claimed, fingerprint.inode) && self.copy(&mut run, &file, fingerprint)? {
            return Ok(Claim::Run(Box::new(run)));
        }
        // It is being written, or it is another file: back to where it was, if nothing else is there by now.
        if self
            .folder
            .rename_to_free(&claimed, name)
            .or_else(|error| if is_done(&error) { Ok(true) } else { Err(error) })?
        {
            Run::remove(&self.settings.runs, &run.record.id)?;
        }
        Ok(Claim::Nothing)
    }

    /// Copies a claimed file into its run. What is too large fails the run. False, and nothing is copied, if its fingerprint
    /// changed: a program that has it open still writes it.
    pub(super) fn copy(
        &self,
        run: &mut Run,
        file: &OpenFile,
        fingerprint: Fingerprint,
    ) -> anyhow::Result<bool> {
        match file.read(self.settings.max_bytes) {
            Ok(bytes) => {
                if !fingerprint.is_renamed(&Fingerprint::from_stat(&file.stat()?)) {
                    info!(run = %run.record.id, file = %run.record.file, "still being written: left for the next pass");
                    return Ok(false);
                }
                run.write("input.csv", &bytes)?;
                run.record.input_sha256 = Some(sha256(&bytes));
            }
            // A run without input fails by its notes.
            Err(unfit @ Unfit::TooLarge { .. }) => {
                run.record.notes = vec![self.too_large(fingerprint.bytes, &unfit)];
            }
            Err(unfit) => anyhow::bail!(unfit),
        }
        run.record.dropped_by = Some(Owner::from_uid(file.stat.st_uid));
        run.record.claimed = Some(Claimed {
            inode: fingerprint.inode,
            bytes: fingerprint.bytes,
            modified: fingerprint.modified,
        });
        run.save()?;
        Ok(true)
    }

    fn too_large(&self, bytes: u64, unfit: &Unfit) -> String {
        if bytes <= self.settings.max_bytes {
            return sentence(unfit); // it grew while it was read
        }
        format!(
            "The file has {bytes} bytes, more than the {} that are allowed (inbox.max_bytes). Split it into smaller files.",
            self.settings.max_bytes
        )
    }

    /// The hashes of what was acted on before. Of a run that cannot be read, what it was made of says so; else nothing is
    /// taken, lest something be done twice.
    pub(super) fn known_contents(&self) -> anyhow::Result<BTreeSet<String>> {
        let (runs, unreadable) = Run::list(&self.settings.runs)?;
        // Rows that were split off were not dropped like that: the same rows alone are another content.
        let dropped = runs.into_iter().filter(|run| run.record.dropped && run.record.split_from.is_none());
        let mut known: BTreeSet<String> = dropped.filter_map(|run| run.record.input_sha256).collect();
        for run in unreadable.iter().filter(|run| is_id_of_file(&run.id)) {
            let input = read_if_there(&self.settings.runs.join(&run.id).join("input.csv"), files::ROWS);
            let input = input.with_context(|| format!("run {} cannot be read", run.id))?;
            known.extend(input.map(|bytes| sha256(&bytes)));
        }
        Ok(known)
    }

    /// Copies a file of a read-only inbox into a new run, unless its content was acted on before.
    fn remember(
        &self,
        name: &OsStr,
        fingerprint: Fingerprint,
        now: DateTime<Utc>,
        known: &mut BTreeSet<String>,
    ) -> anyhow::Result<Claim> {
        let file = match self.folder.open_file(name, Links::Within) {
            Ok(file) => file,
            Err(Unfit::Missing) => return Ok(Claim::Nothing),
            Err(unfit) => return Ok(unfit_to_take(name, unfit)),
        };
        if Fingerprint::from_stat(&file.stat) != fingerprint {
            return Ok(Claim::Nothing);
        }
        let bytes = match file.read(self.settings.max_bytes) {
            Ok(bytes) => bytes,
            Err(unfit @ Unfit::TooLarge { .. }) => {
                return Ok(not_taken(name, self.too_large(fingerprint.bytes, &unfit)));
            }
            Err(unfit) => return Ok(unfit_to_take(name, unfit)),
        };
        let hash = sha256(&bytes);
        if !known.insert(hash.clone()) {
            return Ok(Claim::Nothing);
        }
        let mut run = Run::create(&self.settings.runs, now, &shown_name(name), |record| record)?;
        run.write("input.csv", &bytes)?;
        run.record.input_sha256 = Some(hash);
        run.record.dropped_by = Some(Owner::from_uid(file.stat.st_uid));
        run.save()?;
        Ok(Claim::Run(Box::new(run)))
    }

    /// What to say if the file was written on after it was copied. What it holds now is kept in the run's folder.
    pub(crate) fn written_since(&self, run: &Run) -> anyhow::Result<Option<String>> {
        let (Some(was), Some(_)) = (run.record.claimed, &run.record.input_sha256) else { return Ok(None) };
        let place = self.locate_claim(&run.record);
        let file = match place.inbox().folder.open_file(&place.name, Links::Refused) {
            Ok(file) if file.stat.st_ino == was.inode => file,
            _ => return Ok(None), // gone, or somebody put another there: it says nothing of the one that was copied
        };
        let is = Fingerprint::from_stat(&file.stat);
        if (is.bytes, is.modified) == (was.bytes, was.modified) {
            return Ok(None);
        }
        let kept = match file.read(self.settings.max_bytes) {
            Ok(bytes) => {
                run.write(LATER, &bytes)?;
                format!(" Its later contents are in {LATER} in the run's folder.")
            }
            Err(_) => String::new(),
        };
        warn!(run = %run.record.id, file = %run.record.file, before = was.bytes, now = is.bytes, "the file was changed after it was taken");
        Ok(Some(format!(
            "This file was still being written when it was taken: it had {} bytes then, and {} later. Only the first {} were \
             read.{kept} Drop the whole file again under a new name. Upload under a hidden name, or one that ends in .part, and \
             rename the file when it is complete.",
            was.bytes, is.bytes, was.bytes
        )))
    }

    /// Removes the claimed file of a run that came to rest, if it still is the one that was claimed.
    pub(crate) fn release(&self, run: &Run) -> anyhow::Result<()> {
        let place = self.locate_claim(&run.record);
        let (inbox, name) = (place.inbox(), &place.name);
        match run.record.claimed {
            _ if self.settings.read_only => {}
            // One that a power cut brings back is removed by the next pass.
            Some(was) if inbox.is_inode(name, was.inode) => drop(inbox.folder.drop_name(name)?),
            _ if inbox.folder.stat(name)?.is_some() => {
                self.leave(name, "it is not the file that was claimed");
            }
            _ => {}
        }
        Ok(())
    }

    /// The run's file is claimed and not yet read: the run cannot go on.
    pub(crate) fn awaits_file(&self, run: &Run) -> bool {
        !is_read(run) && self.is_claimed(&run.record)
    }

    /// The run's file may still be here, and only the run keeps it from being taken again.
    pub(crate) fn may_have_file_of(&self, record: &RunRecord) -> bool {
        self.settings.read_only || self.is_claimed(record)
    }

    fn is_claimed(&self, record: &RunRecord) -> bool {
        let place = self.locate_claim(record);
        !matches!(place.inbox().folder.stat(&place.name), Ok(None))
    }

    fn is_inode(&self, name: &OsStr, inode: u64) -> bool {
        matches!(self.folder.stat(name), Ok(Some(stat)) if stat.st_ino == inode)
    }
}

fn is_in_the_way(claimed: &OsStr) -> String {
    format!(
        "This file must wait: a hidden file in this folder, {}, has the name that quotakeeper gives it while reading it. \
         quotakeeper retries with another name; if this persists, remove the hidden files that you do not know.",
        shown_name(claimed)
    )
}

fn is_a_mount(error: &std::io::Error) -> String {
    format!(
        "This file is a mount of its own, so it cannot be moved out of the inbox ({error}). Mount its folder instead, or set \
         inbox.read_only = true."
    )
}

fn cannot_be_moved(error: &std::io::Error) -> String {
    let what_helps = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Make the folder writable for quotakeeper, or set inbox.read_only = true."
        }
        _ => TRIED_AGAIN,
    };
    format!("This file cannot be taken out of the inbox ({error}). {what_helps}")
}

/// The run came to rest, if only for now: its file is not read again.
pub(super) fn is_settled(state: RunState) -> bool {
    !matches!(state, RunState::Planned | RunState::Applying)
}

/// The file was read, or a note says why not.
pub(crate) fn is_read(run: &Run) -> bool {
    run.record.input_sha256.is_some() || !run.record.notes.is_empty()
}
