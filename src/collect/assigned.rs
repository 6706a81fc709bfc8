//! The quotas of an answer by target, and those that are there and cannot be read. Pure.
//!
//! An entry that cannot be read must never look like "no quota": an unassign that the server ignored would be read back as
//! applied. So a quota is known, or it is unknown for a reason.

use std::collections::BTreeMap;

use super::places::Places;
use crate::domain::quota::{OrgId, Target, Units};
use crate::thousandeyes::{OrganizationQuotas, Unreadable, Whose};

#[derive(Default)]
pub(super) struct Assigned {
    /// Sorted by target, each once; none where only something else is known of it.
    quotas: Vec<(Target, Option<Units>)>,
    unreadable: BTreeMap<Target, String>,
    /// Organizations in which the quota of an account group cannot be read, and nobody knows of which one.
    some_group: BTreeMap<OrgId, String>,
    /// Why the own quota of an organization may be there that does not show.
    some_organization: Option<String>,
    /// Why a quota of any target may be there that does not show.
    anybody: Option<String>,
}

impl Assigned {
    pub(super) fn new(answer: &[OrganizationQuotas], places: &Places<'_>) -> Self {
        let count = answer.iter().map(|organization| organization.account_groups.len() + 1).sum();
        let mut seen = Self { quotas: Vec::with_capacity(count), ..Self::default() };
        for organization in answer {
            match places.organization(organization) {
                Some(org_id) => seen.add(&org_id, organization),
                // Its account groups are none that the token sees; its own quota may be that of any organization.
                None => match organization.unreadable.first() {
                    Some(first) => drop(seen.anybody.get_or_insert_with(|| first.why.clone())),
                    None => drop(seen.some_organization.get_or_insert_with(|| {
                        "an entry of the answer does not say which organization it belongs to".to_owned()
                    })),
                },
            }
        }
        seen.quotas.sort_unstable();
        seen.merge();
        seen
    }

    fn add(&mut self, org_id: &OrgId, organization: &OrganizationQuotas) {
        let own = Target { org_id: org_id.clone(), aid: None };
        let group = |aid| Target { org_id: org_id.clone(), aid: Some(aid) };
        self.quotas.push((own.clone(), organization.value));
        let groups = organization.account_groups.iter();
        self.quotas.extend(groups.map(|(aid, value)| (group(aid.clone()), Some(*value))));
        for Unreadable { whose, why } in &organization.unreadable {
            let target = match whose {
                Whose::AccountGroup(aid) => group(aid.clone()),
                Whose::Organization => own.clone(),
                Whose::SomeAccountGroup => {
                    self.some_group.entry(org_id.clone()).or_insert_with(|| why.clone());
                    continue;
                }
                Whose::Anybody => {
                    if organization.account_groups.is_empty() {
                        self.some_group.entry(org_id.clone()).or_insert_with(|| why.clone());
                    }
                    if organization.value.is_some() {
                        continue;
                    }
                    own.clone()
                }
            };
            self.quotas.push((target.clone(), None));
            self.unreadable.entry(target).or_insert_with(|| why.clone());
        }
    }

    /// An organization may have several entries. A target with two quotas has neither.
    fn merge(&mut self) {
        let unreadable = &mut self.unreadable;
        self.quotas.dedup_by(|(target, later), (same, first)| {
            if target != same {
                return false;
            }
            if let (Some(first), Some(later)) = (*first, *later)
                && first != later
            {
                let why = format!("it comes twice, as {first} and as {later}");
                unreadable.entry(target.clone()).or_insert(why);
            }
            *first = first.or(*later);
            true
        });
    }

    /// The targets that the answer names, in order.
    pub(super) fn quotas(&self) -> &[(Target, Option<Units>)] {
        &self.quotas
    }

    /// The quota of a target; none where it has none. An error says why it is not known.
    pub(super) fn quota(&self, target: &Target) -> Result<Option<Units>, &str> {
        if let Some(why) = self.unreadable.get(target) {
            return Err(why);
        }
        let found = self.quotas.binary_search_by(|(seen, _)| seen.cmp(target));
        if let Ok(index) = found
            && let (_, Some(quota)) = self.quotas[index]
        {
            return Ok(Some(quota));
        }
        let beside = match &target.aid {
            Some(_) => self.some_group.get(&target.org_id),
            None => self.some_organization.as_ref(),
        };
        beside.or(self.anybody.as_ref()).map_or(Ok(None), |why| Err(why))
    }

    /// What cannot be read, as the log says it: of which target, and why.
    pub(super) fn unreadable(&self) -> Vec<(String, String)> {
        let targets = self.unreadable.iter().map(|(target, why)| (target.to_string(), why.clone()));
        let groups = self.some_group.iter().map(|(org_id, why)| {
            (format!("any account group of organization {org_id} that shows none"), why.clone())
        });
        let organization = self.some_organization.iter();
        let organizations =
            organization.map(|why| ("any organization that shows none of its own".to_owned(), why.clone()));
        let anybody = self.anybody.iter().map(|why| ("any target that shows none".to_owned(), why.clone()));
        targets.chain(groups).chain(organizations).chain(anybody).collect()
    }
}
