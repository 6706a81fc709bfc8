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
pub(super) const LONGEST_TOTAL: Duration = Duration::from_secs(600);

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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(limits: Limits, before: u32) -> u64 {
        wait_for_reset(&limits, before, 0.0).as_secs()
    }

    fn reset_in(seconds: u64) -> Limits {
        Limits { reset_in: Some(Duration::from_secs(seconds)), ..Limits::default() }
    }

    #[test]
    fn reads_are_repeated_after_what_may_pass() {
        for event in [Event::NoAnswer, Event::NotConnected, Event::Status(500), Event::Status(503)] {
            assert_eq!(judge(true, event), Verdict::TryAgain, "{event:?}");
        }
    }

    #[test]
    fn a_write_is_repeated_only_if_the_server_never_acted() {
        assert_eq!(judge(false, Event::NotConnected), Verdict::TryAgain);
        assert_eq!(judge(false, Event::answer(429, &Limits::default())), Verdict::WaitForReset);
        for event in [Event::NoAnswer, Event::Status(500), Event::Status(502), Event::Status(408)] {
            assert_eq!(judge(false, event), Verdict::Final, "{event:?}");
        }
    }

    #[test]
    fn a_throttle_is_waited_out_under_whichever_status_it_comes() {
        let later = Limits { retry_after: Some(Duration::from_secs(3)), ..Limits::default() };
        for (status, limits) in [(429, Limits::default()), (420, Limits::default()), (403, later)] {
            for is_read in [true, false] {
                assert_eq!(judge(is_read, Event::answer(status, &limits)), Verdict::WaitForReset, "{status}");
            }
        }
        assert_eq!(judge(true, Event::answer(403, &reset_in(42))), Verdict::Final, "each answer has a reset");
        assert_eq!(judge(true, Event::answer(503, &later)), Verdict::TryAgain);
    }

    #[test]
    fn a_clear_answer_is_final() {
        for status in [200, 201, 204, 302, 400, 401, 403, 404, 413, 422] {
            assert_eq!(judge(true, Event::Status(status)), Verdict::Final, "{status}");
            assert_eq!(judge(false, Event::Status(status)), Verdict::Final, "{status}");
        }
    }

    #[test]
    fn a_permanent_failure_is_not_retried() {
        assert_eq!(judge(true, Event::Unsendable), Verdict::Final);
    }

    #[test]
    fn there_are_three_tries_after_up_to_one_and_two_seconds() {
        assert!(delays().eq([Duration::from_secs(1), Duration::from_secs(2)]));
    }

    #[test]
    fn only_an_answer_has_a_status() {
        assert_eq!([Event::Status(200), Event::Throttled(429)].map(Event::status), [Some(200), Some(429)]);
        assert_eq!([Event::NoAnswer, Event::NotConnected, Event::Unsendable].map(Event::status), [None; 3]);
    }

    #[test]
    fn programs_that_wait_for_the_same_reset_do_not_all_come_back_at_once() {
        assert_eq!(wait_for_reset(&reset_in(42), 0, 1.0), Duration::from_secs(43));
    }

    #[test]
    fn a_429_waits_for_the_reset_within_its_bounds() {
        assert_eq!(seconds(reset_in(42), 0), 42);
        assert_eq!(seconds(reset_in(0), 0), 1, "a reset in the past");
        assert_eq!(seconds(reset_in(86_400), 0), 65, "a reset far ahead");
    }

    #[test]
    fn retry_after_goes_before_the_reset() {
        let limits = Limits { retry_after: Some(Duration::from_secs(3)), ..reset_in(42) };
        assert_eq!(seconds(limits, 0), 3);
    }

    #[test]
    fn a_failure_waits_as_long_as_the_server_asks_unless_that_is_too_long() {
        let asked = |seconds| Limits { retry_after: Some(Duration::from_secs(seconds)), ..Limits::default() };
        let wait = |limits| wait_to_try_again(Some(Duration::from_secs(2)), &limits, 0.5);
        assert_eq!(wait(Limits::default()), Some(Duration::from_secs(1)));
        assert_eq!(wait(asked(3)), Some(Duration::from_secs(4)));
        assert_eq!(wait(asked(3600)), None);
        assert_eq!(wait_to_try_again(None, &asked(3), 0.5), None);
    }

    #[test]
    fn without_a_usable_reset_the_guess_grows() {
        assert_eq!(
            [0, 1, 2, 3, 4, 9].map(|before| seconds(Limits::default(), before)),
            [5, 10, 20, 40, 65, 65]
        );
    }

    #[test]
    fn a_server_that_always_says_now_is_asked_less_and_less() {
        assert_eq!([0, 1, 2, 5, 9].map(|before| seconds(reset_in(0), before)), [1, 2, 4, 32, 32]);
    }

    proptest! {
        #[test]
        fn a_wait_is_always_within_its_bounds(reset in proptest::option::of(any::<u64>()), before: u32, random in 0.0..=1.0f64) {
            let limits = Limits { reset_in: reset.map(Duration::from_secs), ..Limits::default() };
            let wait = wait_for_reset(&limits, before, random);
            prop_assert!((Duration::from_secs(1)..=Duration::from_secs(66)).contains(&wait));
        }

        #[test]
        fn a_delay_never_exceeds_its_longest(random in 0.0..=1.0f64) {
            for longest in delays() {
                prop_assert!(full_jitter(longest, random) <= longest);
            }
        }
    }
}
