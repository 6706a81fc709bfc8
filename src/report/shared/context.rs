//! What every report is given, and says at its foot: for whom, when and by which installation it is made, and how much it lists.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::quota::Target;
use crate::text::words;

/// How much of what there is a report lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// As much as a mail holds, the worst first; the rest is counted.
    #[default]
    Mail,
    /// Everything: a file leaves nothing out.
    Whole,
}

/// When a report is made, in which zone people read it, which installation makes it, and how much it lists.
#[derive(Clone, Debug)]
pub(crate) struct ReportContext {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    pub instance: String,
    /// How long a held run waits for a person: `guard.expire`.
    pub expire: Duration,
    pub extent: Extent,
}

impl ReportContext {
    /// How many are listed of what a mail lists so many of.
    pub(in crate::report) fn at_most(&self, in_a_mail: usize) -> usize {
        match self.extent {
            Extent::Mail => in_a_mail,
            Extent::Whole => usize::MAX,
        }
    }

    /// `Sun 29 Nov 2026, 07:55`: when a run that was held then is rejected, if nobody decides.
    pub(crate) fn until(&self, held: DateTime<Utc>) -> String {
        words::decision_due(held, self.expire, self.zone)
    }
}

/// Where the page of a target is, if pages are served: `/organizations/10452/groups/204117`.
pub(crate) fn page_of(target: &Target) -> String {
    match &target.aid {
        Some(aid) => format!("/organizations/{}/groups/{aid}", target.org_id),
        None => format!("/organizations/{}/quota", target.org_id),
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

/// The lines at the foot of every report that say where it comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Footer {
    /// `Sun 22 Nov 2026, 08:00 Europe/Berlin`.
    pub made: String,
    pub zone: String,
    pub instance: String,
    pub version: &'static str,
}

impl From<&ReportContext> for Footer {
    fn from(context: &ReportContext) -> Self {
        Self {
            made: format!("{} {}", words::moment(context.now, context.zone), context.zone),
            zone: context.zone.to_string(),
            instance: words::clean(&context.instance, 60),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
