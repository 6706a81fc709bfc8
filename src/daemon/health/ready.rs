//! Whether the daemon does what it is for: the last snapshot is fresh by its schedule, and the outbox drains. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::daemon::metrics::OutboxSheet;
use crate::jobs::Job;
use crate::text::words::{age, counted, moment_in};

/// A job may begin so much after its slot, and takes its time too.
pub(crate) const LATE: TimeDelta = TimeDelta::minutes(15);

/// A mail that waits for longer is not just on its way.
const LONGEST_IN_THE_OUTBOX: TimeDelta = TimeDelta::hours(1);

/// What readiness is decided by.
#[derive(Clone, Debug)]
pub(crate) struct Signs {
    /// When the latest snapshot was taken.
    pub snapshot: Option<DateTime<Utc>>,
    /// The slot of the snapshot that was not served yet, if there is one.
    pub due: Option<DateTime<Utc>>,
    /// How long the last snapshot took.
    pub took: TimeDelta,
    pub failing_since: Option<DateTime<Utc>>,
    /// Other jobs that are late: the first slot that nobody served.
    pub late: Vec<(Job, DateTime<Utc>)>,
    /// What has been under way for too long, and for how long.
    pub hangs: Option<(Job, TimeDelta)>,
    pub outbox: OutboxSheet,
    /// Mails whose record cannot be read.
    pub unreadable_mails: usize,
}

/// What is not well, each a sentence; none where all is.
pub(crate) fn reasons(signs: &Signs, zone: Tz, now: DateTime<Utc>) -> Vec<String> {
    let mut found = Vec::new();
    let time = |at: DateTime<Utc>| moment_in(at, zone);
    let failing = signs.failing_since.map_or_else(String::new, |since| {
        format!(" The job has been failing since {}: the log and `quotakeeper status` say why.", time(since))
    });
    match (signs.snapshot, signs.due) {
        (None, _) => found.push(format!("No snapshot was taken yet.{failing}")),
        (Some(last), Some(due)) if now - due > LATE + signs.took => {
            found.push(format!(
                "The snapshot of {} is missing; the last one is of {}.{failing}",
                time(due),
                time(last)
            ));
        }
        _ => {}
    }
    for (job, due) in &signs.late {
        found.push(format!("The {} job is late: it has waited since {}.", job.name(), time(*due)));
    }
    if let Some((job, took)) = signs.hangs {
        found.push(format!(
            "The {} job has been on the same step for {}: it hangs, or the step is very slow. The end of the log says \
             what it is.",
            job.name(),
            age(took)
        ));
    }
    if signs.unreadable_mails > 0 {
        let (mails, is) = (signs.unreadable_mails, if signs.unreadable_mails == 1 { "its" } else { "their" });
        found.push(format!(
            "{} cannot be sent, because {is} record in outbox/ cannot be read. `quotakeeper status` says why.",
            counted(mails, "mail")
        ));
    }
    if let Some(oldest) = signs.outbox.oldest.filter(|oldest| now - *oldest > LONGEST_IN_THE_OUTBOX) {
        let waits = if signs.outbox.new == 1 { "waits" } else { "wait" };
        found.push(format!(
            "The outbox does not drain: {} {waits}, the oldest for {}. The log says what the mail server answers.",
            counted(signs.outbox.new, "mail"),
            age(now - oldest)
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-22T{time}Z").parse().unwrap()
    }

    fn well() -> Signs {
        Signs {
            snapshot: Some(at("08:00:01")),
            due: None,
            took: TimeDelta::seconds(20),
            failing_since: None,
            late: Vec::new(),
            hangs: None,
            outbox: OutboxSheet::default(),
            unreadable_mails: 0,
        }
    }

    #[test]
    fn another_job_that_is_late_and_one_that_hangs_are_named() {
        let late = Signs { late: vec![(Job::UsageReport, at("06:00:00"))], ..well() };
        assert_eq!(
            reason(&late, "08:30:00"),
            "The usage report job is late: it has waited since Sun 22 Nov 2026, 06:00 UTC."
        );
        let hangs = Signs { hangs: Some((Job::Inbox, TimeDelta::minutes(20))), ..well() };
        assert!(
            reason(&hangs, "08:30:00").starts_with("The inbox job has been on the same step for 20 minutes"),
        );
    }

    fn reason(signs: &Signs, now: &str) -> String {
        reasons(signs, Tz::UTC, at(now)).join("\n")
    }

    #[test]
    fn a_fresh_snapshot_and_an_empty_outbox_are_all_that_is_asked_for() {
        assert_eq!(reason(&well(), "08:59:59"), "");
        let just_due = Signs { due: Some(at("09:00:00")), ..well() };
        assert_eq!(
            reason(&just_due, "09:15:20"),
            "",
            "it has a quarter of an hour, and the time that it takes"
        );
    }

    #[test]
    fn a_missing_snapshot_is_named_with_its_slot_and_since_when_it_fails() {
        let late = Signs { due: Some(at("09:00:00")), ..well() };
        assert_eq!(
            reason(&late, "09:15:21"),
            "The snapshot of Sun 22 Nov 2026, 09:00 UTC is missing; the last one is of Sun 22 Nov 2026, 08:00 UTC."
        );
        let failing = Signs { failing_since: Some(at("09:00:02")), snapshot: None, ..late };
        assert_eq!(
            reason(&failing, "09:00:03"),
            "No snapshot was taken yet. The job has been failing since Sun 22 Nov 2026, 09:00 UTC: the log and `quotakeeper status` say why."
        );
    }

    #[test]
    fn an_unreadable_mail_is_reported_at_once() {
        let unreadable = |count| reason(&Signs { unreadable_mails: count, ..well() }, "08:30:00");
        assert_eq!(
            unreadable(1),
            "1 mail cannot be sent, because its record in outbox/ cannot be read. `quotakeeper status` says why."
        );
        assert!(unreadable(2).starts_with("2 mails cannot be sent, because their"), "{}", unreadable(2));
    }

    #[test]
    fn mail_that_waits_for_over_an_hour_is_reported() {
        let waits =
            |new| Signs { outbox: OutboxSheet { new, dead: 9, oldest: Some(at("06:00:00")) }, ..well() };
        assert_eq!(reason(&waits(1), "07:00:00"), "");
        assert_eq!(
            reason(&waits(3), "08:00:00"),
            "The outbox does not drain: 3 mails wait, the oldest for 2 hours. The log says what the mail server answers."
        );
    }
}
