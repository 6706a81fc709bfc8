//! What an answer lacks of the quotas that the snapshots before it show: for people, who would take the answer for the whole.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::explains;
use super::live_plan::for_each_believed;
use super::plan::VanishedQuotas;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Target, Units};
use crate::history::History;
use crate::text::words::capitalized;

/// The organizations most of whose quotas are missing, and those quotas as they were last seen.
#[derive(Debug, Default)]
pub(crate) struct MissingQuotas {
    vanished: VanishedQuotas,
    quotas: BTreeMap<Target, Units>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IncompleteOrganization<'l> {
    pub org_id: &'l OrgId,
    /// What is missing, as a sentence without its full stop.
    pub what: String,
    /// The snapshot that shows it.
    pub seen: DateTime<Utc>,
}

impl MissingQuotas {
    /// Of a snapshot, or of an answer that was just read, by the same snapshots as a plan. Where most targets have a quota nothing is
    /// read for it.
    pub(crate) fn find(history: &History, runs: &Path, now: &Snapshot) -> anyhow::Result<Self> {
        let is_bare = |own: &&Organization| own.row_count() > 2 * own.quota_count();
        let bare: Vec<Organization> = now.organizations().iter().filter(is_bare).cloned().collect();
        let mut missing = Self::default();
        if bare.is_empty() {
            return Ok(missing);
        }
        let bare = Snapshot::of_organizations(now.taken_at, bare);
        let read = |at| history.like_or_warn(at, &bare);
        for_each_believed(history, now.taken_at - TimeDelta::seconds(1), read, |before| {
            let set_by = explains::set_since(runs, before.taken_at);
            let vanished = VanishedQuotas::find(bare.organizations(), &before, &set_by);
            for row in before.rows().filter(|row| vanished.earlier(&row.target.org_id).is_some()) {
                let is_missing = bare.place(&row.target).and_then(Place::quota).is_none();
                if let Some(quota) = row.quota.filter(|_| is_missing && !set_by.may_have_removed(&row.target))
                {
                    missing.quotas.insert(row.target, quota);
                }
            }
            missing.vanished.add(vanished);
        })?;
        Ok(missing)
    }

    pub(crate) fn organizations(&self, zone: Tz) -> impl Iterator<Item = IncompleteOrganization<'_>> {
        self.vanished.all().map(move |(org_id, earlier)| IncompleteOrganization {
            org_id,
            what: capitalized(&earlier.sentence(org_id, zone)),
            seen: earlier.seen_at,
        })
    }

    /// The quota of a target that is missing.
    pub(crate) fn quota(&self, target: &Target) -> Option<Units> {
        self.quotas.get(target).copied()
    }
}

#[cfg(test)]
mod tests;
