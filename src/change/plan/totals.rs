//! What a plan does to each organization as a whole.

use std::collections::BTreeSet;

use super::model::PlanOrganization;
use super::row::PlanRow;
use crate::domain::merge::merge;
use crate::domain::quota::{self, OrgId, Organization, Snapshot, Target, Units};

/// What rows ask for, by target. Of two that ask for the same target, the later counts.
pub(super) struct RequestedQuotas<'a>(Vec<(&'a Target, Option<Units>)>);

impl<'a> RequestedQuotas<'a> {
    pub(super) fn new(rows: impl IntoIterator<Item = &'a PlanRow>) -> Self {
        let asked = rows.into_iter().filter_map(|row| Some((row.target.as_ref()?, row.after)));
        let mut asked: Vec<_> = asked.collect();
        asked.reverse();
        asked.sort_by_key(|(target, _)| *target);
        asked.dedup_by_key(|(target, _)| *target);
        Self(asked)
    }

    /// Those of one organization, by account group.
    fn organization(&self, org_id: &OrgId) -> &[(&'a Target, Option<Units>)] {
        let begin = self.0.partition_point(|(target, _)| target.org_id < *org_id);
        let count = self.0[begin..].partition_point(|(target, _)| target.org_id == *org_id);
        &self.0[begin..begin + count]
    }

    /// The quotas of an organization's account groups, before and after.
    pub(super) fn of_groups(
        &self,
        seen: &Organization,
    ) -> impl Iterator<Item = (Option<Units>, Option<Units>)> {
        let asked = self.organization(&seen.id);
        let both = merge(seen.groups(), asked, |group, (target, _)| group.aid().cmp(&target.aid.as_ref()));
        both.filter_map(|(group, asked)| {
            let before = group?.quota();
            Some((before, asked.map_or(before, |(_, after)| *after)))
        })
    }

    /// The organization's own quota afterwards.
    fn own_quota(&self, seen: &Organization) -> Option<Units> {
        let own = seen.own.as_ref()?;
        let asked = self.organization(&seen.id).first().filter(|(target, _)| target.aid.is_none());
        asked.map_or(own.quota, |(_, after)| *after)
    }
}

/// The organizations that any row is about.
pub(super) fn touched_organizations(rows: &[PlanRow], live: &Snapshot) -> Vec<PlanOrganization> {
    let ids = rows.chunk_by(|a, b| a.org_id() == b.org_id()).filter_map(|rows| rows[0].org_id());
    let ids: BTreeSet<&OrgId> = ids.collect();
    let asked = RequestedQuotas::new(rows.iter().filter(|row| row.is_pending()));
    let seen = ids.into_iter().filter_map(|org_id| live.organization(org_id));
    seen.map(|seen| organization(seen, &asked)).collect()
}

/// One organization before and after.
pub(super) fn organization(seen: &Organization, asked: &RequestedQuotas<'_>) -> PlanOrganization {
    PlanOrganization {
        org_id: seen.id.clone(),
        name: seen.name.to_string(),
        quota: asked.own_quota(seen),
        plan_units: seen.own.as_ref().and_then(|own| own.plan_units),
        allocated_before: seen.allocated(),
        allocated_after: quota::sum(asked.of_groups(seen).filter_map(|(_, after)| after)),
    }
}
