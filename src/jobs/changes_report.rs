//! The changes report: what changed in a period, and who changed it.

use chrono::{DateTime, Duration, Utc};
use tracing::info;

use super::job::done::{Done, Trigger};
use super::records::Reporting;
use crate::jobs::job::Job;
use crate::jobs::report_inputs::Scope;

/// Without an earlier report, so far back.
const FIRST: Duration = Duration::days(30);

/// Mails what changed since the last such report (or for as long as a person asks), and who changed it; nothing where nothing
/// did.
pub(super) fn queue(reporting: &Reporting<'_>, trigger: Trigger, now: DateTime<Utc>) -> anyhow::Result<Done> {
    let last = reporting.state.read_or_begin(now).last_success(Job::ChangesReport);
    let last = last.unwrap_or(now - FIRST);
    let since = match trigger {
        Trigger::Person { since: Some(since) } => since,
        Trigger::Person { since: None } | Trigger::Schedule => last,
    };
    let report = reporting.inputs.changes_report(since, &Scope::default(), now)?;
    let is_mailed = !report.is_empty() || reporting.inputs.config.mail.changes_when_empty;
    if is_mailed {
        reporting.mailer.changes(&report, now)?;
    } else {
        info!("{}: no mail (mail.changes_when_empty)", report.headline);
    }
    // A look at a part of the time since the last report leaves the rest to the next one.
    Ok(if since > last { Done::unrecorded() } else { Done::default() })
}
