//! Whether the daemon does what it is for: the last snapshot is fresh by its schedule, and the outbox drains. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::daemon::metrics::OutboxMetrics;
use crate::jobs::Job;
use crate::text::words::{age, counted, moment_in};

/// A job may begin so much after its slot, and takes its time too.
pub(crate) const LATE: TimeDelta = TimeDelta::minutes(15);

/// A mail that waits for longer is not just on its way.
const LONGEST_IN_THE_OUTBOX: TimeDelta = TimeDelta::hours(1);

/// What readiness is decided by.
#[derive(Clone, Debug)]
pub(crate) struct ReadinessSigns {
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
    pub outbox: OutboxMetrics,
    /// Nothing can be written below `data.dir`.
    pub is_read_only: bool,
    /// Mails whose record cannot be read.
    pub unreadable_mails: usize,
}

/// What is not well, each a sentence; none where all is.
pub(crate) fn reasons(signs: &ReadinessSigns, zone: Tz, now: DateTime<Utc>) -> Vec<String> {
    let mut found = Vec::new();
    if signs.is_read_only {
        found.push(
            "The file system that holds data.dir is read-only, as after a disk error: nothing can be recorded or sent."
                .to_owned(),
        );
    }
    let time = |at: DateTime<Utc>| moment_in(at, zone);
    let failing = signs.failing_since.map_or_else(String::new, |since| {
        format!(" The job has been failing since {}: the log and `quotakeeper status` say why.", time(since))
    });
    match (signs.snapshot, signs.due) {
        (None, _) => found.push(format!("No snapshot has been taken yet.{failing}")),
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
            "The {} job has been on the same step for {}: it hangs, or a step is very slow. The end of the log says \
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
mod tests;
