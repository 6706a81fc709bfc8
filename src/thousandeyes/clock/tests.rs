//! Which of two clocks is believed.

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
        assert_eq!(is_clock_confirmed(now, server.map(|ahead| now + ahead)), believed, "{server:?}");
    }
}
