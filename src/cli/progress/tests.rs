//! The line that says how far something is.

use super::*;
use crate::thousandeyes::progress::Rows;

fn allowance(wait: u64) -> Allowance {
    Allowance {
        sent: 14,
        sendable_now: 100,
        each_window: 180,
        window_ends_in: Duration::from_secs(34),
        wait: Duration::from_secs(wait),
    }
}

#[test]
fn a_line_says_rows_requests_the_budget_and_the_time_to_go() {
    let shown = ProgressState {
        phase: Phase::Sending,
        rows: Rows { done: 4_250, total: 10_000 },
        requests_left: 460,
    };
    let budget = Budget { limit: Some(240), remaining: Some(160), refusals: 0 };
    assert_eq!(
        line(&shown, &budget, &allowance(0), Duration::from_secs(1)),
        "sending ━━━╌╌╌╌╌ 4 250 of 10 000 rows · 3 min to go · 14 requests, 160 left"
    );
    let shown = ProgressState { phase: Phase::Usage, rows: Rows { done: 12, total: 400 }, requests_left: 8 };
    assert_eq!(
        line(&shown, &Budget::default(), &allowance(33), Duration::from_secs(1)),
        "usage ╌╌╌╌╌╌╌╌ 12 of 400 organizations · 33 s to go · 14 requests, waits 33 s"
    );
}

#[test]
fn a_bar_is_as_full_as_what_is_done() {
    assert_eq!(bar("reading", "snapshots", 0, 31), "reading ╌╌╌╌╌╌╌╌ 0 of 31 snapshots");
    assert_eq!(bar("reading", "snapshots", 30, 31), "reading ━━━━━━━╌ 30 of 31 snapshots");
    assert_eq!(bar("reading", "snapshots", 1200, 1200), "reading ━━━━━━━━ 1 200 of 1 200 snapshots");
}

#[test]
fn durations_are_shown_the_way_people_read_them() {
    let rounded = |ms| rounded(Duration::from_millis(ms));
    assert_eq!(
        [rounded(1_000), rounded(1_001), rounded(119_000), rounded(120_001), rounded(600_000)],
        ["1 s", "2 s", "119 s", "3 min", "10 min"]
    );
}
