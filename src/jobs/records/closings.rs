//! `closings.json`: which closed billing cycles were reported, and from which snapshots.

use chrono::{DateTime, Utc};
use tracing::warn;

use crate::files;
use crate::files::versioned_json::{self, Kind, Loaded};
use crate::jobs::job::Job;
use crate::jobs::state::StateFile;
use crate::report::ClosingRecord;

pub(crate) const FILE: Kind = Kind {
    name: "closings.json",
    version: 1,
    without: "cycles that closed since the last closing report are found again",
    limit: files::RECORD,
};

/// The snapshots that figures of closed cycles were taken from: later reports of the same year repeat them.
pub(crate) fn reported_snapshots(
    state: &StateFile<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<DateTime<Utc>>> {
    Ok(record(state, now)?.reported_from)
}

/// What was reported. Where that was lost, it begins with the cycles that ran at the last such report, so that those that
/// closed since are still reported.
pub(crate) fn record(state: &StateFile<'_>, now: DateTime<Utc>) -> anyhow::Result<ClosingRecord> {
    let data_dir = &state.config.data.dir;
    match versioned_json::read_or_set_aside(data_dir, &FILE, now)? {
        Loaded::Known(record) => Ok(record),
        Loaded::Missing | Loaded::SetAside => {
            let mut record = ClosingRecord::default();
            if let Some(reported) = state.read_or_begin(now).last_success(Job::ClosingReport) {
                let mut before = state.history.until(reported)?.into_iter().rev();
                if let Some(baseline) = before.find_map(|at| state.history.read_or_warn(at)) {
                    record = record.judge(&baseline);
                }
            }
            // A full disk keeps nobody from reading it, such as `prune`, which makes room: it begins like this again.
            if let Err(error) = versioned_json::save(data_dir, &FILE, &record) {
                warn!(error = format!("{error:#}"), "closings.json cannot be written");
            }
            Ok(record)
        }
    }
}
