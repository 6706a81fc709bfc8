//! Which billing cycles closed, decided from the latest snapshot and the record of the cycles that were seen before.
//!
//! An organization that is seen for the first time is a baseline: nothing of it closed. Each cycle is reported once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::quota::{OrgId, Organization, Snapshot};

/// The API may say the start of the same cycle a little differently; another cycle starts days later.
pub(in crate::report) const SAME: TimeDelta = TimeDelta::days(1);
/// Between two cycles that follow each other there is less.
pub(in crate::report) const GAP: TimeDelta = TimeDelta::days(3);
/// An organization that was not visible for so long is forgotten: longer than any cycle.
const FORGOTTEN: TimeDelta = TimeDelta::days(45);
/// Snapshots that closing reports were made from are kept for so long: until the year's reports are over.
const KEPT: TimeDelta = TimeDelta::days(400);

/// `closings.json`: the cycles that run, what closed and is still to be reported, and from which snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClosingRecord {
    /// The cycle of each organization that was seen last, in the order of the organizations.
    cycles: Vec<TrackedCycle>,
    /// What closed and was not reported yet, in the order of the organizations.
    pub pending: Vec<EndedCycle>,
    /// The snapshots whose figures were reported as those of a closed cycle, earliest first.
    #[serde(rename = "told_from")]
    pub reported_from: Vec<DateTime<Utc>>,
}

/// What is remembered of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TrackedCycle {
    org_id: OrgId,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Whether it closed by now, and was reported or is pending.
    closed: bool,
}

/// A cycle that closed. If some were missed, it is all the time from the first to the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndedCycle {
    pub org_id: OrgId,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

impl ClosingRecord {
    /// The record after a snapshot, with what it shows to have closed. The same snapshot again closes nothing more. As long as
    /// something is pending nothing is added to it: reported again after a crash it must be the same mail.
    pub(crate) fn judge(self, latest: &Snapshot) -> Self {
        if !self.pending.is_empty() {
            return self;
        }
        let now = latest.taken_at;
        let mut known: BTreeMap<OrgId, TrackedCycle> =
            self.cycles.into_iter().map(|known| (known.org_id.clone(), known)).collect();
        // A clock that was ahead closed it; it runs still.
        for known in known.values_mut().filter(|known| known.end > now) {
            known.closed = false;
        }
        let mut pending = Vec::new();
        let mut closes = |known: &TrackedCycle, start, end| {
            pending.push(EndedCycle { org_id: known.org_id.clone(), start, end });
        };
        for organization in latest.organizations() {
            let Some((start, end)) = organization.cycle() else { continue };
            let org_id = organization.id.clone();
            let Some(known) = known.get_mut(&org_id) else {
                known.insert(org_id.clone(), TrackedCycle { org_id, start, end, closed: end <= now });
                continue;
            };
            if start < known.start + SAME {
                // A contract may have been changed: its end moves with it.
                if start > known.start - SAME && !known.closed {
                    known.end = end;
                }
                continue;
            }
            if !known.closed {
                closes(known, known.start, start);
            } else if start >= known.end + GAP {
                // Told when it ended by its own dates; after it others passed that no snapshot was taken in.
                closes(known, known.end, start);
            }
            *known = TrackedCycle { org_id, start, end, closed: false };
        }
        // Over by its own dates, though the API does not show the next one: usage is unknown, or the organization is gone.
        for known in known.values_mut().filter(|known| known.end <= now && !known.closed) {
            if pending.iter().all(|ended| ended.org_id != known.org_id) {
                pending.push(EndedCycle { org_id: known.org_id.clone(), start: known.start, end: known.end });
                known.closed = true;
            }
        }
        known.retain(|_, known| now < known.end + FORGOTTEN);
        pending.sort_by(|a, b| a.org_id.cmp(&b.org_id));
        let reported_from = self.reported_from.into_iter().filter(|at| now < *at + KEPT).collect();
        Self { cycles: known.into_values().collect(), pending, reported_from }
    }

    /// The record after what was pending was reported from these snapshots.
    pub(crate) fn with_reported(self, from: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        let mut reported_from = self.reported_from;
        reported_from.extend(from);
        reported_from.sort_unstable();
        reported_from.dedup();
        Self { pending: Vec::new(), reported_from, ..self }
    }
}

/// The last cycle of every organization, as if it had closed just now: for a look at the report.
pub(crate) fn last_cycles(latest: &Snapshot) -> Vec<EndedCycle> {
    let before = |organization: &Organization| {
        let (start, end) = organization.cycle()?;
        Some(EndedCycle { org_id: organization.id.clone(), start: start - (end - start), end: start })
    };
    latest.organizations().iter().filter_map(before).collect()
}

#[cfg(test)]
mod tests;
