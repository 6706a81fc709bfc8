//! What rate limit headers say, and when they are wrong.

use reqwest::header::{HeaderName, HeaderValue};

use super::*;
use crate::testing::fuzz::fuzzed;

/// 2001-09-09T01:46:40Z, a billion seconds: no machine's clock is near it.
const DATE: (&str, &str) = ("date", "Sun, 09 Sep 2001 01:46:40 GMT");
const RESET: &str = "x-organization-rate-limit-reset";

fn limits(headers: &[(&'static str, &'static str)]) -> Limits {
    let pairs =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
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
    for garbage in ["", "soon", "-5", "1e9", "12.", "1.2.3", "+5"] {
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
fn a_number_that_nobody_can_hold_is_very_long_and_not_none() {
    let forever = Some(u64::from(u32::MAX));
    for number in ["4294967296", "18446744073709551615", "18446744073709551616", "99999999999999999999999.5"]
    {
        let seen = limits(&[DATE, ("retry-after", number)]);
        assert_eq!(seen.retry_after.map(|wait| wait.as_secs()), forever, "{number}");
    }
    assert_eq!(reset_in(&[DATE, (RESET, "99999999999999999999999")]), forever);
    assert_eq!(
        limits(&[DATE, ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]).retry_after,
        Some(wait(u64::MAX))
    );
    let limit = |number| limits(&[("x-organization-rate-limit-limit", number)]).limit;
    assert_eq!(limit("99999999999999999999999"), Some(u32::MAX));
    let remaining = |number| limits(&[("x-organization-rate-limit-remaining", number)]).remaining;
    assert_eq!(
        (remaining("-99999999999999999999999"), remaining("3.7"), remaining("-")),
        (Some(0), Some(3), None)
    );
}

#[test]
fn gateways_say_it_in_other_ways() {
    assert_eq!(reset_in(&[DATE, (RESET, "1000000042500")]), Some(43), "milliseconds");
    assert_eq!(reset_in(&[DATE, (RESET, "2001-09-09T01:47:10Z")]), Some(30));
    assert_eq!(reset_in(&[("x-ratelimit-reset", "3")]), Some(3));
    assert_eq!(reset_in(&[("x-ratelimit-reset", "2.5")]), Some(3));
    assert_eq!(reset_in(&[("ratelimit-reset", "3")]), Some(3));
    assert_eq!(reset_in(&[("ratelimit", "\"default\";r=0;t=3")]), Some(3));
    assert_eq!(reset_in(&[(RESET, "2"), ("x-ratelimit-reset", "50")]), Some(2), "the API's own counts");
    let after = |value| limits(&[DATE, ("retry-after", value)]).retry_after.map(|wait| wait.as_secs());
    assert_eq!((after("2.5"), after("-1"), after("1."), after(".5")), (Some(3), None, None, None));
}

#[test]
fn counts_below_zero_are_zero_and_a_limit_of_zero_is_none() {
    let seen =
        limits(&[("x-organization-rate-limit-limit", "0"), ("x-organization-rate-limit-remaining", "-3")]);
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
