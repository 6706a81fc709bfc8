//! Organizations most of whose quotas disappeared from the API's answer without a run of ours: that may be the answer, and "no quota" a
//! guess that no guard would see through. It is believed once the snapshots of a whole day show the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::set_by::SetByRuns;
use crate::domain::merge::merge;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Units, are_most_missing};
use crate::text::words;
use crate::text::words::grouped;

/// What an earlier snapshot showed of organizations of which the answer lacks most quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VanishedQuotas(BTreeMap<OrgId, EarlierQuotas>);

/// The quotas of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EarlierQuotas {
    /// How many are missing, of how many.
    pub missing: usize,
    pub total: usize,
    pub seen_at: DateTime<Utc>,
}

impl EarlierQuotas {
    /// What is missing, as a clause.
    pub(crate) fn sentence(self, org_id: &OrgId, zone: Tz) -> String {
        let number = |count: usize| grouped(Units::try_from(count).unwrap_or(Units::MAX));
        let quotas = match (self.missing, self.total) {
            (1, 1) => "the quota".to_owned(),
            (missing, of) if missing == of => format!("any of the {} quotas", number(of)),
            (missing, of) => format!("{} of the {} quotas", number(missing), number(of)),
        };
        let org_id = words::clean(org_id.as_str(), 80);
        let seen = words::moment(self.seen_at, zone);
        format!(
            "the API's answer no longer shows {quotas} of organization {org_id}, which the snapshot of {seen} {zone} has"
        )
    }
}

impl VanishedQuotas {
    /// Where nothing is known.
    pub(crate) fn empty() -> &'static Self {
        static NONE: VanishedQuotas = VanishedQuotas(BTreeMap::new());
        &NONE
    }

    /// Of these organizations, as they are now, those of which an earlier snapshot shows quotas that runs have not removed since and
    /// most of which are missing.
    pub(crate) fn find<'o>(
        now: impl IntoIterator<Item = &'o Organization>,
        before: &Snapshot,
        set_by: &SetByRuns,
    ) -> Self {
        let earlier = |now: &Organization| {
            let (mut missing, mut there) = (0, 0);
            let then = before.organization(&now.id)?.places();
            for (then, now) in merge(then, now.places(), |then, now| then.aid().cmp(&now.aid())) {
                let had =
                    then.filter(|then| then.quota().is_some() && !set_by.may_have_removed(&then.target()));
                match (had, now.and_then(Place::quota)) {
                    (Some(_), None) => missing += 1,
                    (Some(_), Some(_)) => there += 1,
                    (None, _) => {}
                }
            }
            are_most_missing(missing, there).then(|| {
                let earlier = EarlierQuotas { missing, total: missing + there, seen_at: before.taken_at };
                (now.id.clone(), earlier)
            })
        };
        Self(now.into_iter().filter_map(earlier).collect())
    }

    /// What was seen of an organization whose quotas went.
    pub(crate) fn earlier(&self, org_id: &OrgId) -> Option<EarlierQuotas> {
        self.0.get(org_id).copied()
    }

    /// All of them, in the order of their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&OrgId, EarlierQuotas)> {
        self.0.iter().map(|(org_id, earlier)| (org_id, *earlier))
    }

    /// Takes over what is known of other organizations.
    pub(crate) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

#[cfg(test)]
mod tests;
