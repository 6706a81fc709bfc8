//! The usage report: how every organization and account group stands, and what will run out when.

use chrono::{DateTime, Utc};

use super::job::done::Done;
use crate::jobs::report_inputs::ReportInputs;
use crate::mail::Mailer;

/// Mails how every organization and account group stands, and what will run out when.
pub(super) fn queue(inputs: &ReportInputs<'_>, mailer: &Mailer, now: DateTime<Utc>) -> anyhow::Result<Done> {
    let report = inputs.usage_report(now)?;
    mailer.usage(&report, now)?;
    Ok(Done::default())
}
