//! How a run finds its file again after a crash, even if the inbox is now another folder.
//!
//! A run that was made but never got its file finds it under its own name. A claimed name counts only if quotakeeper can have made
//! it, and if it is not another one's; everything else that is hidden in the inbox is left alone.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::info;

use super::claim::{is_read, is_settled};
use super::unfit::sentence;
use super::{Fingerprint, Inbox, OpenInbox};
use crate::change::codes::RunState;
use crate::change::run::id::{is_id_of_file, time_of_file};
use crate::change::run::{Run, RunRecord};
use crate::files::folder::{Folder, Links, Unfit};
use crate::files::sha256;
use crate::first_error::FirstError;

/// Files of one name that come together are claimed for one second after the other. A claim that is further ahead, and whose
/// run nobody made, is a name that somebody else made up.
const FARTHEST_AHEAD: TimeDelta = TimeDelta::days(1);

/// What the name of a claimed file says: `.INSTANCE~RUN.claimed`, without an instance where an earlier version made it.
#[derive(Clone, Copy)]
struct ClaimName<'a> {
    instance: Option<&'a str>,
    run: &'a str,
}

impl<'a> ClaimName<'a> {
    /// None where quotakeeper cannot have made it.
    fn read(name: &'a OsStr) -> Option<Self> {
        let stem = name.to_str()?.strip_prefix('.')?.strip_suffix(".claimed")?;
        let (instance, run) =
            stem.split_once('~').map_or((None, stem), |(instance, run)| (Some(instance), run));
        is_id_of_file(run).then_some(Self { instance, run })
    }
}

/// Where the file of a run is, if it is claimed.
pub(super) struct Place<'i> {
    here: &'i OpenInbox,
    /// Another folder, which was the inbox when the file was claimed.
    elsewhere: Option<OpenInbox>,
    pub(super) name: OsString,
}

impl Place<'_> {
    pub(super) fn inbox(&self) -> &OpenInbox {
        self.elsewhere.as_ref().unwrap_or(self.here)
    }
}

impl OpenInbox {
    /// The name of a file that is claimed for a run.
    pub(super) fn claim_name(&self, run: &str) -> OsString {
        match &self.settings.instance {
            Some(instance) => format!(".{instance}~{run}.claimed").into(),
            None => format!(".{run}.claimed").into(),
        }
    }

    pub(super) fn path_of(&self, name: &OsStr) -> Option<PathBuf> {
        std::path::absolute(self.settings.folder.join(name)).ok()
    }

    /// Where the claimed file of a run is: here, also where the inbox was moved with all that is in it; else where it was claimed.
    pub(super) fn locate_claim(&self, record: &RunRecord) -> Place<'_> {
        let name = record.claim.as_ref().and_then(|claim| claim.file_name());
        let name = name.map_or_else(|| format!(".{}.claimed", record.id).into(), OsStr::to_owned);
        let is_in = |folder: &Folder| !matches!(folder.stat(&name), Ok(None));
        let elsewhere =
            record.claim.as_ref().and_then(|claim| claim.parent()).filter(|_| !is_in(&self.folder));
        let elsewhere = elsewhere.and_then(|folder| {
            let there = Folder::open(folder).ok().filter(is_in)?;
            let settings = Inbox { folder: folder.to_owned(), ..self.settings.clone() };
            Some(OpenInbox { settings, folder: there })
        });
        Place { here: self, elsewhere, name }
    }

    /// Whether there may be something to recover: one of these runs did not get its file, or something hidden lies here.
    pub(crate) fn is_to_recover(&self, runs: &[Run]) -> anyhow::Result<bool> {
        let is_hidden = |name: &OsString| name.as_encoded_bytes().starts_with(b".");
        let awaits_file = runs.iter().any(|run| run.is_open() && !is_read(run));
        Ok(awaits_file || !self.settings.read_only && self.folder.names()?.iter().any(is_hidden))
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
        for mut run in Run::list_unfinished(&self.settings.runs)?.runs.into_iter().filter(Run::is_open) {
            if !is_read(&run) {
                let recovered = self.recover_made(&mut run, now);
                note(&run.record.id, recovered);
            }
        }
        if self.settings.read_only {
            return failed.or(()); // nothing is claimed here
        }
        for name in self.folder.names()? {
            match ClaimName::read(&name) {
                Some(claim) => note(claim.run, self.recover_claim(claim, &name, now)),
                None if name.as_encoded_bytes().starts_with(b".") => {
                    self.leave(&name, "it is hidden, and quotakeeper did not make it");
                }
                None => {}
            }
        }
        failed.or(())
    }

    /// A run that was made, of which it is not known that it got its file.
    fn recover_made(&self, run: &mut Run, now: DateTime<Utc>) -> anyhow::Result<()> {
        let place = self.locate_claim(&run.record);
        if place.inbox().folder.stat(&place.name)?.is_some() {
            return match (&place.elsewhere, ClaimName::read(&place.name)) {
                (Some(there), Some(claim)) => there.recover_claim(claim, &place.name, now),
                _ => Ok(()), // its claim is taken up with the others that are here
            };
        }
        if fs_err::exists(run.path("input.csv"))? {
            run.record.input_sha256 = Some(sha256(&run.read("input.csv")?));
            run.save()?;
        } else if run.record.state == RunState::Planned {
            // The crash came before the rename: the file is still in the inbox.
            Run::remove(&self.settings.runs, &run.record.id)?;
        }
        Ok(())
    }

    fn recover_claim(&self, claim: ClaimName<'_>, name: &OsStr, now: DateTime<Utc>) -> anyhow::Result<()> {
        let id = claim.run;
        let is_known = fs_err::exists(self.settings.runs.join(id).join("run.json"))?;
        let known = if is_known { Some(Run::open(&self.settings.runs, id)?) } else { None };
        let is_its =
            |run: &Run| run.record.claim.as_ref().is_none_or(|claim| claim.file_name() == Some(name));
        if known.as_ref().is_some_and(|run| !is_its(run)) {
            self.leave(name, "it is not the file that was claimed");
            return Ok(());
        }
        if known.is_none() && claim.instance.is_some() && claim.instance != self.settings.instance.as_deref()
        {
            self.leave(
                name,
                "another quotakeeper took it (it has another data.dir, and should have another inbox)",
            );
            return Ok(());
        }
        if let Some(run) = known.as_ref().filter(|run| is_read(run) || !run.is_open()) {
            return if is_settled(run.record.state) { self.release(run) } else { Ok(()) };
        }
        if known.is_none() && time_of_file(id).is_none_or(|time| time - now > FARTHEST_AHEAD) {
            self.leave(name, "it is dated in the future, and quotakeeper did not make it");
            return Ok(());
        }
        let file = match (self.folder.open_file(name, Links::Refused), known.clone()) {
            (Ok(file), _) => file,
            (Err(Unfit::Missing), _) => return Ok(()),
            (Err(Unfit::Io(error)), _) => return Err(error.into()),
            (Err(unfit), Some(mut run)) => {
                run.record.notes = vec![sentence(&unfit)];
                run.save()?;
                self.leave(name, "it is not the file that was claimed");
                return Ok(());
            }
            (Err(_), None) => {
                self.leave(name, "it is not a file that was claimed");
                return Ok(());
            }
        };
        let mut run = if let Some(run) = known {
            run
        } else {
            // Its run's folder is gone: somebody removed it. The file is not lost by that.
            let record = RunRecord {
                claim: self.path_of(name),
                ..RunRecord::new(id.to_owned(), &format!("{id}.csv"), true, now)
            };
            Run::create_as(&self.settings.runs, record)?
        };
        info!(run = %run.record.id, "claimed before a crash: resumed");
        self.copy(&mut run, &file, Fingerprint::from_stat(&file.stat)).map(drop)
    }
}
