//! The retry policy of the API: what may be sent again, and after how long. A classification and delays, without a clock or
//! a die of their own.
//!
//! Three tries with full jitter for what may pass; a refusal for the rate waits for the next window and is no try; ten minutes
//! in all for one request.
//!
//! A write is sent once. One that has to wait goes back to its caller, who looks again at what it depends on; of one whose
//! outcome is unknown the caller reads back what became of it first.

use std::time::Duration;

use super::limits::Limits;

/// The server's windows last a minute; a little more covers a slow answer.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(65);

/// The longest that one request may take in all, with its waits.
pub(crate) const LONGEST_REQUEST: Duration = Duration::from_secs(600);

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A complete answer with this status.
    Status(u16),
    /// An answer with this status that refuses the request for its rate alone.
    Throttled(u16),
    /// No connection: the server never saw the request.
    NotConnected,
    /// It cannot be sent at all, and no waiting will fix it: a bad certificate, a bad token.
    Unsendable,
    /// The request went out; no answer came, or only a part of one.
    NoAnswer,
}

impl Event {
    /// An answer. Most servers refuse for the rate with a 429, some with a 420, and gateways with a 403 that says when to
    /// come back: a missing permission would not come by waiting.
    pub(super) fn answer(status: u16, limits: &Limits) -> Self {
        match status {
            420 | 429 => Self::Throttled(status),
            403 if limits.retry_after.is_some() => Self::Throttled(status),
            _ => Self::Status(status),
        }
    }

    /// The status of the answer, if there was one.
    pub(super) fn status(self) -> Option<u16> {
        if let Self::Status(status) | Self::Throttled(status) = self { Some(status) } else { None }
    }
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This is the outcome, good or bad.
    Final,
    /// Everybody waits for the next window, then the same again; it does not count as a try.
    WaitForReset,
    /// The same again after the next of the [`delays`], if there is one.
    TryAgain,
}

/// Whether a request may be sent again. 408 is a proxy or server that stopped waiting, which says as little as a 5xx.
pub(super) fn judge(is_read: bool, event: Event) -> Verdict {
    match event {
        Event::Throttled(_) => Verdict::WaitForReset,
        Event::NotConnected => Verdict::TryAgain,
        Event::NoAnswer | Event::Status(408 | 500..=599) if is_read => Verdict::TryAgain,
        Event::NoAnswer | Event::Unsendable | Event::Status(_) => Verdict::Final,
    }
}

/// The longest delay before each further try, so that there are three tries.
pub(super) fn delays() -> impl Iterator<Item = Duration> {
    (0..2).map(|tries| Duration::from_secs(1 << tries))
}

/// Full jitter: anything up to the longest. `random` is within 0 and 1.
pub(super) fn full_jitter(longest: Duration, random: f64) -> Duration {
    longest.mul_f64(random)
}

/// How long to wait before the next try of what failed, if there is one: at least what the server asked for (a 503 may). Who
/// asks for more than the longest wait is not tried again.
pub(super) fn wait_to_try_again(longest: Option<Duration>, limits: &Limits, random: f64) -> Option<Duration> {
    let jitter = full_jitter(longest?, random);
    let asked = limits.retry_after.unwrap_or_default();
    (asked <= LONGEST_WAIT).then(|| asked + jitter)
}

/// How long a 429 pauses everybody: what the server asked for, else its reset, else a guess, within 1 and 65 seconds,
/// plus up to a second that keeps many waiting programs apart.
///
/// `before` counts the 429s that this request already met. It makes the guess, and the least wait, grow: a server
/// that says "now" each time is not hammered.
pub(super) fn wait_for_reset(limits: &Limits, before: u32, random: f64) -> Duration {
    let doubled = |seconds: u64| Duration::from_secs(seconds << before.min(5));
    let wait = limits.retry_after.or(limits.reset_in).unwrap_or_else(|| doubled(5));
    wait.clamp(doubled(1), LONGEST_WAIT) + full_jitter(Duration::from_secs(1), random)
}

#[cfg(test)]
mod tests;
