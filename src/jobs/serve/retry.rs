//! The retry policy of jobs: a slot that failed is tried again after five minutes, or at the job's next slot if that comes
//! first, for as long as it fails.
//!
//! Nothing is given up: a job that fails is reported by one mail, and by another when it works again.

use std::collections::BTreeMap;

use crate::jobs::job::Job;
use chrono::{DateTime, Duration, Utc};

/// From a failure to the next try of the same slot.
pub(super) const WAIT: Duration = Duration::minutes(5);

/// A slot that was tried and failed.
#[derive(Clone, Copy, Debug)]
struct Failed {
    slot: DateTime<Utc>,
    at: DateTime<Utc>,
}

/// The jobs that failed when they were tried last.
#[derive(Debug, Default)]
pub(super) struct Retries(BTreeMap<Job, Failed>);

impl Retries {
    pub(super) fn failed(&mut self, job: Job, slot: DateTime<Utc>, at: DateTime<Utc>) {
        self.0.insert(job, Failed { slot, at });
    }

    pub(super) fn succeeded(&mut self, job: Job) {
        self.0.remove(&job);
    }

    /// Whether a slot may be tried now.
    pub(super) fn may_try(&self, job: Job, slot: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.0.get(&job).is_none_or(|failed| slot > failed.slot || now >= failed.at + WAIT)
    }

    /// When each of them is tried again.
    pub(super) fn times(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.0.values().map(|failed| failed.at + WAIT)
    }
}

#[cfg(test)]
mod tests;
