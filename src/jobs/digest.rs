//! The digest: warnings, and what is back to normal, since the last one.

use chrono::{DateTime, Utc};
use tracing::info;

use super::records::Reporting;
use super::records::alerts::{self, Latest, Observed};
use crate::domain::top_consumers::TopConsumers;
use crate::files::versioned_json;
use crate::report::AlertTiming;

/// Mails what waits for the daily digest; nothing where nothing does.
pub(super) fn queue(reporting: &Reporting<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let inputs = &reporting.inputs;
    let record = alerts::record(reporting, Latest::unknown(), now)?;
    let Some(latest) = inputs.history.latest_readable(now)? else { return Ok(()) };
    let week = inputs.week(&latest)?;
    let seen = Observed { latest: &latest, week: &week, largest: TopConsumers::empty() };
    let reported = alerts::queue(reporting, AlertTiming::Digest, record.clone(), &seen, now)?;
    if reported == record {
        info!("no warning since the last digest: no mail");
        return Ok(());
    }
    versioned_json::save(&inputs.config.data.dir, &alerts::FILE, &reported)
}
