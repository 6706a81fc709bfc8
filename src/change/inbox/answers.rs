//! Puts a run's answers where the dropper looks: a folder with the dropped file's name in `inbox.answers_dir`.
//!
//! Others may write there, so nothing is followed or waited for, and nothing is decided by what lies there: a run's record
//! says which folder is its own and whether its answers are in it. A set of answers is written beside the old one and takes
//! its place whole, so that files of two runs never lie side by side. What cannot be written never stops a run: it is owed,
//! named by `status`, and tried again with every later look into the inbox.

mod claims;
mod not_taken;
mod place;
mod status;

use std::ffi::OsStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tracing::{debug, info, warn};

use self::claims::Claims;
pub(crate) use self::not_taken::{FILE as NOT_TAKEN, not_taken, not_taken_files};
use crate::app::App;
use crate::change::RunStory;
use crate::change::run::{Answers, Owed, Run, RunRecord};
use crate::change::summary::shown;
use crate::files::read_if_there;
use crate::text::edge;

/// What a set may consist of, beside `status.txt`.
const FILES: [&str; 4] = ["plan.csv", "success.csv", "error.csv", "undo.csv"];
const STATUS: &str = "status.txt";

/// Which folder is whose, as the runs' records say. Read once: only the holder of the lock changes it.
#[derive(Debug, Default)]
pub(crate) struct Folders(Mutex<Option<Claims>>);

impl Folders {
    fn claims(&self, app: &App) -> anyhow::Result<ClaimsGuard<'_>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(Claims::of(Run::all(&app.runs())?));
            // The first to look after a start finds what a kill left.
            if let Err(error) = place::sweep(app) {
                debug!(%error, "inbox.answers_dir could not be swept");
            }
        }
        let mut known = ClaimsGuard(known);
        known.get().read_again(|id| Run::open(&app.runs(), id));
        Ok(known)
    }
}

/// The claims, read.
struct ClaimsGuard<'f>(MutexGuard<'f, Option<Claims>>);

impl ClaimsGuard<'_> {
    fn get(&mut self) -> &mut Claims {
        self.0.get_or_insert_default()
    }
}

/// Puts the answers of a run where the dropper looks, and notes in its record, which the caller saves, whether they are
/// there.
pub(crate) fn deliver(app: &App, run: &mut Run, story: &RunStory, now: DateTime<Utc>) {
    if has_no_place(app) {
        return;
    }
    let before = run.record.answers.clone();
    let owed_before = before.as_ref().and_then(|answers| answers.owed.clone());
    let (folder, written) = match app.answer_folders.claims(app) {
        Ok(mut claims) => {
            let (folder, written) = write(app, run, story, claims.get());
            claims.get().note(&run.record, &folder, story.state, written.is_err());
            (folder, written)
        }
        Err(error) => {
            let folder = before.map_or_else(|| place::name(&run.record, 1), |answers| answers.folder);
            (folder, Err(error))
        }
    };
    let owed = match written {
        Ok(()) => {
            if owed_before.is_some() {
                info!(run = %run.record.id, folder, "the answers that were owed are written");
            }
            None
        }
        Err(error) => {
            let error = format!("{error:#}");
            if owed_before.as_ref().is_none_or(|before| before.error != error) {
                let hint =
                    "they are tried again with every look into the inbox; the run's own folder has them too";
                warn!(run = %run.record.id, error, hint, "the answers cannot be written to inbox.answers_dir");
            }
            Some(Owed { since: owed_before.map_or(now, |before| before.since), error })
        }
    };
    run.record.answers = Some(Answers { folder, owed });
}

/// Writes a set, and says into which folder.
fn write(app: &App, run: &Run, story: &RunStory, claims: &Claims) -> (String, anyhow::Result<()>) {
    let record = &run.record;
    let wished = claims.choose(record, |_| Ok(true)).unwrap_or_else(|_| place::name(record, 1));
    let written = (|| {
        let answers = place::open(app)?;
        let folder = claims.choose(record, |name| place::is_free_or_folder(&answers, name))?;
        let mut files = vec![(
            STATUS,
            edge::lines(&status::status(story, &app.edition(story.at))).into_owned().into_bytes(),
        )];
        for name in FILES {
            files.extend(read_if_there(&run.path(name))?.map(|bytes| (name, bytes)));
        }
        place::put(&answers, &folder, &files)?;
        anyhow::Ok(folder)
    })();
    match written {
        Ok(folder) => (folder, Ok(())),
        Err(error) => (wished, Err(error)),
    }
}

/// Tries again what could not be written before.
pub(crate) fn deliver_owed(app: &App, now: DateTime<Utc>) {
    let owed = match app.answer_folders.claims(app) {
        Ok(mut claims) => claims.get().owed(),
        Err(error) => return warn!(error = format!("{error:#}"), "which answers are owed is not known"),
    };
    for id in owed {
        if let Err(error) = deliver_again(app, &id, now) {
            warn!(run = %id, error = format!("{error:#}"), "the answers of a run cannot be written");
        }
    }
    not_taken::deliver_owed(app, now);
}

fn deliver_again(app: &App, id: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut run = Run::open(&app.runs(), id)?;
    let before = run.record.answers.clone();
    let story = shown(&run)?;
    deliver(app, &mut run, &story, now);
    if run.record.answers == before { Ok(()) } else { run.save() }
}

/// Removes a run's answers, unless their folder is that of a later file by now.
pub(crate) fn remove(app: &App, record: &RunRecord) -> anyhow::Result<()> {
    if has_no_place(app) || !record.dropped {
        return Ok(());
    }
    let mut claims = app.answer_folders.claims(app)?;
    let gone = claims.get().forget(&record.id);
    drop(claims);
    let Some(folder) = gone else { return Ok(()) };
    match place::open_existing(app)? {
        Some(answers) => Ok(place::clear(&answers, OsStr::new(&folder))?),
        None => Ok(()),
    }
}

/// Below a read-only inbox nothing can be written.
fn has_no_place(app: &App) -> bool {
    app.config.inbox.read_only && app.config.inbox.answers_dir.is_none()
}

#[cfg(test)]
mod tests;
