//! What the slots of a job came to: served, or missed before this one.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use tracing::warn;

use super::State;
use crate::clock::Clock;
use crate::config::Schedule;
use crate::jobs::job::Job;
use crate::jobs::job::done::StateNotSaved;
use crate::schedule::Missed;

/// Remembers, beside what was known before, that the slot was served, whatever becomes of what follows.
pub(in crate::jobs) fn served(
    schedule: &Schedule,
    mut state: State,
    job: Job,
    clock: &Clock,
    began: DateTime<Utc>,
) -> anyhow::Result<()> {
    note_missed(schedule, job, &mut state, began);
    state.served(job, began, took(clock, began)).context(StateNotSaved)
}

/// Says which slots nobody served before this success.
pub(in crate::jobs) fn note_missed(schedule: &Schedule, job: Job, state: &mut State, began: DateTime<Utc>) {
    if let Some(missed) = job.missed(schedule, state, began) {
        let Missed { slots, first, last } = missed;
        warn!(job = job.name(), slots, %first, %last, "slots were missed before this one");
        state.missed(job, missed);
    }
}

/// Of the job so far, in milliseconds.
pub(in crate::jobs) fn took(clock: &Clock, began: DateTime<Utc>) -> u64 {
    (clock.now() - began).num_milliseconds().unsigned_abs()
}
