//! The stand-in's rate limit.

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
