//! The jobs by name, and when each happens.

pub(super) mod done;

use crate::config::Schedule;
use crate::schedule::Expression;
use crate::text::codes::codes;

codes!(
    /// The jobs, in the order in which `once` does them. The text is that of `state.json` and of metrics.
    Job {
        /// Dropped files become changed quotas, or wait for a person.
        Inbox = "inbox",
        /// Quotas and usage become a file of the history; what changed since the last one is reported.
        Snapshot = "snapshot",
        /// The morning mail: what is used, and what will run out.
        UsageReport = "usage_report",
        /// What changed in a period, and who changed it.
        ChangesReport = "changes_report",
        /// What was used in the billing cycles that closed since the last such report.
        ClosingReport = "closing_report",
        /// Warnings, and what is back to normal, since the last digest.
        Digest = "digest",
        /// Old snapshots are thinned, finished runs and old mail removed.
        Prune = "prune",
        /// Queued mail is delivered.
        Outbox = "outbox",
    }
);

impl Job {
    /// The name in logs, mails and `status`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Snapshot => "snapshot",
            Self::UsageReport => "usage report",
            Self::ChangesReport => "changes report",
            Self::ClosingReport => "closing report",
            Self::Digest => "digest",
            Self::Prune => "prune",
            Self::Outbox => "outbox",
        }
    }

    /// When it happens; none when it is switched off.
    pub(crate) fn schedule(self, schedule: &Schedule) -> Option<Expression> {
        match self {
            Self::Inbox => Some(schedule.inbox.clone()),
            Self::Snapshot => Some(schedule.snapshot.clone()),
            Self::UsageReport => schedule.usage_report.clone(),
            Self::ChangesReport => schedule.changes_report.clone(),
            // It is read beside the usage report. Who switched that off still has a morning for such mail.
            Self::ClosingReport => schedule.usage_report.clone().or_else(|| schedule.digest.clone()),
            Self::Digest => schedule.digest.clone(),
            Self::Prune => "0 3 * * *".parse().ok(),
            Self::Outbox => "* * * * *".parse().ok(),
        }
    }

    /// Whether it needs no memory of when it was done last, because it finds what is to be done where that waits. It is looked
    /// for each minute.
    pub(crate) fn takes_what_waits(self) -> bool {
        match self {
            Self::Inbox | Self::Outbox => true,
            Self::Snapshot
            | Self::UsageReport
            | Self::ChangesReport
            | Self::ClosingReport
            | Self::Digest
            | Self::Prune => false,
        }
    }

    /// Whether its next success does all that the slots before it left undone.
    pub(in crate::jobs) fn makes_up_for_missed_slots(self) -> bool {
        match self {
            Self::Inbox | Self::ClosingReport | Self::Prune | Self::Outbox => true,
            Self::Snapshot | Self::UsageReport | Self::ChangesReport | Self::Digest => false,
        }
    }

    pub(crate) fn sends(self) -> Sends {
        match self {
            Self::UsageReport => Sends::Report("usage"),
            Self::ChangesReport => Sends::Report("changes"),
            Self::ClosingReport => Sends::Report("closing"),
            Self::Outbox | Self::Digest => Sends::Mail,
            Self::Snapshot | Self::Inbox | Self::Prune => Sends::Nothing,
        }
    }
}

/// What a job is there to send: where mail is off, its user sees nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// A report that `quotakeeper report` can also write to a file, by this name.
    Report(&'static str),
    Mail,
    /// It does its work without mail too.
    Nothing,
}
