//! What an answer lacks of the quotas that the snapshots before it show: for people, who would take the answer for the whole.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::explains;
use super::live_plan::for_each_believed;
use super::plan::VanishedQuotas;
use crate::domain::quota::{OrgId, Place, Snapshot, Target, Units};
use crate::history::{Block, History, left_out};
use crate::text::words::capitalized;

/// The organizations most of whose quotas are missing, and those quotas as they were last seen.
#[derive(Debug, Default)]
pub(crate) struct MissingQuotas {
    vanished: VanishedQuotas,
    quotas: BTreeMap<Target, MissingQuota>,
}

#[derive(Debug)]
struct MissingQuota {
    units: Units,
    /// The answer shows the target, without a quota.
    is_target_shown: bool,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IncompleteOrganization<'l> {
    pub org_id: &'l OrgId,
    /// What is missing, as a sentence without its full stop.
    pub what: String,
    /// How many targets the answer shows, but without the quota that they had.
    pub without_quota: usize,
    /// How many targets it does not show at all.
    pub absent: usize,
    /// The snapshot that shows it.
    pub seen: DateTime<Utc>,
}

impl MissingQuotas {
    /// Of a snapshot, or of an answer that was just read, by the same snapshots as a plan. Of organizations that show most of their
    /// quotas, rows are counted and nothing is parsed.
    pub(crate) fn find(history: &History, runs: &Path, now: &Snapshot) -> anyhow::Result<Self> {
        let mut missing = Self::default();
        let read = |at| earlier(history, at, now);
        for_each_believed(history, now.taken_at - TimeDelta::seconds(1), read, |before| {
            let set_by = explains::set_since(runs, before.taken_at);
            let doubtful = before.organizations().iter().filter_map(|then| now.organization(&then.id));
            let vanished = VanishedQuotas::find(doubtful, &before, &set_by);
            for row in before.rows().filter(|row| vanished.earlier(&row.target.org_id).is_some()) {
                let place = now.place(&row.target);
                let is_missing = place.and_then(Place::quota).is_none();
                if let Some(units) = row.quota.filter(|_| is_missing && !set_by.may_have_removed(&row.target))
                {
                    let quota = MissingQuota { units, is_target_shown: place.is_some() };
                    missing.quotas.insert(row.target, quota);
                }
            }
            missing.vanished.add(vanished);
        })?;
        Ok(missing)
    }

    pub(crate) fn organizations(&self, zone: Tz) -> impl Iterator<Item = IncompleteOrganization<'_>> {
        self.vanished.all().map(move |(org_id, earlier)| {
            let of_it = self.quotas.iter().filter(|(target, _)| target.org_id == *org_id);
            let (shown, absent): (Vec<_>, Vec<_>) = of_it.partition(|(_, quota)| quota.is_target_shown);
            IncompleteOrganization {
                org_id,
                what: capitalized(&earlier.sentence(org_id, zone)),
                without_quota: shown.len(),
                absent: absent.len(),
                seen: earlier.seen_at,
            }
        })
    }

    /// The quota of a target that is missing.
    pub(crate) fn quota(&self, target: &Target) -> Option<Units> {
        self.quotas.get(target).map(|quota| quota.units)
    }
}

/// What a snapshot shows of those organizations that have fewer than half as many quotas now as they have targets, then or now.
fn earlier(history: &History, at: DateTime<Utc>, now: &Snapshot) -> Option<Snapshot> {
    let is_doubtful = |block: &Block| {
        let now = now.organization(block.id());
        now.is_some_and(|now| now.row_count().max(block.rows()) > 2 * now.quota_count())
    };
    let read = |block: Block| is_doubtful(&block).then(|| block.organization()).transpose();
    let organizations: anyhow::Result<Vec<_>> =
        history.each(at, read, |read| read.filter_map(Result::transpose).collect());
    organizations.map(|seen| Snapshot::of_organizations(at, seen)).map_err(|error| left_out(&error)).ok()
}

#[cfg(test)]
mod tests;
