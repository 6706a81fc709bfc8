//! Reading past what is damaged: one snapshot that cannot be read is a point less, not a report less.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tracing::warn;

use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{OrgId, Organization, Snapshot, UsageRule, WithQuota};
use crate::history::store::History;

/// The error where a snapshot is needed and all are damaged.
pub(crate) const NONE_READABLE: &str =
    "no snapshot of the history can be read (the log says why): `quotakeeper snapshot` takes a new one";

/// Says in the log why a snapshot is passed over.
pub(crate) fn left_out(error: &anyhow::Error) {
    warn!(error = format!("{error:#}"), "a snapshot that cannot be read is left out");
}

impl History {
    /// The snapshot of this moment; none, and a line in the log, where it cannot be read.
    pub(crate) fn read_or_warn(&self, at: DateTime<Utc>) -> Option<Snapshot> {
        self.read(at).map_err(|error| left_out(&error)).ok()
    }

    /// The same of those targets alone that another snapshot shows.
    pub(crate) fn like_or_warn(&self, at: DateTime<Utc>, wanted: &Snapshot) -> Option<Snapshot> {
        self.restricted_to(at, wanted).map_err(|error| left_out(&error)).ok()
    }

    /// The targets of these organizations that it shows with a quota; an organization itself is none.
    pub(crate) fn with_quota_or_warn(&self, at: DateTime<Utc>, of: &BTreeSet<OrgId>) -> Option<WithQuota> {
        self.with_quota(at, of).map_err(|error| left_out(&error)).ok()
    }

    /// What it shows of these organizations, without the usage of their account groups.
    pub(crate) fn only_or_warn(&self, at: DateTime<Utc>, of: &BTreeSet<OrgId>) -> Option<Vec<Organization>> {
        self.organizations_only(at, of).map_err(|error| left_out(&error)).ok()
    }

    /// The newest snapshot until `now` that can be read: one that is damaged stops nothing.
    pub(crate) fn latest_readable(&self, now: DateTime<Utc>) -> anyhow::Result<Option<Snapshot>> {
        Ok(self.until(now)?.into_iter().rev().find_map(|at| self.read_or_warn(at)))
    }

    /// What it shows of these organizations.
    pub(crate) fn latest_readable_of(
        &self,
        of: &BTreeSet<OrgId>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Snapshot>> {
        Ok(self.until(now)?.into_iter().rev().find_map(|at| self.organizations_or_warn(at, of)))
    }

    /// What these organizations had used when their last cycles ended, for those whose cycle is known.
    pub(crate) fn last_cycle<'a>(
        &self,
        live: impl IntoIterator<Item = &'a Organization>,
        rule: &UsageRule,
    ) -> anyhow::Result<LastCycle> {
        Ok(LastCycle::find(live, &self.list()?, rule, |at, of| self.organizations_or_warn(at, of)))
    }

    fn organizations_or_warn(&self, at: DateTime<Utc>, of: &BTreeSet<OrgId>) -> Option<Snapshot> {
        self.read_organizations(at, of).map_err(|error| left_out(&error)).ok()
    }
}
