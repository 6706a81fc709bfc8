//! What a plan does to each organization as a whole.

use std::collections::{BTreeSet, HashMap};

use super::model::PlanOrganization;
use super::row::PlanRow;
use crate::domain::quota::{self, OrgId, Organization, Snapshot, SnapshotRow, Target, Units};

/// What the pending rows ask for, by target.
pub(super) type Asked<'a> = HashMap<&'a Target, Option<Units>>;

/// The organizations that any row is about.
pub(super) fn touched(rows: &[PlanRow], live: &Snapshot) -> Vec<PlanOrganization> {
    let ids: BTreeSet<&OrgId> = rows.iter().filter_map(|row| Some(&row.target.as_ref()?.org_id)).collect();
    let asked: Asked<'_> = rows
        .iter()
        .filter(|row| row.is_pending())
        .filter_map(|row| Some((row.target.as_ref()?, row.after)))
        .collect();
    let seen = ids.into_iter().filter_map(|org_id| live.organization(org_id));
    seen.map(|seen| organization(seen, &asked)).collect()
}

/// One organization before and after.
pub(super) fn organization(seen: &Organization, asked: &Asked<'_>) -> PlanOrganization {
    let after = |row: SnapshotRow<'_>| asked.get(&row.target).copied().unwrap_or(row.quota);
    PlanOrganization {
        org_id: seen.id.clone(),
        name: seen.name.to_string(),
        quota: seen.own_row().and_then(after),
        plan_units: seen.own.as_ref().and_then(|own| own.plan_units),
        allocated_before: seen.allocated(),
        allocated_after: quota::sum(seen.group_rows().filter_map(after)),
    }
}
