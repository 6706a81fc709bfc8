//! Joins the answers about quotas and names into the tree of a snapshot. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tracing::warn;

use super::assigned::{Assigned, AssignedQuotas, Doubts};
use crate::domain::quota::{self, Aid, OrgId, Organization, OwnFigures, Snapshot, Target};
use crate::thousandeyes::AccountGroup;

/// One row for each organization and account group that any of the answers shows. Each group comes with the organization that
/// it belongs to, as far as that is known.
pub(super) fn join(
    assigned: Assigned,
    groups: impl IntoIterator<Item = (AccountGroup, Option<OrgId>)>,
    taken_at: DateTime<Utc>,
) -> Snapshot {
    let Assigned { organizations: quotas, doubts } = assigned;
    let mut organizations: BTreeMap<OrgId, Organization> =
        quotas.into_iter().map(|seen| (seen.org_id.clone(), organization(seen))).collect();
    // Those whose quota cannot be read exist anyway; a name that comes later counts.
    let mut named: Vec<(OrgId, Aid, Box<str>)> = Vec::new();
    for target in doubts.unreadable.keys() {
        if let Some(aid) = &target.aid {
            named.push((target.org_id.clone(), aid.clone(), Box::default()));
        }
    }
    let mut lost = 0;
    for (group, org_id) in groups {
        // Field by field: the compiler asks what becomes of a new one. Whose it is was found out before.
        let AccountGroup { aid, name, org_id: _, org_name } = group;
        let Some(org_id) = org_id else {
            lost += 1;
            continue;
        };
        let organization =
            organizations.entry(org_id.clone()).or_insert_with(|| nothing_known(org_id.clone()));
        if organization.name.is_empty() {
            organization.name = org_name.into();
        }
        named.push((org_id, aid, name.into()));
    }
    if lost > 0 {
        warn!(
            entries = lost,
            "the API did not say which organization some account groups belong to: they are left out"
        );
    }
    named.sort_by(|(org_id, aid, _), (other_org_id, other, _)| (org_id, aid).cmp(&(other_org_id, other)));
    let mut named = named.into_iter().peekable();
    for organization in organizations.values_mut() {
        let mut of_it = Vec::new();
        while let Some((_, aid, name)) = named.next_if(|(org_id, ..)| *org_id == organization.id) {
            of_it.push((aid, name));
        }
        add_names(organization, of_it);
    }
    let snapshot = Snapshot::of_sorted(taken_at, organizations.into_values().collect());
    let unreadable = unreadable(&snapshot, &doubts);
    snapshot.with_unreadable(unreadable)
}

fn nothing_known(org_id: OrgId) -> Organization {
    Organization { own: Some(OwnFigures::default()), ..Organization::new(org_id) }
}

fn organization(seen: AssignedQuotas) -> Organization {
    let AssignedQuotas { org_id, own, groups } = seen;
    let group = |(aid, value)| quota::AccountGroup::new(aid, Box::default(), Some(value));
    Organization {
        own: Some(OwnFigures { quota: own, ..OwnFigures::default() }),
        account_groups: groups.into_iter().map(group).collect(),
        ..Organization::new(org_id)
    }
}

/// Gives the account groups of an organization their names, and adds those that have no quota. Both are sorted by id.
fn add_names(organization: &mut Organization, named: Vec<(Aid, Box<str>)>) {
    if named.is_empty() {
        return;
    }
    let known = std::mem::take(&mut organization.account_groups);
    let mut groups: Vec<quota::AccountGroup> = Vec::with_capacity(known.len().max(named.len()));
    let mut known = known.into_iter().peekable();
    for (aid, name) in named {
        while let Some(before) = known.next_if(|group| group.aid <= aid) {
            groups.push(before);
        }
        match groups.last_mut() {
            Some(group) if group.aid == aid => group.name = name,
            _ => groups.push(quota::AccountGroup::new(aid, name, None)),
        }
    }
    groups.extend(known);
    groups.shrink_to_fit();
    organization.account_groups = groups;
}

/// The rows whose quota may be there although it does not show, and why.
fn unreadable(snapshot: &Snapshot, doubts: &Doubts) -> BTreeMap<Target, String> {
    if doubts.is_empty() {
        return BTreeMap::new();
    }
    let doubted = |row: quota::SnapshotRow<'_>| {
        let is_shown = row.quota.is_some() && !doubts.unreadable.contains_key(&row.target);
        let why = doubts.reason_for(&row.target).filter(|_| !is_shown)?.to_owned();
        Some((row.target, why))
    };
    snapshot.rows().filter_map(doubted).collect()
}
