//! The simulated world's time: the machine's by default, moved by whoever plays a story.
//!
//! One handle is shared by the server and its owner, so that weeks of snapshots can be played in seconds.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// A shared handle: clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// The machine's time and this much more.
    Running(TimeDelta),
    /// Stands still.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The machine's time.
    pub(crate) fn system() -> Self {
        Self(Arc::new(Mutex::new(Reading::Running(TimeDelta::zero()))))
    }

    /// Stands still at `at` until it is set again.
    pub(crate) fn fixed(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Reading::Fixed(at))))
    }

    /// Stands still at `at` from now on.
    pub(crate) fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Reading::Fixed(at);
    }

    /// Runs from now on, `ahead` of the machine's time; behind it if negative.
    #[cfg(test)]
    pub(crate) fn run_ahead(&self, ahead: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Reading::Running(ahead);
    }

    /// The world's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator is a shell of its own, and this is its clock"
    )]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Reading::Running(ahead) => Utc::now() + ahead,
            Reading::Fixed(at) => at,
        }
    }
}

#[cfg(test)]
mod tests;
