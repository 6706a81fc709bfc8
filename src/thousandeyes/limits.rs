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
        let count = |name| count(text(name)?);
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
    let seconds = match number(reset).map(rounded_up) {
        Some(number) if number < SMALLEST_EPOCH => number,
        Some(number) if number < SMALLEST_EPOCH_MS => number.saturating_sub(date?),
        Some(number) => number.div_ceil(1000).saturating_sub(date?),
        None => moment(reset)?.saturating_sub(date?),
    };
    Some(wait(seconds))
}

/// `Retry-After` is a number of seconds, with some servers a fraction, or an HTTP date.
fn until_retry(after: &str, date: Option<u64>) -> Option<Duration> {
    if let Some(seconds) = number(after) {
        return Some(wait(rounded_up(seconds)));
    }
    Some(wait(moment(after)?.saturating_sub(date?)))
}

/// So far that a sum with it never overflows; whoever waits cuts it to much less.
fn wait(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(u32::MAX.into()))
}

/// A number without a sign, and whether it has a fraction. One that is too large to be held is as large as can be: it was meant as
/// "very long", and is not to count as nothing.
fn number(text: &str) -> Option<(u64, bool)> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    (is_digits(whole) && fraction.is_none_or(is_digits))
        .then(|| (whole.parse().unwrap_or(u64::MAX), fraction.is_some()))
}

fn rounded_up((whole, has_fraction): (u64, bool)) -> u64 {
    whole.saturating_add(has_fraction.into())
}

/// A count as large as it fits, without its fraction; below zero it is none.
fn count(text: &str) -> Option<u32> {
    match text.strip_prefix('-') {
        Some(negative) => number(negative).map(|_| 0),
        None => number(text).map(|(whole, _)| u32::try_from(whole).unwrap_or(u32::MAX)),
    }
}

fn moment(text: &str) -> Option<u64> {
    let iso = || DateTime::parse_from_rfc3339(text).ok().and_then(|at| u64::try_from(at.timestamp()).ok());
    epoch(text).or_else(iso)
}

fn epoch(http_date: &str) -> Option<u64> {
    DateTime::parse_from_rfc2822(http_date).ok().and_then(|moment| u64::try_from(moment.timestamp()).ok())
}

#[cfg(test)]
mod tests;
