//! What people are told, as plain data: snapshots, diffs and runs in, view models out.
//!
//! Pure functions. A view model holds raw numbers and finished sentences; `mail::render` and the templates only
//! lay them out, so that text, HTML and any later format say the same.

mod alert;
mod alert_report;
mod change_row;
mod changes;
mod chart;
mod closing;
mod closing_words;
mod cycle_lookup;
mod cycle_tracker;
mod cycle_usage;
mod examples;
mod failure;
mod files;
mod level;
mod notice;
mod owners;
pub(crate) mod planned;
mod quota_status;
mod row_outcomes;
mod summary;
mod table;
mod trends;
mod usage;

#[cfg(test)]
pub(crate) mod closing_fixtures;
#[cfg(test)]
pub(crate) mod fixtures;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

#[cfg(test)]
pub(crate) use self::alert::News;
pub(crate) use self::alert::{Occasion, Record, Seen, judge};
pub(crate) use self::alert_report::{AlertInput, AlertReport, alert_report};
pub(crate) use self::changes::{ChangesReport, drift_report, period_report, run_report};
pub(crate) use self::closing::{ClosingInput, ClosingReport, closing_report};
pub(crate) use self::cycle_lookup::{Closed, Walk};
#[cfg(test)]
pub(crate) use self::cycle_lookup::{Cycle, Seen as SeenInCycle};
pub(crate) use self::cycle_tracker::{ClosingRecord, Ended, last_cycles};
pub(crate) use self::examples::examples;
pub(crate) use self::failure::{
    Failure, FailureReport, FileProblem, ProblemKind, advice, failure_report, file_report, is_full_disk,
};
pub(crate) use self::files::Gathered;
#[cfg(test)]
pub(crate) use self::level::Level;
pub(crate) use self::notice::{NoticeReport, recovery_report, test_report};
pub(crate) use self::owners::{
    alert_report_to_owners, closing_report_to_owners, drift_report_to_owners, run_report_to_owners,
    seen_targets, touched,
};
pub(crate) use self::quota_status::{Standing, standings};
pub(crate) use self::table::{changes_table, closing_table, usage_table};
pub(crate) use self::trends::{Picture, Points, Trends, Week};
pub(crate) use self::usage::{UsageInput, UsageReport, usage_report};
pub(crate) use crate::text::words;

/// When a report is made, in which zone people read it, and which installation makes it.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    pub instance: String,
    /// How long a held run waits for a person: `guard.expire`.
    pub expire: Duration,
}

impl Edition {
    /// `Sun 29 Nov 2026, 07:55`: when a run that was held then is rejected, if nobody decides.
    pub(crate) fn until(&self, held: DateTime<Utc>) -> String {
        let expire = TimeDelta::from_std(self.expire).ok();
        let until = expire.and_then(|expire| held.checked_add_signed(expire));
        until.map_or_else(|| "a person decides".to_owned(), |until| words::moment(until, self.zone))
    }
}

/// Who reads a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Those under `mail.to`: they see all, and can act on it.
    Administrators,
    /// Those of `mail.routes_file`: they see what is theirs, and can use no command.
    Owners,
}

/// The lines at the foot of every report that tell where it comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Imprint {
    /// `Sun 22 Nov 2026, 08:00 Europe/Berlin`.
    pub made: String,
    pub zone: String,
    pub instance: String,
    pub version: &'static str,
}

impl From<&Edition> for Imprint {
    fn from(edition: &Edition) -> Self {
        Self {
            made: format!("{} {}", words::moment(edition.now, edition.zone), edition.zone),
            zone: edition.zone.to_string(),
            instance: words::clean(&edition.instance, 60),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Any report, as the mail renders it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Report {
    Usage(Box<UsageReport>),
    Changes(Box<ChangesReport>),
    Alerts(Box<AlertReport>),
    Closing(Box<ClosingReport>),
    Failure(Box<FailureReport>),
    Notice(Box<NoticeReport>),
}

impl Report {
    /// The folder of its templates.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Changes(_) => "changes",
            Self::Alerts(_) => "alerts",
            Self::Closing(_) => "closing",
            Self::Failure(_) => "failure",
            Self::Notice(_) => "notice",
        }
    }

    /// What in the configuration names its recipients.
    pub(crate) fn recipients_key(&self) -> &str {
        match self {
            Self::Changes(report) if !report.listed.is_empty() => &report.listed,
            Self::Alerts(report) if !report.listed.is_empty() => &report.listed,
            Self::Closing(report) if !report.listed.is_empty() => &report.listed,
            Self::Usage(_) | Self::Closing(_) => "mail.to.usage",
            Self::Changes(_) => "mail.to.changes",
            Self::Alerts(_) => "mail.to.alerts",
            Self::Failure(_) => "mail.to.failures",
            Self::Notice(report) => report.listed,
        }
    }

    /// What is drawn in it.
    pub(crate) fn pictures(&self) -> Vec<&Picture> {
        match self {
            Self::Usage(report) => report.pictures(),
            Self::Changes(_) | Self::Alerts(_) | Self::Closing(_) | Self::Failure(_) | Self::Notice(_) => {
                Vec::new()
            }
        }
    }

    /// The same in words alone.
    pub(crate) fn without_pictures(self) -> Self {
        match self {
            Self::Usage(report) => Self::Usage(Box::new(report.without_pictures())),
            Self::Changes(_) | Self::Alerts(_) | Self::Closing(_) | Self::Failure(_) | Self::Notice(_) => {
                self
            }
        }
    }

    /// What the mails that belong together have in common; none where a mail stands alone.
    pub(crate) fn thread(&self) -> Option<&str> {
        match self {
            Self::Changes(report) if !report.thread.is_empty() => Some(&report.thread),
            Self::Failure(report) if !report.thread.is_empty() => Some(&report.thread),
            Self::Notice(report) if !report.thread.is_empty() => Some(&report.thread),
            Self::Usage(_)
            | Self::Changes(_)
            | Self::Closing(_)
            | Self::Alerts(_)
            | Self::Failure(_)
            | Self::Notice(_) => None,
        }
    }

    /// What it reports, so that the same thing told twice has the same `Message-ID`.
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::Usage(report) => &report.identity,
            Self::Changes(report) => &report.identity,
            Self::Alerts(report) => &report.identity,
            Self::Closing(report) => &report.identity,
            Self::Failure(report) => &report.identity,
            Self::Notice(report) => &report.identity,
        }
    }
}
