//! What part of all that is known a report is on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::change::{PlanRow, RunSummary};
use crate::domain::diff::Diff;
use crate::domain::quota::{OrgId, Snapshot};
use crate::report::Extent;

/// What part of all that is known a report is on.
#[derive(Default)]
pub(crate) struct Scope {
    /// These organizations; none for all.
    pub organizations: Option<BTreeSet<OrgId>>,
    /// What changed since then, and a page's trends since then, but for this cycle, which is whole; none for the time since the last report,
    /// and for whole trends.
    pub since: Option<DateTime<Utc>>,
    /// How much of it is listed.
    pub extent: Extent,
}

impl Scope {
    fn has(&self, org_id: &OrgId) -> bool {
        self.organizations.as_ref().is_none_or(|organizations| organizations.contains(org_id))
    }

    /// The part of a snapshot.
    pub(crate) fn narrow(&self, snapshot: Snapshot) -> Snapshot {
        snapshot.filtered(|place| self.has(&place.organization.id))
    }

    pub(super) fn restrict_diffs(&self, mut diffs: Vec<Diff>) -> Vec<Diff> {
        for diff in &mut diffs {
            diff.changes.retain(|change| self.has(&change.target.org_id));
            diff.vanished.retain(|target| self.has(&target.org_id));
        }
        diffs
    }

    pub(super) fn restrict_runs(&self, mut held: Vec<RunSummary>) -> Vec<RunSummary> {
        let is_theirs = |row: &PlanRow| row.target.as_ref().is_none_or(|target| self.has(&target.org_id));
        held.retain(|summary| summary.plan.rows.iter().any(is_theirs));
        held
    }
}
