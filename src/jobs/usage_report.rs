//! The usage report: how every organization and account group stands, and what will run out when.

use chrono::{DateTime, Utc};

use super::job::done::Done;
use super::records::Reporting;

/// Mails how every organization and account group stands, and what will run out when.
pub(super) fn queue(reporting: &Reporting<'_>, now: DateTime<Utc>) -> anyhow::Result<Done> {
    let report = reporting.inputs.usage_report(now)?;
    reporting.mailer.usage(report, now)?;
    Ok(Done::default())
}
