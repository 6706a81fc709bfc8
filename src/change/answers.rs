//! Writes a run's answers where the person who dropped the file looks: a folder with the dropped file's name in `inbox.answers_dir`.
//!
//! Others may write there, so nothing is followed or waited for, and nothing is decided by what lies there: a run's record
//! says which folder is its own and whether its answers are in it. A set of answers is written beside the old one and takes
//! its place whole, so that files of two runs never lie side by side. What cannot be written never stops a run: it is owed,
//! named by `status`, and tried again at every later scan of the inbox.

mod not_taken;
mod status;

use std::collections::BTreeSet;
use std::ffi::OsStr;

use tracing::{info, warn};

pub(crate) use self::not_taken::{FILE as NOT_TAKEN, not_taken, not_taken_files};
use super::answer_folders::claims::Claims;
use super::answer_folders::place::{FILES, STATUS};
use super::answer_folders::{has_no_place, place};
use super::answer_place::Place;
use crate::change::run::{Answers, Owed, Run, RunRecord};
use crate::change::services::Services;
use crate::change::summary::{RunSummary, summarize_for_display};
use crate::config::Config;
use crate::files;
use crate::files::csv_cell::with_bom;
use crate::files::read_if_there;
use crate::text::edge;

/// Puts the answers of a run where the dropper looks, and notes in its record, which the caller saves, whether they are
/// there.
pub(crate) fn deliver(services: &Services<'_>, run: &mut Run, summary: &RunSummary) {
    if has_no_place(services.config) {
        return;
    }
    let before = run.record.answers.clone();
    let owed_before = before.as_ref().and_then(|answers| answers.owed.clone());
    let place_before = before.as_ref().and_then(|answers| answers.place.clone());
    let (folder, turn, written) = match services.answer_folders.claims(services.config) {
        Ok(mut claims) => {
            let (folder, written) = write(services.config, run, summary, claims.get());
            let turn = claims.get().note(&run.record, &folder, summary.state, written.is_err());
            (folder, turn, written)
        }
        Err(error) => {
            let first = || (place::folder_name(&run.record, 1), 0);
            let (folder, turn) = before.map_or_else(first, |answers| (answers.folder, answers.turn));
            (folder, turn, Err(error))
        }
    };
    let (place, owed) = match written {
        Ok(place) => {
            if owed_before.is_some() {
                info!(run = %run.record.id, folder, "missing answers have been written");
            }
            (Some(place.for_record(&services.config.data.dir)), None)
        }
        Err(error) => {
            let error = format!("{error:#}");
            if owed_before.as_ref().is_none_or(|before| before.error != error) {
                let hint =
                    "they are tried again at every scan of the inbox; the run's own folder has them too";
                warn!(run = %run.record.id, error, hint, "the answers cannot be written to inbox.answers_dir");
            }
            let since = owed_before.map_or_else(|| services.now(), |before| before.since);
            (place_before, Some(Owed { since, error }))
        }
    };
    run.record.answers = Some(Answers { folder, turn, place, owed });
}

/// Writes a set, and says into which folder of which place.
fn write(
    config: &Config,
    run: &Run,
    summary: &RunSummary,
    claims: &Claims,
) -> (String, anyhow::Result<Place>) {
    // Whoever dropped the file looks where its first answers are, also after the configuration names another place.
    if let Some(earlier) = earlier_place(config, &run.record) {
        match write_into(&earlier, config, run, summary, claims) {
            Ok(folder) => return (folder, Ok(earlier)),
            Err(error) => {
                let (error, place) = (format!("{error:#}"), earlier.path().display().to_string());
                warn!(run = %run.record.id, error, place, "earlier answers cannot be replaced: the new ones go to inbox.answers_dir");
            }
        }
    }
    let configured = Place::configured(config);
    match write_into(&configured, config, run, summary, claims) {
        Ok(folder) => (folder, Ok(configured)),
        Err(error) => {
            let wished = claims.choose(&run.record, |_| Ok(true));
            (wished.unwrap_or_else(|_| place::folder_name(&run.record, 1)), Err(error))
        }
    }
}

/// Where the answers of a run lie, if that is not the place that is configured now.
fn earlier_place(config: &Config, record: &RunRecord) -> Option<Place> {
    let answers = record.answers.as_ref()?;
    let earlier = answers.place.as_ref()?.in_data(&config.data.dir);
    (earlier != Place::configured(config) && earlier.has_file(&answers.folder, STATUS)).then_some(earlier)
}

fn write_into(
    place: &Place,
    config: &Config,
    run: &Run,
    summary: &RunSummary,
    claims: &Claims,
) -> anyhow::Result<String> {
    let record = &run.record;
    let answers = place.open(&config.data.dir)?;
    let folder = claims.choose(record, |name| place::is_free_or_folder(&answers, name))?;
    let mut files = vec![(
        STATUS,
        edge::lines(&status::status(summary, config.schedule.timezone, config.guard.expire))
            .into_owned()
            .into_bytes(),
    )];
    for name in FILES {
        files.extend(read_if_there(&run.path(name), files::ROWS)?.map(|bytes| (name, with_bom(bytes))));
    }
    place::put(&answers, &folder, &files)?;
    Ok(folder)
}

/// Tries again what could not be written before: the answers of these runs, and those to files that were not taken.
pub(crate) fn deliver_owed(services: &Services<'_>, owed: &BTreeSet<String>) {
    services.answer_folders.sweep_once(services.config);
    for id in owed {
        if let Err(error) = deliver_again(services, id) {
            warn!(run = %id, error = format!("{error:#}"), "the answers of a run cannot be written");
        }
    }
    not_taken::deliver_owed(services);
}

fn deliver_again(services: &Services<'_>, id: &str) -> anyhow::Result<()> {
    let mut run = Run::open(services.runs(), id)?;
    if !run.owes_answers() {
        return Ok(()); // they were written since
    }
    let before = run.record.answers.clone();
    let summary = summarize_for_display(&run)?;
    deliver(services, &mut run, &summary);
    if run.record.answers == before { Ok(()) } else { run.save() }
}

/// Removes a run's answers, unless their folder is that of a later file by now. While their share is not mounted, nothing is
/// removed.
pub(crate) fn remove(services: &Services<'_>, record: &RunRecord) -> anyhow::Result<()> {
    if has_no_place(services.config) || !record.dropped {
        return Ok(());
    }
    let configured = Place::configured(services.config);
    let place = record.answers.as_ref().and_then(|answers| answers.place.as_ref());
    let place = place.map_or_else(|| configured.clone(), |place| place.in_data(&services.config.data.dir));
    // A share that the configuration no longer names may never come back.
    if place == configured {
        place.check_mount(&services.config.data.dir)?;
    }
    let mut claims = services.answer_folders.claims(services.config)?;
    let gone = claims.get().forget(&record.id);
    drop(claims);
    let Some(folder) = gone else { return Ok(()) };
    match place.open_existing()? {
        Some(answers) => Ok(place::clear(&answers, OsStr::new(&folder))?),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
