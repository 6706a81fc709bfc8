//! What people read, as plain data: snapshots, diffs and runs in, view models out.
//!
//! Pure functions. A view model holds raw numbers and finished sentences; `mail::render` and the templates only
//! lay them out, so that text, HTML and any later format say the same.

mod alerts;
mod changes;
pub(crate) mod closing;
mod examples;
mod failure;
mod notice;
mod owners;
mod ranking;
pub(crate) mod shared;
mod snapshot_summary;
mod table;
mod target;
mod timeline;
mod usage;

#[cfg(test)]
pub(crate) mod fixtures;

use serde::Serialize;

#[cfg(test)]
pub(crate) use self::alerts::crossings::AlertEvent;
pub(crate) use self::alerts::crossings::{AlertTiming, Evidence, Record, judge};
pub(crate) use self::alerts::{AlertInput, AlertReport, alert_report};
pub(crate) use self::changes::diffs::{DiffContext, RESTORE, Unlisted, drift_report, outside, period_report};
pub(crate) use self::changes::files::GatheredFiles;
pub(crate) use self::changes::held::{HeldRun, held, reason};
pub(crate) use self::changes::row::ChangeRow;
pub(crate) use self::changes::row_outcomes::Section as ChangesSection;
pub(crate) use self::changes::run_notice::RunNotice;
pub(crate) use self::changes::{ChangesReport, run_report};
pub(crate) use self::closing::cycle_lookup::{ClosedCycles, CycleLookup};
#[cfg(test)]
pub(crate) use self::closing::cycle_lookup::{Cycle, LastSeen as SeenInCycle};
pub(crate) use self::closing::cycle_tracker::{ClosingRecord, EndedCycle, last_cycles};
pub(crate) use self::closing::{ClosingInput, ClosingReport, closing_report};
pub(crate) use self::examples::examples;
pub(crate) use self::failure::{
    FailingJob, Failure, FailureReport, FileProblem, ProblemKind, advice, failure_report, file_report,
    is_full_disk,
};
pub(crate) use self::notice::{NoticeReport, recovery_report, test_report};
pub(crate) use self::owners::{
    Share, alert_report_to_owners, changed_targets, closing_report_to_owners, drift_report_to_owners,
    run_report_to_owners, seen_targets,
};
pub(crate) use self::ranking::{Ranking, is_over};
pub(crate) use self::shared::curves::{Curves, DrawnCurves};
pub(crate) use self::shared::level::Level;
pub(crate) use self::shared::picture::Picture;
pub(crate) use self::shared::quota_status::{Bar, JudgingContext, QuotaStatus, quota_statuses};
pub(crate) use self::shared::readings::{OrganizationReadings, Readings};
pub(crate) use self::shared::rebalance::{REBALANCE, Rebalance};
pub(crate) use self::shared::trends::Trends;
pub(crate) use self::shared::week::{Slopes, Week};
pub(crate) use self::shared::{Audience, Extent, Footer, ReportContext, page_of, words};
pub(crate) use self::snapshot_summary::SnapshotSummary;
pub(crate) use self::table::{USAGE_COLUMNS, changes_table, closing_table, usage_record, usage_table};
pub(crate) use self::target::{TargetPage, TargetParts, target_page};
pub(crate) use self::timeline::{Moment, People, QuotaChange, Timeline, TimelineInput, timeline};
pub(crate) use self::usage::input::UsageInput;
pub(crate) use self::usage::page::{Owners, PageInput, Row as UsageRow, UsagePage};
pub(crate) use self::usage::{UsageReport, usage_report};

impl AlertReport {
    /// Where the page of what it is about is, and what leads there: that of one target, or the list of the worst; none for
    /// owners.
    fn page(&self) -> Option<(String, &'static str)> {
        let more = self.more_critical + self.more_warnings + self.more_recovered;
        let reported = || self.critical.iter().chain(&self.warnings).map(|row| &row.page);
        let all: Vec<&String> = reported().chain(self.recovered.iter().map(|row| &row.page)).collect();
        let has_both = !self.critical.is_empty() && !self.warnings.is_empty();
        Some(match (all.as_slice(), self.level) {
            _ if self.to_owners => return None,
            ([one], _) if more == 0 => ((*one).clone(), "Open it"),
            (_, Level::Critical) if has_both => {
                ("/groups#state=critical".to_owned(), "Open all that are critical")
            }
            (_, Level::Critical) => ("/groups#state=critical".to_owned(), "Open them all"),
            (_, Level::Warning) => ("/groups#state=warning".to_owned(), "Open them all"),
            (_, Level::Fine) => ("/groups".to_owned(), "Open the account groups"),
        })
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

    /// What the subject begins with: how bad it is, or what it waits for.
    pub(crate) fn tag(&self) -> &'static str {
        let of_level = |level| match level {
            Level::Fine => "OK",
            Level::Warning => "Warning",
            Level::Critical => "Critical",
        };
        match self {
            Self::Usage(report) => of_level(report.level),
            Self::Changes(report) if report.waits() => "Held",
            Self::Changes(report) => of_level(report.level),
            Self::Alerts(report) => of_level(report.level),
            // Looking back, what ran out is more than "OK", and nothing is to be done at once.
            Self::Closing(report) => of_level(report.level.max(report.worst_of_groups())),
            Self::Failure(_) => "Failed",
            Self::Notice(report) => report.tag,
        }
    }

    /// Where the page of what it is about is, if pages are served, and what leads there; none where its readers have no access.
    pub(crate) fn page(&self) -> Option<(String, &'static str)> {
        Some(match self {
            Self::Usage(_) => ("/".to_owned(), "Open the overview"),
            Self::Changes(report) if !report.listed.is_empty() => return None,
            Self::Changes(report) => match &report.run {
                Some(run) => (format!("/changes/{run}"), "Open the change file"),
                None => ("/changes".to_owned(), "Open the changes"),
            },
            Self::Alerts(report) => report.page()?,
            Self::Closing(report) if !report.listed.is_empty() => return None,
            Self::Closing(_) => ("/cycles".to_owned(), "Open the cycles"),
            Self::Failure(_) | Self::Notice(_) => ("/health".to_owned(), "Open the service's health"),
        })
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

    /// What it reports, so that the same thing reported twice has the same `Message-ID`.
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
