//! By which account groups the usage of organizations is asked for: `GET /usage` answers for the organization of one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::quota::{Aid, OrgId, Organization, Snapshot};

/// Of an organization so many are looked at: hardly one is ever listed twice.
const MOST: usize = 20;
/// The second one is asked where the API refuses the first.
const ASKED: usize = 2;

/// Of each of these organizations at most two. None is listed by another organization too: the API may answer for the other.
pub(crate) fn groups_to_ask<'s>(
    snapshot: &'s Snapshot,
    organizations: &BTreeSet<OrgId>,
) -> Vec<(OrgId, Vec<&'s Aid>)> {
    let candidates = |org_id: &OrgId| (org_id.clone(), candidates(snapshot, org_id));
    let mut to_ask: Vec<_> = organizations.iter().map(candidates).collect();
    let mut listed: BTreeMap<&Aid, usize> =
        to_ask.iter().flat_map(|(_, aids)| aids).map(|aid| (*aid, 0)).collect();
    for seen in snapshot.organizations() {
        count_listed(seen, &mut listed);
    }
    for (_, aids) in &mut to_ask {
        aids.retain(|aid| listed.get(aid) == Some(&1));
        aids.truncate(ASKED);
    }
    to_ask
}

/// Both are in order, so that each of a million account groups is passed by once, and most of them without a look.
fn count_listed(by: &Organization, listed: &mut BTreeMap<&Aid, usize>) {
    let mut groups = by.account_groups.as_slice();
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return };
    for (aid, count) in listed.range_mut::<Aid, _>(&first.aid..=&last.aid) {
        if groups[0].aid < **aid {
            groups = &groups[groups.partition_point(|group| group.aid < **aid)..];
        }
        *count += usize::from(groups[0].aid == **aid);
    }
}

/// Only `GET /account-groups` gives names: a deleted account group may still have a quota, and has none.
fn candidates<'s>(snapshot: &'s Snapshot, org_id: &OrgId) -> Vec<&'s Aid> {
    let groups = || snapshot.organization(org_id).into_iter().flat_map(|own| &own.account_groups);
    let named = groups().filter(|group| !group.name.is_empty());
    let nameless = groups().filter(|group| group.name.is_empty());
    named.chain(nameless).map(|group| &group.aid).take(MOST).collect()
}

#[cfg(test)]
mod tests;
