//! The digest: warnings, and what is back to normal, since the last one.

use chrono::{DateTime, Utc};
use tracing::info;

use super::records::alerts::{self, Latest};
use crate::files::versioned_json;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::state::StateFile;
use crate::mail::Mailer;
use crate::report::Occasion;

/// Mails what waits for the daily digest; nothing where nothing does.
pub(super) fn queue(
    inputs: &ReportInputs<'_>,
    mailer: &Mailer,
    state: &StateFile<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let data_dir = &inputs.config.data.dir;
    let record = alerts::record(inputs, mailer, state, Latest::unknown(), now)?;
    let Some(latest) = inputs.history.latest_readable(now)? else { return Ok(()) };
    let week = inputs.week(&latest)?;
    let reported = alerts::queue(inputs, mailer, Occasion::Digest, record.clone(), &latest, &week, now)?;
    if reported == record {
        info!("no warning since the last digest: no mail");
        return Ok(());
    }
    versioned_json::save(data_dir, &alerts::FILE, &reported)
}
