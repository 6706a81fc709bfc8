//! A clock that tests move.

use super::*;

#[test]
fn clones_move_together_and_a_clock_can_run_ahead_or_behind() {
    let noon = "2026-11-22T12:00:00Z".parse().unwrap();
    let clock = Clock::fixed(noon);
    let clone = clock.clone();
    clock.set(noon + TimeDelta::hours(1));
    assert_eq!(clone.now(), noon + TimeDelta::hours(1));
    let real = Clock::system().now();
    clock.run_ahead(TimeDelta::seconds(600));
    assert!(clone.now() - real >= TimeDelta::seconds(600));
    clock.run_ahead(TimeDelta::seconds(-600));
    assert!(clone.now() < Clock::system().now() - TimeDelta::seconds(599));
}
