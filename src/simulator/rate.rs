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
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_spent_window_refuses_until_a_minute_has_passed() {
        let noon = at("2026-11-22T12:00:00Z");
        let mut limit = RateLimit::new(2, noon);
        let second = Duration::from_secs(1);
        let budget = |remaining| Budget { limit: 2, remaining, reset: noon.timestamp() + 60 };
        assert_eq!(limit.take(noon, Duration::ZERO), Ok(budget(1)));
        assert_eq!(limit.take(noon + second, second), Ok(budget(0)));
        assert_eq!(limit.take(noon + 59 * second, 59 * second), Err(budget(0)));
        assert_eq!(limit.take(noon + 60 * second, 60 * second).map(|b| b.remaining), Ok(1));
    }

    #[test]
    fn waiting_helps_while_nothing_changes() {
        let noon = at("2026-11-22T12:00:00Z");
        let mut limit = RateLimit::new(1, noon);
        assert!(limit.take(noon, Duration::ZERO).is_ok());
        let refused = limit.take(noon, Duration::from_secs(50)).unwrap_err();
        assert_eq!(refused.reset, noon.timestamp() + 10);
        assert!(limit.take(noon, Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn moving_the_world_begins_a_new_window() {
        let noon = at("2026-11-22T12:00:00Z");
        let mut limit = RateLimit::new(1, noon);
        for hour in 0..5 {
            assert!(limit.take(noon + TimeDelta::hours(hour), Duration::ZERO).is_ok());
        }
        assert!(limit.take(noon, Duration::ZERO).is_ok(), "also backwards");
    }

    #[test]
    fn the_reset_is_never_before_the_window_really_ends() {
        let now = at("2026-11-22T12:00:00.400Z");
        let mut limit = RateLimit::new(1, now);
        let budget = limit.take(now, Duration::ZERO).unwrap();
        assert_eq!(budget.reset, at("2026-11-22T12:01:01Z").timestamp());
    }
}
