//! A week of the daemon in minutes: the real binary against its simulator, both under a clock that runs 3 000 times as
//! fast (`libfaketime`), through 429 storms, an hour of 500s, kills, restarts, reloads, a full disk, long downtimes and both changes of
//! clocks, while people drop change files and a real mail server takes the mails.
//!
//! Nothing here depends on how fast this machine is: what it does not get done in its time must be reported as a gap.

mod checks;
mod clockwork;

use chrono::{DateTime, Utc};

use self::checks::check;
use self::clockwork::{Week, library};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_week_with_an_hour_that_comes_twice_ends_with_every_slot_a_snapshot_or_a_logged_gap_and_each_report_sent_once()
 {
    let Some(library) = library() else { return };
    let begin = at("2026-10-21T20:10:00Z");
    let mut week = Week::begin(library, begin, 7841);
    // Thursday: a storm, then hours without a server worth the name.
    week.until(at("2026-10-22T05:50:00Z"));
    week.serve(&["429:every=2:reset=45"]);
    week.until(at("2026-10-22T09:10:00Z"));
    week.serve(&[]);
    week.until(at("2026-10-22T14:50:00Z"));
    week.serve(&["500"]);
    week.until(at("2026-10-22T17:10:00Z"));
    week.serve(&[]);
    // The night, and with it the time of a report, passes while nothing runs.
    week.until(at("2026-10-22T23:30:00Z"));
    week.kill();
    week.start_at(at("2026-10-23T06:10:00Z"));
    // Friday and Saturday: killed wherever it is, and stopped and started as an upgrade does.
    week.killed_until(at("2026-10-23T18:00:00Z"), 6);
    week.stop();
    week.start_after_a_moment();
    week.until(at("2026-10-24T12:00:00Z"));
    week.serve(&["drop-after:every=5", "slow:ms=1:every=3"]);
    week.until(at("2026-10-24T18:00:00Z"));
    // The night in which an hour comes twice, in a storm.
    week.serve(&["429:every=3:reset=60"]);
    week.until(at("2026-10-25T06:00:00Z"));
    week.serve(&[]);
    week.killed_until(at("2026-10-25T20:00:00Z"), 6);
    // More than a day: one report is never made.
    week.until(at("2026-10-26T00:10:00Z"));
    week.stop();
    week.start_at(at("2026-10-27T02:10:00Z"));
    week.killed_until(at("2026-10-27T20:00:00Z"), 6);
    // The last day: for hours nothing more fits onto the disk.
    week.until(at("2026-10-28T05:10:00Z"));
    week.full_until(at("2026-10-28T11:10:00Z"));
    week.until(at("2026-10-28T20:10:00Z"));
    let end = week.end();

    let seen = check(&week, begin, end);
    assert!(seen.gap_covers(at("2026-10-22T16:00:00Z")), "the hours of 500s");
    assert!(seen.gap_covers(at("2026-10-26T12:00:00Z")), "the day that it was down");
    assert!(
        seen.missed_reports.contains(&at("2026-10-26T01:30:00Z")),
        "two reports came due while it was down"
    );
    assert!(seen.log.contains("the rate limit is used up"), "there was a storm");
    assert!(seen.log.contains("status\":500"), "there was an outage");
    if week.has_own_disk() {
        assert!(seen.log.contains("No space left on device"), "the disk was full");
        assert!(seen.gap_covers(at("2026-10-28T07:00:00Z")), "the hours of the full disk");
    }
    assert_eq!(week.kills, 20);
}

#[test]
fn two_days_with_an_hour_that_is_left_out_end_so_too() {
    let Some(library) = library() else { return };
    let begin = at("2027-03-27T00:10:00Z");
    let mut week = Week::begin(library, begin, 7842);
    week.killed_until(at("2027-03-27T16:00:00Z"), 5);
    week.serve(&["429:every=2:reset=45"]);
    week.until(at("2027-03-28T06:00:00Z"));
    week.serve(&[]);
    week.stop();
    week.start_after_a_moment();
    week.until(at("2027-03-29T00:10:00Z"));
    let end = week.end();
    let seen = check(&week, begin, end);
    assert!(seen.missed_reports.is_empty(), "{:?}", seen.missed_reports);
}
