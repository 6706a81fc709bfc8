//! What is live, read once for the files of a pass that are planned one after another while nothing is sent.
//!
//! Thousands of files that only wait, or that cannot be used, must not ask the API the same thing thousands of times: its
//! rate limit would make them take hours. A file of which something is sent is planned against a reading of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::live::LiveState;

/// No plan is made against anything older.
const MOST_AGE: Duration = Duration::from_secs(5);

/// The last reading of the pass that is under way.
#[derive(Debug, Default)]
pub(crate) struct SharedReading(Mutex<KeptReading>);

#[derive(Debug, Default)]
enum KeptReading {
    /// No pass is under way, and nothing is kept.
    #[default]
    Nothing,
    OfPass(Option<Box<LiveState>>),
}

impl SharedReading {
    /// A pass begins: what is read from now on is kept for its next files.
    pub(crate) fn begin(&self) {
        *self.kept() = KeptReading::OfPass(None);
    }

    /// The pass ended.
    pub(crate) fn end(&self) {
        *self.kept() = KeptReading::Nothing;
    }

    /// Takes out what was read last, if it is young enough.
    pub(super) fn take(&self, now: Instant) -> Option<Box<LiveState>> {
        match &mut *self.kept() {
            KeptReading::OfPass(live) => live.take().filter(|live| live.read_at + MOST_AGE >= now),
            KeptReading::Nothing => None,
        }
    }

    /// Keeps a reading for the next file.
    pub(super) fn keep(&self, live: Box<LiveState>) {
        if let kept @ KeptReading::OfPass(_) = &mut *self.kept() {
            *kept = KeptReading::OfPass(Some(live));
        }
    }

    /// Something is about to be sent, after which this is no longer so.
    pub(super) fn forget(&self) {
        if let KeptReading::OfPass(live) = &mut *self.kept() {
            *live = None;
        }
    }

    fn kept(&self) -> MutexGuard<'_, KeptReading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
