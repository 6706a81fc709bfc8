//! Who starts a job, and what comes of it.

use chrono::{DateTime, Utc};

use crate::exit_code::Findings;

/// Who starts a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    Schedule,
    /// A command; `since` is how far back a report of changes is to look.
    Person {
        since: Option<DateTime<Utc>>,
    },
}

/// What a success is to be remembered as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::jobs) enum RecordAs {
    /// The slot was served.
    #[default]
    Served,
    /// What failed after the slot was served is done now.
    Recovered,
    Unrecorded,
}

/// What came of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub findings: Findings,
    /// There was nothing to do: within one slot that is not worth a write.
    pub is_idle: bool,
    pub(in crate::jobs) record_as: RecordAs,
}

impl Done {
    pub(in crate::jobs) fn recovered() -> Self {
        Self { record_as: RecordAs::Recovered, ..Self::default() }
    }

    pub(in crate::jobs) fn unrecorded() -> Self {
        Self { record_as: RecordAs::Unrecorded, ..Self::default() }
    }
}

/// The work is done, and `state.json` does not say so: there is nothing to do again but the writing, which comes with
/// whatever is written there next.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("its work is done, but this could not be recorded in state.json")]
pub(in crate::jobs) struct StateNotSaved;
