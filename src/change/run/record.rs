//! What `run.json` holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id;
use crate::change::answer_place::Place;
use crate::change::codes::{Code, RunState};
use crate::files::owner::Owner;
use crate::text::redact;
use crate::text::words::number;

/// The format of `run.json`. A newer one is refused, an older one is read.
pub(super) const VERSION: u32 = 1;

/// What `run.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub version: u32,
    pub id: String,
    /// The name of the dropped file.
    pub file: String,
    /// It came through the inbox, so its answers go back there.
    #[serde(default)]
    pub dropped: bool,
    /// Who owned the file that was dropped; none where it was not dropped, or by an earlier program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_by: Option<Owner>,
    /// Who gave the file to `apply`; none where it was dropped, or by an earlier program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<Owner>,
    /// The file that was claimed in the inbox, as it was when it was copied; it is kept there until the run settles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
    /// Where that file is while it is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<PathBuf>,
    pub state: RunState,
    pub created: DateTime<Utc>,
    /// When it came to its state.
    pub updated: DateTime<Utc>,
    /// SHA-256 of `input.csv`; none until it is copied.
    pub input_sha256: Option<String>,
    /// What `inbox.columns` said when the file was first planned: it means the same ever after. None until then, and where an
    /// earlier version planned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<BTreeMap<String, String>>,
    pub plan_sha256: Option<String>,
    /// SHA-256 of `plan.csv` as a file; two while one takes the place of the other, none where an earlier version wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_csv_sha256: Vec<String>,
    /// SHA-256 of `undo.csv`, by which a dropped undo is recognized.
    pub undo_sha256: Option<String>,
    /// The run that these held rows were split off from.
    pub split_from: Option<String>,
    /// The run that the held rows were split off into.
    pub held_as: Option<String>,
    /// When its rows take effect; none for now.
    #[serde(default)]
    pub due: Option<DateTime<Utc>>,
    /// How many decisions were acted on; each has a file of its own.
    #[serde(default)]
    pub decided: u32,
    /// The rows' numbers in the file that was dropped, where `input.csv` holds only some of them.
    pub rows: Option<Vec<usize>>,
    /// The request of a command that handed it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Where its answers are; none as long as it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// How many rows ended how: the values of `status` and `code`.
    #[serde(default)]
    pub counts: BTreeMap<String, usize>,
    /// Why it stands where it stands, each a full sentence. Errors are repeated in them: no secret is written with one.
    #[serde(default, serialize_with = "redact::each")]
    pub notes: Vec<String>,
    /// Nobody has been sent a mail about its state yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mail_due: bool,
    /// `inbox.apply` was false: nothing is sent of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned_only: bool,
    /// How long people had to decide, where it is rejected because nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_after: Option<String>,
}

/// What distinguishes a claimed file from any other, and whether it was written since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub inode: u64,
    pub bytes: u64,
    /// Seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
}

impl RunRecord {
    /// `dropped by ann (uid 1000), approved by root (uid 0), on nms-01`, as far as that is known; `started by …` where the
    /// command `apply` was given the file.
    pub(crate) fn people_text(&self) -> String {
        let Self { dropped_by, applied_by, approved_by, .. } = self;
        let name = |by: &Option<Owner>| by.as_ref().map(Owner::to_string);
        let people =
            [("dropped", name(dropped_by)), ("started", name(applied_by)), ("approved", approved_by.clone())];
        let known = people.into_iter().filter_map(|(what, by)| Some(format!("{what} by {}", by?)));
        known.collect::<Vec<_>>().join(", ")
    }

    /// A run at its beginning.
    pub(crate) fn new(id: String, file: &str, dropped: bool, now: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            id,
            file: file.to_owned(),
            dropped,
            dropped_by: None,
            applied_by: None,
            claimed: None,
            claim: None,
            state: RunState::Planned,
            created: now,
            updated: now,
            input_sha256: None,
            columns: None,
            plan_sha256: None,
            plan_csv_sha256: Vec::new(),
            undo_sha256: None,
            split_from: None,
            held_as: None,
            due: None,
            decided: 0,
            rows: None,
            request: None,
            approved_by: None,
            answers: None,
            counts: BTreeMap::new(),
            notes: Vec::new(),
            mail_due: false,
            planned_only: false,
            expired_after: None,
        }
    }

    /// The run for the held rows of this one. No file can be named so that its run gets this name.
    pub(crate) fn split_off(&self, now: DateTime<Utc>) -> Self {
        self.part(id::of_held(&self.id), now)
    }

    /// A run for some rows of this one.
    pub(crate) fn part(&self, id: String, now: DateTime<Utc>) -> Self {
        Self {
            split_from: Some(self.id.clone()),
            dropped_by: self.dropped_by.clone(),
            applied_by: self.applied_by.clone(),
            columns: self.columns.clone(),
            ..Self::new(id, &self.file, self.dropped, now)
        }
    }

    /// The run of the dropped file: itself, unless it was split off.
    pub(crate) fn root_id(&self) -> &str {
        id::root_of(&self.id)
    }

    /// How many of its rows ended without what they asked for. Those that a guard holds go on in a run of their own.
    pub(crate) fn failed_rows(&self) -> usize {
        let is_failed = |code: &str| code.parse().is_ok_and(|code: Code| code != Code::Held);
        self.counts.iter().filter(|(code, _)| is_failed(code)).map(|(_, count)| count).sum()
    }

    /// How its rows ended, for people: `3 applied, 1 refused`, in the words of the mails. The codes are for programs.
    pub(crate) fn counts_in_words(&self) -> String {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for (code, count) in &self.counts {
            let word = match code.parse() {
                Ok(
                    Code::BadRow
                    | Code::Duplicate
                    | Code::UnknownTarget
                    | Code::AmbiguousTarget
                    | Code::Stale,
                ) => "refused".to_owned(),
                Ok(Code::Refused) => "refused by ThousandEyes".to_owned(),
                Ok(_) | Err(_) => code.replace('_', " "),
            };
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, all)) => *all += count,
                None => counts.push((word, *count)),
            }
        }
        let counts = counts.into_iter().map(|(word, count)| format!("{} {word}", number(count)));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Its time has not come.
    pub(crate) fn is_early(&self, now: DateTime<Utc>) -> bool {
        self.due.is_some_and(|due| due > now)
    }
}

/// Where a run's answers are put for whoever dropped its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answers {
    /// The name of their folder below `inbox.answers_dir`.
    pub folder: String,
    /// Above 0 where a run of a later name had the folder before: the clock was set back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: u32,
    /// Which folder `inbox.answers_dir` was when they were put there; an earlier version did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// They could not be written yet: they are owed, and tried again until they lie there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

/// Why answers are not where they should be, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub since: DateTime<Utc>,
    pub error: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
