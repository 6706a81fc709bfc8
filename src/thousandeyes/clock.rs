//! Whether this machine's clock can be trusted when something expires by it. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Farther apart the two clocks do not agree. A few minutes are common; what expires here takes hours and days.
const APART: TimeDelta = TimeDelta::hours(1);

/// Whether the clock agrees with the API's own. Without an answer of the API nobody knows.
pub(crate) fn is_clock_confirmed(now: DateTime<Utc>, server_now: Option<DateTime<Utc>>) -> bool {
    server_now.is_some_and(|server| (now - server).abs() <= APART)
}

#[cfg(test)]
mod tests;
