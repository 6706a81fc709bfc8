//! Files that are not taken: whoever dropped one reads why beside the answers, once for each reason.
//!
//! `not_taken.json` in `data.dir` says which files these are, so that nothing is decided by what lies among the answers.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::change::answer_folders::has_no_place;
use crate::change::answer_folders::place::{self, STATUS};
use crate::change::answer_place::Place;
use crate::change::inbox::NotTaken;
use crate::change::run::Owed;
use crate::change::services::Services;
use crate::files;
use crate::files::versioned_json::{self, Kind, Loaded};
use crate::text::clean::visible;
use crate::text::edge;

pub(crate) const FILE: Kind = Kind {
    name: "not_taken.json",
    version: 1,
    without: "the reasons why files are not taken are written once more",
    limit: files::ROWS,
};

/// An answer is a folder and a synced file: thousands of them in one pass would keep everything else waiting.
const SAID_AT_ONCE: usize = 200;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    files: BTreeMap<String, LeftFile>,
}

/// A file in the inbox that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftFile {
    pub reason: String,
    /// The answer could not be written yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

/// The files that were not taken, as far as they are known.
pub(crate) fn not_taken_files(data_dir: &Path) -> BTreeMap<String, LeftFile> {
    load(data_dir).files
}

/// Says why to whoever dropped something that is not taken, once for each reason.
pub(crate) fn not_taken(services: &Services<'_>, left: &[NotTaken]) {
    if left.is_empty() {
        return;
    }
    update(services, |record| {
        let is_said =
            |not: &&NotTaken| record.files.get(&not.file).is_some_and(|known| known.reason == not.reason);
        let unsaid: Vec<&NotTaken> = left.iter().filter(|not| !is_said(not)).collect();
        let later = unsaid.len().saturating_sub(SAID_AT_ONCE);
        if later > 0 {
            warn!(files = later, "more files are not taken: the next passes say why");
        }
        for not in unsaid.into_iter().take(SAID_AT_ONCE) {
            warn!(file = %not.file, reason = %not.reason, "not taken");
            let owed = answer(services, &not.file, &not.reason, None);
            record.files.insert(not.file.clone(), LeftFile { reason: not.reason.clone(), owed });
        }
    });
}

/// Tries again what could not be written before.
pub(super) fn deliver_owed(services: &Services<'_>) {
    if !load(&services.config.data.dir).files.values().any(|left| left.owed.is_some()) {
        return;
    }
    update(services, |record| {
        for (file, left) in record.files.iter_mut().filter(|(_, left)| left.owed.is_some()) {
            left.owed = answer(services, file, &left.reason, left.owed.take());
        }
    });
}

/// Changes the record; what is no longer in the inbox leaves it.
fn update(services: &Services<'_>, change: impl FnOnce(&mut Record)) {
    let data_dir = &services.config.data.dir;
    let taken = versioned_json::read_or_set_aside(data_dir, &FILE, services.now());
    let mut record: Record = match taken {
        Ok(Loaded::Known(record)) => record,
        Ok(Loaded::Missing | Loaded::SetAside) => Record::default(),
        Err(_) => return, // `own_files` reports it; a newer format stays as it is
    };
    let before = record.files.clone();
    let inbox = services.config.inbox_dir();
    // By the names as they are shown: those that are no UTF-8 cannot be asked for by them.
    if let Ok(entries) = fs_err::read_dir(inbox) {
        let names: HashSet<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        record.files.retain(|file, _| names.contains(file));
    }
    change(&mut record);
    if record.files == before {
        return;
    }
    let saved = versioned_json::save(data_dir, &FILE, &record);
    if let Err(error) = saved {
        warn!(error = format!("{error:#}"), "which files are not taken cannot be remembered");
    }
}

/// Without it the reasons are said once more.
fn load(data_dir: &Path) -> Record {
    versioned_json::read(data_dir, &FILE).ok().flatten().unwrap_or_default()
}

/// Writes the answer to one file; else why it is owed.
fn answer(services: &Services<'_>, file: &str, reason: &str, before: Option<Owed>) -> Option<Owed> {
    if has_no_place(services.config) {
        return None;
    }
    let written = (|| {
        let answers = Place::configured(services.config).open(&services.config.data.dir)?;
        let mut claims = services.answer_folders.claims(services.config)?;
        let folder = claims
            .get()
            .choose_for_file(file, |name| place::is_free_or_folder(&answers, name))?
            .context("all folders of this name are taken")?;
        let text = format!("{}: not taken\n\n{reason}\n", visible(file));
        place::put(&answers, &folder, &[(STATUS, edge::lines(&text).into_owned().into_bytes())])?;
        anyhow::Ok(())
    })();
    let error = format!("{:#}", written.err()?);
    if before.as_ref().is_none_or(|before| before.error != error) {
        warn!(%file, error, "the answer cannot be written to inbox.answers_dir");
    }
    Some(Owed { since: before.map_or_else(|| services.now(), |before| before.since), error })
}
