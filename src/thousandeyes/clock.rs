//! Whether this machine's clock is to be believed where something ends by it. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Farther apart the two clocks do not agree. A few minutes are common; what expires here takes hours and days.
const APART: TimeDelta = TimeDelta::hours(1);

/// Whether the clock agrees with the API's own. Without an answer of the API nobody knows.
pub(crate) fn is_believed(now: DateTime<Utc>, server_now: Option<DateTime<Utc>>) -> bool {
    server_now.is_some_and(|server| (now - server).abs() <= APART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_while_the_api_agrees_and_not_without_its_answer() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        for (server, believed) in [
            (Some(TimeDelta::zero()), true),
            (Some(TimeDelta::minutes(59)), true),
            (Some(TimeDelta::minutes(-59)), true),
            (Some(TimeDelta::days(-8)), false),
            (Some(TimeDelta::days(8)), false),
            (None, false),
        ] {
            assert_eq!(is_believed(now, server.map(|ahead| now + ahead)), believed, "{server:?}");
        }
    }
}
