//! Which quotas of earlier snapshots are missing from an answer, to warn people who would take the answer for complete.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::explains;
use super::live_plan::for_each_believed;
use super::plan::VanishedQuotas;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Target, Units};
use crate::history::{Block, History, left_out};
use crate::text::words;
use crate::text::words::capitalized;

/// So many organizations are named.
const NAMED: usize = 5;

/// The organizations most of whose quotas are missing, and those quotas as they were last seen.
#[derive(Debug, Default)]
pub(crate) struct MissingQuotas {
    vanished: VanishedQuotas,
    quotas: BTreeMap<Target, MissingQuota>,
    /// Those that the answer does not show at all, by their names, and the snapshot that does.
    absent: BTreeMap<OrgId, (String, DateTime<Utc>)>,
}

/// How much of what the token sees an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerExtent {
    All,
    /// Organizations that it lacks were not asked for.
    SomeOrganizations,
}

impl AnswerExtent {
    /// What is left of an answer for somebody who names these organizations.
    pub(crate) fn from_names<T>(named: &[T]) -> Self {
        if named.is_empty() { Self::All } else { Self::SomeOrganizations }
    }
}

/// The organizations that an answer lacks altogether.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AbsentOrganizations {
    pub count: usize,
    /// Which ones, as a sentence without its full stop.
    pub what: String,
    /// The newest snapshot that shows one of them.
    pub seen: DateTime<Utc>,
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

impl AbsentOrganizations {
    pub(crate) fn pronoun(&self) -> &'static str {
        if self.count == 1 { "it" } else { "them" }
    }
}

impl MissingQuotas {
    /// Of a snapshot, or of an answer that was just read, by the same snapshots as a plan. Of organizations that show most of their
    /// quotas, rows are counted and nothing is parsed.
    pub(crate) fn find(
        history: &History,
        runs: &Path,
        now: &Snapshot,
        extent: AnswerExtent,
    ) -> anyhow::Result<Self> {
        let mut missing = Self::default();
        let read = |at| if at < now.taken_at { earlier(history, at, now, extent) } else { None };
        for_each_believed(history, now.taken_at, read, |before| {
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
            for own in before.organizations().iter().filter(|own| now.organization(&own.id).is_none()) {
                let is_missed =
                    |place: Place<'_>| place.quota().is_some() && !set_by.may_have_removed(&place.target());
                if own.places().any(is_missed) {
                    missing.absent.insert(own.id.clone(), (named(own), before.taken_at));
                }
            }
        })?;
        Ok(missing)
    }

    pub(crate) fn absent_organizations(&self, zone: Tz) -> Option<AbsentOrganizations> {
        let seen = self.absent.values().map(|(_, seen)| *seen).max()?;
        let names: Vec<String> = self.absent.values().map(|(name, _)| name.clone()).collect();
        let (count, plural) = (names.len(), if names.len() == 1 { "" } else { "s" });
        let what = format!(
            "The API's answer no longer shows the organization{plural} {}, which the snapshot of {} {zone} has",
            words::listed(&names, NAMED),
            words::moment(seen, zone)
        );
        Some(AbsentOrganizations { count, what, seen })
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
/// Those that the answer lacks are among them if it should show all.
fn earlier(history: &History, at: DateTime<Utc>, now: &Snapshot, extent: AnswerExtent) -> Option<Snapshot> {
    let is_doubtful = |block: &Block| match now.organization(block.id()) {
        Some(now) => now.row_count().max(block.rows()) > 2 * now.quota_count(),
        None => extent == AnswerExtent::All,
    };
    let read = |block: Block| is_doubtful(&block).then(|| block.organization()).transpose();
    let organizations: anyhow::Result<Vec<_>> =
        history.each(at, read, |read| read.filter_map(Result::transpose).collect());
    organizations.map(|seen| Snapshot::of_organizations(at, seen)).map_err(|error| left_out(&error)).ok()
}

fn named(organization: &Organization) -> String {
    words::clean(format!("{} {}", organization.name, organization.id).trim(), 80)
}

#[cfg(test)]
mod tests;
