//! What quotakeeper does, job by job. Each job can be repeated at any time; each leaves whole files or none.
//!
//! ```text
//! daemon, once ─▶ worker ─▶ agenda   which unit of work comes next (pure)
//!                       └─▶ serve ◀─ the commands       one job from its beginning to its end, and what is remembered of it
//!                             └─▶ inbox, snapshot, reports, prune, outbox
//! ```

pub(crate) mod activity;
mod agenda;
pub(crate) mod alerts;
mod app;
pub(crate) mod apply;
mod catch_panic;
pub(crate) mod closings;
pub(crate) mod comparison;
mod inbox;
mod liveness;
pub(crate) mod notices;
mod outbox;
pub(crate) mod own_files;
pub(crate) mod prune;
pub(crate) mod report_inputs;
mod reports;
pub(crate) mod requests;
mod retry;
mod serve;
mod snapshot;
pub(crate) mod state;
mod worker;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use self::app::{App, api};
pub(crate) use self::serve::{Trigger, log_failure, serve};
pub(crate) use self::worker::Worker;
use crate::config::Schedule;
use crate::exit_code::Findings;
use crate::history::History;
use crate::jobs::state::State;
use crate::schedule::{Expression, Missed};

/// The jobs, in the order in which `once` does them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    /// Dropped files become changed quotas, or wait for a person.
    Inbox,
    /// Quotas and usage become a file of the history; what changed since the last one is told.
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

    /// The slot that is to be served now, if there is one. What was tried and failed is not let go, whatever `catch_up` says.
    pub(crate) fn due(
        self,
        schedule: &Schedule,
        history: &History,
        state: &State,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !state.is_usable() && !self.takes_what_waits() {
            return None;
        }
        let grace = (!schedule.catch_up && !state.is_failing(self)).then(|| Duration::minutes(5));
        let slot = self.schedule(schedule)?.due(schedule.timezone, state.last_success(self), now, grace)?;
        // Without a snapshot there is nothing to report on, and why there is none is told already.
        let too_early = self == Self::UsageReport && history.list().is_ok_and(|all| all.is_empty());
        (!too_early).then_some(slot)
    }

    /// The slots of which nothing is left behind when a success at `began` ends a gap.
    fn missed(self, schedule: &Schedule, state: &State, began: DateTime<Utc>) -> Option<Missed> {
        match self {
            Self::Snapshot | Self::UsageReport | Self::ChangesReport | Self::Digest => {
                self.schedule(schedule)?.missed(schedule.timezone, state.last_success(self), began)
            }
            // These take up whatever waits: a later look does the same.
            Self::Inbox | Self::ClosingReport | Self::Prune | Self::Outbox => None,
        }
    }

    /// Whether it needs no memory of when it was done last, because it finds what is to be done where that waits.
    fn takes_what_waits(self) -> bool {
        matches!(self, Self::Inbox | Self::Outbox)
    }

    /// The slot that is to be served now, or whose failure is to be tried again, if there is one.
    fn to_serve(
        self,
        schedule: &Schedule,
        history: &History,
        state: &State,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let slot = self.due(schedule, history, state, now);
        let owed = || state.last_success(self).filter(|_| self.owes_telling(schedule, history, state, now));
        slot.or_else(owed)
    }

    /// Whether the slot was served and what it showed is still to be told.
    fn owes_telling(self, schedule: &Schedule, history: &History, state: &State, now: DateTime<Utc>) -> bool {
        // One that a person asked for in vain took no snapshot, and is over only when one is taken.
        self == Self::Snapshot
            && state.why(self).is_some_and(|why| why.after_serving)
            && state.is_usable()
            && self.due(schedule, history, state, now).is_none()
    }

    /// Does the job as its schedule would.
    pub(crate) async fn run(self, app: &App, now: DateTime<Utc>) -> anyhow::Result<Findings> {
        serve(app, self, Trigger::Schedule, now).await
    }
}

#[cfg(test)]
mod tests;
