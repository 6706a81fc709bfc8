//! Which organization an entry belongs to, where the API leaves its `orgId` out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::quota::{Aid, OrgId};
use crate::thousandeyes::{AccountGroup, OrganizationQuotas};

/// What the answers say of themselves.
pub(super) struct OrganizationLookup<'a> {
    by_aid: BTreeMap<&'a Aid, &'a OrgId>,
    /// The token's only organization, if it has just one.
    only: Option<&'a OrgId>,
}

impl<'a> OrganizationLookup<'a> {
    pub(super) fn new(quotas: &'a [OrganizationQuotas], groups: &'a [AccountGroup]) -> Self {
        let mut by_aid = BTreeMap::new();
        // Mostly every entry says whose it is, and this would be as large as the answer.
        let some_are_nameless = quotas.iter().any(|organization| organization.org_id.is_none())
            || groups.iter().any(|group| group.org_id.is_none());
        let mut organizations = BTreeSet::new();
        for organization in quotas {
            if let Some(org_id) = &organization.org_id {
                organizations.insert(org_id);
                if some_are_nameless {
                    by_aid.extend(organization.account_groups.iter().map(|(aid, _)| (aid, org_id)));
                }
            }
        }
        let mut last = None;
        for group in groups {
            if let Some(org_id) = &group.org_id {
                // Those of one organization mostly stand together.
                if last.replace(org_id) != Some(org_id) {
                    organizations.insert(org_id);
                }
                if some_are_nameless {
                    by_aid.insert(&group.aid, org_id);
                }
            }
        }
        // Two entries are two organizations, though one of them has no name.
        let is_only = organizations.len() == 1 && quotas.len() <= 1;
        let only = if is_only { organizations.pop_first() } else { None };
        Self { by_aid, only }
    }

    pub(super) fn organization(&self, quotas: &OrganizationQuotas) -> Option<OrgId> {
        let by_group = || quotas.account_groups.iter().find_map(|(aid, _)| self.by_aid.get(aid).copied());
        quotas.org_id.as_ref().or_else(by_group).or(self.only).cloned()
    }

    pub(super) fn of_group(&self, group: &AccountGroup) -> Option<OrgId> {
        group.org_id.as_ref().or_else(|| self.by_aid.get(&group.aid).copied()).or(self.only).cloned()
    }
}
