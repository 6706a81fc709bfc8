//! The time of one job: the clock is read once at its start, and goes on by the machine's steady timer from there.
//!
//! So a clock that is set while a job runs does not make time jump, and a test or the demo gives any time it likes.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// Where a job's time began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: DateTime<Utc>,
    since: Instant,
}

impl Clock {
    /// The machine's clock. The one place of the program that reads it.
    #[expect(clippy::disallowed_methods, reason = "the shell reads the clock here, once for each job")]
    pub(crate) fn read() -> Self {
        Self::starting_at(Utc::now())
    }

    pub(crate) fn starting_at(start: DateTime<Utc>) -> Self {
        Self { start, since: Instant::now() }
    }

    /// By the steady timer: how old something is must not depend on a clock that is set meanwhile.
    pub(crate) fn steady(&self) -> Instant {
        self.since + self.since.elapsed()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.start + self.since.elapsed()
    }
}
