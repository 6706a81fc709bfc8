//! What an answer's headers say about the rate limit, in the server's own time.
//!
//! A moment in a header is only ever compared with the `Date` of the same answer. So a local clock that is wrong
//! changes nothing, and this module needs no clock at all.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Below this a reset is "seconds left", as elsewhere in the same API; from here on it is an epoch.
const SMALLEST_EPOCH: u64 = 1_000_000;

/// From here on an epoch counts in milliseconds.
const SMALLEST_EPOCH_MS: u64 = 100_000_000_000;

/// The API's own header first, then those that gateways before it send.
const RESETS: [&str; 4] =
    ["x-organization-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset", "ratelimit"];

/// The rate limit as one answer described it. What was missing or made no sense is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Requests that the organization has in each window.
    pub limit: Option<u32>,
    /// How many of them were left.
    pub remaining: Option<u32>,
    /// Time to the next window; zero when that moment had already passed.
    pub reset_in: Option<Duration>,
    /// What the server asked for outright.
    pub retry_after: Option<Duration>,
}

impl Limits {
    /// Reads the headers of one answer.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let date = server_date(headers);
        let count = |name| text(name)?.parse::<i64>().ok().map(|count| u32::try_from(count.max(0)).ok())?;
        Self {
            limit: count("x-organization-rate-limit-limit").filter(|limit| *limit > 0),
            remaining: count("x-organization-rate-limit-remaining"),
            reset_in: RESETS.iter().find_map(|name| until_reset(text(name)?, date)),
            retry_after: text(RETRY_AFTER.as_str()).and_then(|after| until_retry(after, date)),
        }
    }
}

/// How long a server, also another than the API, asks to be left alone.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    Limits::read(headers).retry_after
}

/// The answer's own `Date`, in seconds since the epoch.
pub(super) fn server_date(headers: &HeaderMap) -> Option<u64> {
    headers.get(DATE).and_then(|value| value.to_str().ok()).map(str::trim).and_then(epoch)
}

/// Seconds left, an epoch in seconds or milliseconds, or a time as people write it; of `RateLimit` its parameter `t`.
fn until_reset(reset: &str, date: Option<u64>) -> Option<Duration> {
    let parameter = reset.split(';').find_map(|part| part.trim().strip_prefix("t="));
    let reset = parameter.unwrap_or(reset);
    let seconds = match reset.parse::<u64>() {
        Ok(number) if number < SMALLEST_EPOCH => number,
        Ok(number) if number < SMALLEST_EPOCH_MS => number.saturating_sub(date?),
        Ok(number) => number.div_ceil(1000).saturating_sub(date?),
        Err(_) => moment(reset)?.saturating_sub(date?),
    };
    Some(Duration::from_secs(seconds))
}

/// `Retry-After` is a number of seconds, with some servers a fraction, or an HTTP date.
fn until_retry(after: &str, date: Option<u64>) -> Option<Duration> {
    if let Ok(seconds) = after.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    if let Some((whole, fraction)) = after.split_once('.') {
        let is_number = !fraction.is_empty() && fraction.bytes().all(|digit| digit.is_ascii_digit());
        return whole
            .parse()
            .ok()
            .filter(|_| is_number)
            .map(|seconds: u64| Duration::from_secs(seconds.saturating_add(1)));
    }
    Some(Duration::from_secs(moment(after)?.saturating_sub(date?)))
}

fn moment(text: &str) -> Option<u64> {
    let iso = || DateTime::parse_from_rfc3339(text).ok().and_then(|at| u64::try_from(at.timestamp()).ok());
    epoch(text).or_else(iso)
}

fn epoch(http_date: &str) -> Option<u64> {
    DateTime::parse_from_rfc2822(http_date).ok().and_then(|moment| u64::try_from(moment.timestamp()).ok())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::testing::fuzz::fuzzed;

    /// 2001-09-09T01:46:40Z, a billion seconds: no machine's clock is near it.
    const DATE: (&str, &str) = ("date", "Sun, 09 Sep 2001 01:46:40 GMT");
    const RESET: &str = "x-organization-rate-limit-reset";

    fn limits(headers: &[(&'static str, &'static str)]) -> Limits {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Limits::read(&pairs.collect())
    }

    fn reset_in(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        limits(headers).reset_in.map(|duration| duration.as_secs())
    }

    #[test]
    fn a_reset_is_counted_from_the_answers_own_date() {
        assert_eq!(reset_in(&[DATE, (RESET, "1000000042")]), Some(42));
    }

    #[test]
    fn a_reset_that_has_passed_is_now() {
        assert_eq!(reset_in(&[DATE, (RESET, "999999999")]), Some(0));
    }

    #[test]
    fn a_small_reset_is_seconds_left_even_without_a_date() {
        assert_eq!(reset_in(&[(RESET, "17")]), Some(17));
        assert_eq!(reset_in(&[DATE, (RESET, " 0 ")]), Some(0));
    }

    #[test]
    fn a_far_reset_stays_far_so_that_its_reader_can_cap_it() {
        assert_eq!(reset_in(&[DATE, (RESET, "1000086400")]), Some(86_400));
    }

    #[test]
    fn a_reset_is_unknown_without_a_date_or_as_garbage() {
        assert_eq!(reset_in(&[(RESET, "1000000042")]), None);
        assert_eq!(reset_in(&[("date", "yesterday"), (RESET, "1000000042")]), None);
        for garbage in ["", "soon", "-5", "1e9", "12.5", "99999999999999999999999"] {
            assert_eq!(reset_in(&[DATE, (RESET, garbage)]), None, "{garbage:?}");
        }
        assert_eq!(limits(&[]), Limits::default());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_of_the_servers_clock() {
        let after =
            |value| limits(&[DATE, ("retry-after", value)]).retry_after.map(|duration| duration.as_secs());
        assert_eq!(after("7"), Some(7));
        assert_eq!(after("Sun, 09 Sep 2001 01:47:10 GMT"), Some(30));
        assert_eq!(after("Sun, 09 Sep 2001 01:00:00 GMT"), Some(0));
        assert_eq!(after("later"), None);
    }

    #[test]
    fn gateways_say_it_in_other_ways() {
        assert_eq!(reset_in(&[DATE, (RESET, "1000000042500")]), Some(43), "milliseconds");
        assert_eq!(reset_in(&[DATE, (RESET, "2001-09-09T01:47:10Z")]), Some(30));
        assert_eq!(reset_in(&[("x-ratelimit-reset", "3")]), Some(3));
        assert_eq!(reset_in(&[("ratelimit-reset", "3")]), Some(3));
        assert_eq!(reset_in(&[("ratelimit", "\"default\";r=0;t=3")]), Some(3));
        assert_eq!(reset_in(&[(RESET, "2"), ("x-ratelimit-reset", "50")]), Some(2), "the API's own counts");
        let after = |value| limits(&[DATE, ("retry-after", value)]).retry_after.map(|wait| wait.as_secs());
        assert_eq!((after("2.5"), after("-1"), after("1."), after(".5")), (Some(3), None, None, None));
    }

    #[test]
    fn counts_below_zero_are_zero_and_a_limit_of_zero_is_none() {
        let seen = limits(&[
            ("x-organization-rate-limit-limit", "0"),
            ("x-organization-rate-limit-remaining", "-3"),
        ]);
        assert_eq!((seen.limit, seen.remaining), (None, Some(0)));
    }

    #[test]
    fn fuzzed_headers_of_the_rate_limit_never_mean_more_than_they_say() {
        let plain = b"600\n42\n1795370400\nSun, 22 Nov 2026 18:00:00 GMT\n30";
        let others = b"1\n0\n0\n2026-11-22T18:00:00Z\nSun, 22 Nov 2026 18:00:30 GMT";
        fuzzed("headers of the rate limit", &[plain, others], |text| {
            let mut headers = HeaderMap::new();
            let names = [
                "x-organization-rate-limit-limit",
                "x-organization-rate-limit-remaining",
                RESETS[0],
                "date",
                "retry-after",
            ];
            for (name, value) in names.into_iter().zip(text.split(|byte| *byte == b'\n')) {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            let limits = Limits::read(&headers);
            assert_ne!(limits.limit, Some(0));
        });
    }
}
