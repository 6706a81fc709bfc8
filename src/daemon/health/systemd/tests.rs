//! The status line in `systemctl status`.

use tokio::time::Instant;

use super::*;

#[test]
fn the_status_line_says_what_it_does_what_comes_next_and_what_fails() {
    let at = "2026-11-22T09:00:00Z".parse().unwrap();
    let mut work = Work::default();
    let next = Some((at, Job::Snapshot));
    let berlin = chrono_tz::Europe::Berlin;
    assert_eq!(status_line(&work, next, berlin), "idle · next: snapshot Sun 22 Nov 2026, 10:00 CET");
    work.failing.insert(Job::Outbox, Instant::now());
    work.running.insert(Job::UsageReport, Instant::now());
    assert_eq!(status_line(&work, next, berlin), "at work: usage report · failing: outbox");
}
