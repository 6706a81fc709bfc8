//! What the usage report is made from.

use crate::change::RunSummary;
use crate::change::missing_quotas::AbsentOrganizations;
use crate::change::propose::Terms;
use crate::config::Alerts;
use crate::domain::diff::Diff;
use crate::domain::quota::{Snapshot, UsageRule};
use crate::report::shared::week::Slopes;
use crate::schedule::Missed;

/// The latest snapshot, and what else its report speaks of.
pub(crate) struct UsageInput<'a> {
    pub latest: &'a Snapshot,
    /// Which organizations it lacks altogether.
    pub absent: Option<&'a AbsentOrganizations>,
    /// How fast units were used in the last days.
    pub slopes: &'a Slopes,
    /// What changed since the last report, each diff with its window of time.
    pub diffs: &'a [Diff],
    /// The snapshots that should have been taken since the last report and were not, gap by gap.
    pub missed: &'a [Missed],
    /// The runs that wait for a person.
    pub held: &'a [RunSummary],
    pub rule: &'a UsageRule,
    pub alerts: &'a Alerts,
    /// What a change file goes by that is proposed to those who run out; none where none is to be attached.
    pub terms: Option<Terms<'a>>,
}
