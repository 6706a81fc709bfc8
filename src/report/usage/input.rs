//! What the usage report is made from.

use crate::change::RunStory;
use crate::config::Alerts;
use crate::domain::diff::Diff;
use crate::domain::quota::{Snapshot, UsageRule};
use crate::report::shared::points::Points;
use crate::schedule::Missed;

/// The latest snapshot, and what else its report speaks of.
pub(crate) struct UsageInput<'a> {
    pub latest: &'a Snapshot,
    /// What was used at earlier moments of this cycle and in the latest, for the slope.
    pub points: &'a Points,
    /// What changed since the last report, each diff with its window of time.
    pub diffs: &'a [Diff],
    /// The snapshots that should have been taken since the last report and were not, gap by gap.
    pub missed: &'a [Missed],
    /// The runs that wait for a person.
    pub held: &'a [RunStory],
    pub rule: &'a UsageRule,
    pub alerts: &'a Alerts,
}
