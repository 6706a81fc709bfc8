//! Any of the reports, as the mail renders it: what its subject begins with, who is to get it, and what it is known by.

use serde::Serialize;

use crate::report::alerts::AlertReport;
use crate::report::changes::ChangesReport;
use crate::report::closing::ClosingReport;
use crate::report::failure::FailureReport;
use crate::report::notice::NoticeReport;
use crate::report::shared::level::Level;
use crate::report::shared::picture::Picture;
use crate::report::usage::UsageReport;

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
