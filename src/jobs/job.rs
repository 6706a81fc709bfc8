//! The jobs by name, and when each happens.

use serde::{Deserialize, Serialize};

use crate::config::Schedule;
use crate::schedule::Expression;

/// The jobs, in the order in which `once` does them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    /// Dropped files become changed quotas, or wait for a person.
    Inbox,
    /// Quotas and usage become a file of the history; what changed since the last one is reported.
    Snapshot,
    /// The morning mail: what is used, and what will run out.
    UsageReport,
    /// What changed in a period, and who changed it.
    ChangesReport,
    /// What was used in the billing cycles that closed since the last such report.
    ClosingReport,
    /// Warnings, and what is back to normal, since the last digest.
    Digest,
    /// Old snapshots are thinned, finished runs and old mail removed.
    Prune,
    /// Queued mail is delivered.
    Outbox,
}

impl Job {
    pub(crate) const ALL: [Self; 8] = [
        Self::Inbox,
        Self::Snapshot,
        Self::UsageReport,
        Self::ChangesReport,
        Self::ClosingReport,
        Self::Digest,
        Self::Prune,
        Self::Outbox,
    ];

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
}
