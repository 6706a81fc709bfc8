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
    cycles: Vec<Known>,
    /// What closed and was not reported yet, in the order of the organizations.
    pub pending: Vec<Ended>,
    /// The snapshots whose figures were reported as those of a closed cycle, earliest first.
    #[serde(rename = "told_from")]
    pub reported_from: Vec<DateTime<Utc>>,
}

/// What is remembered of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    org_id: OrgId,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Whether it closed by now, and was reported or is pending.
    closed: bool,
}

/// A cycle that closed. If some were missed, it is all the time from the first to the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
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
        let mut known: BTreeMap<OrgId, Known> =
            self.cycles.into_iter().map(|known| (known.org_id.clone(), known)).collect();
        // A clock that was ahead closed it; it runs still.
        for known in known.values_mut().filter(|known| known.end > now) {
            known.closed = false;
        }
        let mut pending = Vec::new();
        let mut closes = |known: &Known, start, end| {
            pending.push(Ended { org_id: known.org_id.clone(), start, end });
        };
        for organization in latest.organizations() {
            let Some((start, end)) = organization.cycle() else { continue };
            let org_id = organization.id.clone();
            let Some(known) = known.get_mut(&org_id) else {
                known.insert(org_id.clone(), Known { org_id, start, end, closed: end <= now });
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
            *known = Known { org_id, start, end, closed: false };
        }
        // Over by its own dates, though the API does not show the next one: usage is unknown, or the organization is gone.
        for known in known.values_mut().filter(|known| known.end <= now && !known.closed) {
            if pending.iter().all(|ended| ended.org_id != known.org_id) {
                pending.push(Ended { org_id: known.org_id.clone(), start: known.start, end: known.end });
                known.closed = true;
            }
        }
        known.retain(|_, known| now < known.end + FORGOTTEN);
        pending.sort_by(|a, b| a.org_id.cmp(&b.org_id));
        let reported_from = self.reported_from.into_iter().filter(|at| now < *at + KEPT).collect();
        Self { cycles: known.into_values().collect(), pending, reported_from }
    }

    /// The record after what was pending was reported from these snapshots.
    pub(crate) fn reported(self, from: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        let mut reported_from = self.reported_from;
        reported_from.extend(from);
        reported_from.sort_unstable();
        reported_from.dedup();
        Self { pending: Vec::new(), reported_from, ..self }
    }
}

/// The last cycle of every organization, as if it had closed just now: for a look at the report.
pub(crate) fn last_cycles(latest: &Snapshot) -> Vec<Ended> {
    let before = |organization: &Organization| {
        let (start, end) = organization.cycle()?;
        Some(Ended { org_id: organization.id.clone(), start: start - (end - start), end: start })
    };
    latest.organizations().iter().filter_map(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quota::{SnapshotRow, Target};
    use crate::report::fixtures::at;

    /// One organization and its cycle; none where its usage is unknown.
    type Of<'a> = (&'a str, Option<(&'a str, &'a str)>);

    fn seen(taken_at: &str, of: &[Of]) -> Snapshot {
        let row = |(org_id, cycle): &Of| SnapshotRow {
            period_start: cycle.map(|(start, _)| at(start)),
            period_end: cycle.map(|(_, end)| at(end)),
            ..SnapshotRow::new(Target::organization(*org_id))
        };
        Snapshot::new(at(taken_at), of.iter().map(row))
    }

    fn pending(record: &ClosingRecord) -> Vec<String> {
        let day = |at: DateTime<Utc>| at.format("%m-%d").to_string();
        record
            .pending
            .iter()
            .map(|ended| format!("{} {} {}", ended.org_id, day(ended.start), day(ended.end)))
            .collect()
    }

    const OCT: Option<(&str, &str)> = Some(("10-05T08:00", "11-05T08:00"));
    const NOV: Option<(&str, &str)> = Some(("11-05T08:00", "12-05T08:00"));

    #[test]
    fn the_first_sight_of_an_organization_is_a_baseline() {
        let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)]));
        assert_eq!(pending(&record), [""; 0]);
        let record = record.judge(&seen("11-05T09:00", &[("1", NOV), ("2", NOV)]));
        assert_eq!(pending(&record), ["1 10-05 11-05"]);
    }

    #[test]
    fn a_cycle_is_reported_once_however_often_it_is_judged() {
        let after = seen("11-05T09:00", &[("1", NOV)]);
        let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)])).judge(&after);
        assert_eq!(record.clone().judge(&after), record);
        let record = record.reported([]).judge(&after).judge(&seen("11-30T09:00", &[("1", NOV)]));
        assert_eq!(pending(&record), [""; 0]);
    }

    #[test]
    fn a_cycle_is_over_by_its_own_dates_though_usage_is_unknown_or_the_organization_is_gone() {
        let both = seen("11-04T07:00", &[("1", OCT), ("2", OCT)]);
        let record = ClosingRecord::default().judge(&both).judge(&seen("11-06T07:00", &[("1", None)]));
        assert_eq!(pending(&record), ["1 10-05 11-05", "2 10-05 11-05"]);
        // The next cycle, once it is seen, closes nothing again.
        let record = record.reported([]).judge(&seen("11-07T07:00", &[("1", NOV)]));
        assert_eq!(pending(&record), [""; 0]);
        assert_eq!(pending(&record.judge(&seen("12-06T07:00", &[("1", NOV)]))), ["1 11-05 12-05"]);
    }

    #[test]
    fn an_old_cycle_that_the_api_still_shows_is_closed_once() {
        let record = ClosingRecord::default().judge(&seen("11-04T07:00", &[("1", OCT)]));
        let record = record.judge(&seen("11-05T08:30", &[("1", OCT)]));
        assert_eq!(pending(&record), ["1 10-05 11-05"]);
        assert_eq!(pending(&record.reported([]).judge(&seen("11-05T09:00", &[("1", NOV)]))), [""; 0]);
        // And one that was over already when it was seen first is none of ours.
        let first = ClosingRecord::default().judge(&seen("11-06T07:00", &[("1", OCT)]));
        assert_eq!(pending(&first.judge(&seen("11-07T07:00", &[("1", NOV)]))), [""; 0]);
    }

    #[test]
    fn what_a_clock_that_was_ahead_closed_closes_when_it_ends() {
        let ahead = seen("12-30T07:00", &[("1", NOV)]);
        let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)])).judge(&ahead);
        assert_eq!(pending(&record), ["1 11-05 12-05"]);
        let record = record.reported([]).judge(&seen("11-10T08:00", &[("1", NOV)]));
        assert_eq!(pending(&record), [""; 0]);
        assert_eq!(pending(&record.judge(&seen("12-05T09:00", &[("1", None)]))), ["1 11-05 12-05"]);
    }

    #[test]
    fn cycles_that_passed_unseen_are_reported_as_one_time() {
        let record = ClosingRecord::default()
            .judge(&seen("09-30T07:00", &[("1", Some(("09-05T08:00", "10-05T08:00")))]));
        assert_eq!(pending(&record.judge(&seen("11-06T07:00", &[("1", NOV)]))), ["1 09-05 11-05"]);
    }

    #[test]
    fn a_start_that_moves_by_hours_or_back_closes_nothing() {
        let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)]));
        let moved = record.judge(&seen("11-11T07:00", &[("1", Some(("11-05T20:00", "12-05T20:00")))]));
        assert_eq!(pending(&moved), [""; 0]);
        assert_eq!(pending(&moved.judge(&seen("11-12T07:00", &[("1", OCT)]))), [""; 0]);
    }

    #[test]
    fn an_end_that_moves_is_the_one_that_counts() {
        let longer = Some(("11-05T08:00", "12-20T08:00"));
        let record = ClosingRecord::default().judge(&seen("11-10T07:00", &[("1", NOV)]));
        let record =
            record.judge(&seen("11-11T07:00", &[("1", longer)])).judge(&seen("12-06T07:00", &[("1", None)]));
        assert_eq!(pending(&record), [""; 0]);
        assert_eq!(pending(&record.judge(&seen("12-21T07:00", &[("1", None)]))), ["1 11-05 12-20"]);
    }

    #[test]
    fn what_closes_before_the_last_was_reported_waits_for_the_next_mail() {
        let record = ClosingRecord::default()
            .judge(&seen("11-04T07:00", &[("1", OCT), ("2", OCT)]))
            .judge(&seen("11-05T09:00", &[("1", NOV), ("2", OCT)]));
        assert_eq!(pending(&record), ["1 10-05 11-05", "2 10-05 11-05"]);
        let later = seen("12-05T09:00", &[("1", None), ("2", None)]);
        assert_eq!(record.clone().judge(&later), record);
        assert_eq!(pending(&record.reported([]).judge(&later)), ["1 11-05 12-05"]);
    }

    #[test]
    fn the_snapshots_that_were_reported_are_kept_for_the_year() {
        let record =
            ClosingRecord::default().reported([at("11-05T07:00"), at("11-05T07:00"), at("11-04T07:00")]);
        assert_eq!(record.reported_from, [at("11-04T07:00"), at("11-05T07:00")]);
        let later = Snapshot::new(at("11-05T08:00") + KEPT, Vec::new());
        assert!(record.judge(&later).reported_from.is_empty());
    }
}
