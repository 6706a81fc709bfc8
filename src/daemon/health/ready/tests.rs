//! What is asked of a service that is called ready.

use super::*;

fn at(time: &str) -> DateTime<Utc> {
    format!("2026-11-22T{time}Z").parse().unwrap()
}

fn well() -> ReadinessSigns {
    ReadinessSigns {
        snapshot: Some(at("08:00:01")),
        due: None,
        took: TimeDelta::seconds(20),
        failing_since: None,
        late: Vec::new(),
        hangs: None,
        outbox: OutboxMetrics::default(),
        is_read_only: false,
        unreadable_mails: 0,
    }
}

#[test]
fn a_daemon_that_can_record_nothing_is_not_ready() {
    let read_only = ReadinessSigns { is_read_only: true, ..well() };
    assert!(reason(&read_only, "08:30:00").starts_with("The file system that holds data.dir is read-only"));
}

#[test]
fn another_job_that_is_late_and_one_that_hangs_are_named() {
    let late = ReadinessSigns { late: vec![(Job::UsageReport, at("06:00:00"))], ..well() };
    assert_eq!(
        reason(&late, "08:30:00"),
        "The usage report job is late: it has waited since Sun 22 Nov 2026, 06:00 UTC."
    );
    let hangs = ReadinessSigns { hangs: Some((Job::Inbox, TimeDelta::minutes(20))), ..well() };
    assert!(reason(&hangs, "08:30:00").starts_with("The inbox job has been on the same step for 20 minutes"),);
}

fn reason(signs: &ReadinessSigns, now: &str) -> String {
    reasons(signs, Tz::UTC, at(now)).join("\n")
}

#[test]
fn a_fresh_snapshot_and_an_empty_outbox_are_all_that_is_asked_for() {
    assert_eq!(reason(&well(), "08:59:59"), "");
    let just_due = ReadinessSigns { due: Some(at("09:00:00")), ..well() };
    assert_eq!(reason(&just_due, "09:15:20"), "", "it has a quarter of an hour, and the time that it takes");
}

#[test]
fn a_missing_snapshot_is_named_with_its_slot_and_since_when_it_fails() {
    let late = ReadinessSigns { due: Some(at("09:00:00")), ..well() };
    assert_eq!(
        reason(&late, "09:15:21"),
        "The snapshot of Sun 22 Nov 2026, 09:00 UTC is missing; the last one is of Sun 22 Nov 2026, 08:00 UTC."
    );
    let failing = ReadinessSigns { failing_since: Some(at("09:00:02")), snapshot: None, ..late };
    assert_eq!(
        reason(&failing, "09:00:03"),
        "No snapshot has been taken yet. The job has been failing since Sun 22 Nov 2026, 09:00 UTC: the log and `quotakeeper status` say why."
    );
}

#[test]
fn an_unreadable_mail_is_reported_at_once() {
    let unreadable = |count| reason(&ReadinessSigns { unreadable_mails: count, ..well() }, "08:30:00");
    assert_eq!(
        unreadable(1),
        "1 mail cannot be sent, because its record in outbox/ cannot be read. `quotakeeper status` says why."
    );
    assert!(unreadable(2).starts_with("2 mails cannot be sent, because their"), "{}", unreadable(2));
}

#[test]
fn mail_that_waits_for_over_an_hour_is_reported() {
    let waits = |new| ReadinessSigns {
        outbox: OutboxMetrics { new, dead: 9, oldest: Some(at("06:00:00")) },
        ..well()
    };
    assert_eq!(reason(&waits(1), "07:00:00"), "");
    assert_eq!(
        reason(&waits(3), "08:00:00"),
        "The outbox does not drain: 3 mails wait, the oldest for 2 hours. The log says what the mail server answers."
    );
}
