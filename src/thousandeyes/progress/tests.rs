//! How long the rest of the requests takes.

use super::*;

const fn allowance(sendable_now: u32, window_ends_in: u64) -> Allowance {
    let window_ends_in = Duration::from_secs(window_ends_in);
    Allowance { sent: 0, sendable_now, each_window: 180, window_ends_in, wait: Duration::ZERO }
}

fn seconds(requests: usize, each_ms: u64, allowance: &Allowance) -> u64 {
    time_to_go(requests, Duration::from_millis(each_ms), allowance).as_secs()
}

#[test]
fn what_the_window_has_room_for_takes_as_long_as_its_requests() {
    assert_eq!(seconds(0, 100, &allowance(180, 60)), 0);
    assert_eq!(seconds(100, 100, &allowance(180, 60)), 10);
    assert_eq!(seconds(180, 100, &allowance(180, 60)), 18);
}

#[test]
fn what_it_has_no_room_for_waits_for_its_end_and_for_windows_after_it() {
    assert_eq!(seconds(270, 100, &allowance(180, 40)), 40 + 9, "half of the next window goes at once");
    assert_eq!(seconds(350, 100, &allowance(180, 40)), 40 + 60, "nearly all of it takes as long as it does");
    assert_eq!(seconds(400, 1, &allowance(0, 20)), 20 + 120, "400 organizations at 180 requests a minute");
}

#[test]
fn slow_answers_take_longer_than_the_limit_would_let_them() {
    assert_eq!(seconds(270, 1_000, &allowance(180, 40)), 270);
}

#[test]
fn a_pause_is_waited_out_by_a_single_request() {
    assert_eq!(seconds(1, 100, &Allowance { wait: Duration::from_secs(34), ..allowance(180, 60) }), 34);
}

#[test]
fn each_step_leaves_one_request_less() {
    let progress = Progress::default();
    progress.begin(Phase::Usage, 2);
    progress.step();
    let shown = progress.shown();
    assert_eq!((shown.phase, shown.rows, shown.requests_left), (Phase::Usage, Rows { done: 1, total: 2 }, 1));
    progress.step();
    progress.step();
    assert_eq!(progress.shown().requests_left, 0, "an answer more than was expected");
}
