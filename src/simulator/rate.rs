//! The organization's rate limit: so many requests in a fixed window of one minute, and the headers that show it.
//!
//! A window runs by the time that really passes, so that waiting helps even where the world's clock stands still.
//! Where the world's clock is moved, a new window begins.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

const WINDOW: Duration = Duration::from_secs(60);

/// Counts requests.
#[derive(Debug)]
pub(super) struct RateLimit {
    limit: u32,
    /// The world's time and the time since the server's start when the window began.
    began: (DateTime<Utc>, Duration),
    taken: u32,
}

/// What the headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub limit: u32,
    pub remaining: u32,
    /// UTC epoch seconds by the world's clock, never before the window really ends.
    pub reset: i64,
}

impl RateLimit {
    pub(super) fn new(limit: u32, now: DateTime<Utc>) -> Self {
        Self { limit, began: (now, Duration::ZERO), taken: 0 }
    }

    /// Takes one request out of the window; `Err` when nothing is left of it.
    pub(super) fn take(&mut self, now: DateTime<Utc>, elapsed: Duration) -> Result<Budget, Budget> {
        let before = self.budget(now, elapsed);
        if before.remaining == 0 {
            return Err(before);
        }
        self.taken += 1;
        Ok(Budget { remaining: before.remaining - 1, ..before })
    }

    /// The window as it is at this moment.
    pub(super) fn budget(&mut self, now: DateTime<Utc>, elapsed: Duration) -> Budget {
        let (world, real) = self.began;
        let moved = now < world || now - world >= TimeDelta::seconds(60);
        if moved || elapsed.saturating_sub(real) >= WINDOW {
            self.began = (now, elapsed);
            self.taken = 0;
        }
        let left = WINDOW.saturating_sub(elapsed.saturating_sub(self.began.1));
        let reset = now + left + TimeDelta::milliseconds(999);
        Budget { limit: self.limit, remaining: self.limit - self.taken, reset: reset.timestamp() }
    }
}

#[cfg(test)]
mod tests;
