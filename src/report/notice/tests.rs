//! The mail about a job that works again.

use super::*;
use crate::report::fixtures::{at, context};

#[test]
fn a_recovery_says_since_when_and_how_long_and_is_one_mail_however_often_it_is_made() {
    let made = |now| {
        recovery_report(
            "snapshot",
            at("11-22T02:00"),
            Some("no\r\nroom"),
            &ReportContext { now: at(now), ..context() },
        )
    };
    let report = made("11-22T05:00");
    assert_eq!(report.headline, "The snapshot job works again, after 3 hours");
    assert!(
        report.sentences[0].contains("for 3 hours, from Sun 22 Nov 2026, 03:00 to Sun 22 Nov 2026, 06:00"),
        "{report:?}"
    );
    assert_eq!(report.sentences[1], "The last error was: no room");
    assert_eq!(report.identity, made("11-22T06:00").identity);
}

#[test]
fn what_failed_for_a_moment_has_no_beginning_and_end_at_the_same_minute() {
    let now = at("11-22T02:00") + TimeDelta::seconds(20);
    let report = recovery_report("snapshot", at("11-22T02:00"), None, &ReportContext { now, ..context() });
    assert_eq!(report.headline, "The snapshot job works again, after less than a minute");
    assert_eq!(report.sentences, ["It failed on Sun 22 Nov 2026, 03:00, and worked again within a minute."]);
}
