//! The retry policy of mail: after a try that failed for now, wait a minute, then twice as long each time, up to four hours;
//! after five days of waiting give up.
//!
//! What counts as failed for now is in `record`: a 4xx, silence, no server. A 5xx is final.

use chrono::TimeDelta;

/// A message that no server took in so long a time is given up.
pub(crate) const GIVE_UP: TimeDelta = TimeDelta::days(5);

/// Between two tries no more than this counts as waiting. A longer gap is a clock that jumped ahead, or a time in which nothing ran.
pub(super) const LONGEST_GAP: TimeDelta = TimeDelta::days(1);

/// The longest wait between two tries.
pub(super) const LONGEST_WAIT: TimeDelta = TimeDelta::hours(4);

const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// How long to wait after so many tries.
pub(super) fn wait_after(attempts: u32) -> TimeDelta {
    (FIRST_WAIT * 2_i32.saturating_pow(attempts.saturating_sub(1).min(12))).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
