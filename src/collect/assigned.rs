//! The quotas of an answer by target, and those that are there and cannot be read. Pure.
//!
//! An entry that cannot be read must never look like "no quota": an unassign that the server ignored would be read back as
//! applied. So a quota is known, or it is unknown for a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::quota::{Aid, OrgId, Target, Units};
use crate::thousandeyes::{OrganizationQuotas, Unreadable, UnreadableTarget};

#[derive(Default)]
pub(super) struct Assigned {
    /// Sorted by id, each once.
    pub organizations: Vec<AssignedQuotas>,
    pub doubts: Doubts,
}

/// The quotas that the answer shows of one organization.
pub(super) struct AssignedQuotas {
    pub org_id: OrgId,
    pub own: Option<Units>,
    /// Sorted by id, each once.
    pub groups: Vec<(Aid, Units)>,
}

/// Why quotas that do not show may exist anyway.
#[derive(Default)]
pub(super) struct Doubts {
    pub unreadable: BTreeMap<Target, String>,
    /// Organizations in which the quota of an account group cannot be read, and nobody knows of which one.
    some_group: BTreeMap<OrgId, String>,
    /// Why the own quota of an organization may be there that does not show.
    some_organization: Option<String>,
    /// Why a quota of any target may be there that does not show.
    anybody: Option<String>,
}

impl AssignedQuotas {
    /// Whether a target of it has a quota; none is the organization itself.
    pub(super) fn has(&self, aid: Option<&Aid>) -> bool {
        match aid {
            None => self.own.is_some(),
            Some(aid) => self.groups.binary_search_by(|(group, _)| group.cmp(aid)).is_ok(),
        }
    }

    /// The targets of it that have a quota.
    pub(super) fn targets(&self) -> BTreeSet<Option<Aid>> {
        let own = self.own.is_some().then_some(None);
        own.into_iter().chain(self.groups.iter().map(|(aid, _)| Some(aid.clone()))).collect()
    }
}

impl Assigned {
    /// Of the entries of an answer, each with the organization that it belongs to as far as that is known.
    pub(super) fn new(answer: impl IntoIterator<Item = (OrganizationQuotas, Option<OrgId>)>) -> Self {
        let mut seen = Self::default();
        for (organization, org_id) in answer {
            match org_id {
                Some(org_id) => seen.add(org_id, organization),
                None => seen.doubts.add_nobodys(&organization),
            }
        }
        seen.merge();
        seen
    }

    fn add(&mut self, org_id: OrgId, organization: OrganizationQuotas) {
        self.doubts.add(&org_id, &organization);
        let OrganizationQuotas { value: own, account_groups: groups, .. } = organization;
        self.organizations.push(AssignedQuotas { org_id, own, groups });
    }

    /// An organization may have several entries. A target with two quotas has neither.
    fn merge(&mut self) {
        let doubts = &mut self.doubts;
        let mut twice = |target: Target, first: Units, later: Units| {
            if first != later {
                let why = format!("it comes twice, as {first} and as {later}");
                doubts.unreadable.entry(target).or_insert(why);
            }
        };
        if !self.organizations.is_sorted_by(|a, b| a.org_id < b.org_id) {
            self.organizations.sort_by(|a, b| a.org_id.cmp(&b.org_id));
            self.organizations.dedup_by(|later, first| {
                if later.org_id != first.org_id {
                    return false;
                }
                if let (Some(first_own), Some(later_own)) = (first.own, later.own) {
                    let (least, most) = (first_own.min(later_own), first_own.max(later_own));
                    twice(Target { org_id: first.org_id.clone(), aid: None }, least, most);
                }
                first.own = first.own.or(later.own);
                first.groups.append(&mut later.groups);
                true
            });
        }
        for AssignedQuotas { org_id, groups, .. } in &mut self.organizations {
            if !groups.is_sorted_by(|(a, _), (b, _)| a < b) {
                groups.sort_unstable();
                groups.dedup_by(|(aid, later), (same, first)| {
                    let is_same = aid == same;
                    if is_same {
                        twice(Target { org_id: org_id.clone(), aid: Some(aid.clone()) }, *first, *later);
                    }
                    is_same
                });
            }
        }
    }

    /// The quota of a target; none where it has none. An error says why it is not known.
    pub(super) fn quota(&self, target: &Target) -> Result<Option<Units>, &str> {
        if let Some(why) = self.doubts.unreadable.get(target) {
            return Err(why);
        }
        match self.shown(target) {
            Some(quota) => Ok(Some(quota)),
            None => self.doubts.reason_for(target).map_or(Ok(None), Err),
        }
    }

    /// What the answer shows of an organization.
    pub(super) fn organization(&self, org_id: &OrgId) -> Option<&AssignedQuotas> {
        let place = self.organizations.binary_search_by(|seen| seen.org_id.cmp(org_id)).ok()?;
        Some(&self.organizations[place])
    }

    fn shown(&self, target: &Target) -> Option<Units> {
        let organization = self.organization(&target.org_id)?;
        let Some(aid) = &target.aid else { return organization.own };
        let place = organization.groups.binary_search_by(|(seen, _)| seen.cmp(aid)).ok()?;
        Some(organization.groups[place].1)
    }
}

impl Doubts {
    fn add(&mut self, org_id: &OrgId, organization: &OrganizationQuotas) {
        for Unreadable { whose, why } in &organization.unreadable {
            let target = match whose {
                UnreadableTarget::AccountGroup(aid) => {
                    Target { org_id: org_id.clone(), aid: Some(aid.clone()) }
                }
                UnreadableTarget::Organization => Target { org_id: org_id.clone(), aid: None },
                UnreadableTarget::SomeAccountGroup => {
                    self.some_group.entry(org_id.clone()).or_insert_with(|| why.clone());
                    continue;
                }
                UnreadableTarget::Anybody => {
                    if organization.account_groups.is_empty() {
                        self.some_group.entry(org_id.clone()).or_insert_with(|| why.clone());
                    }
                    if organization.value.is_some() {
                        continue;
                    }
                    Target { org_id: org_id.clone(), aid: None }
                }
            };
            self.unreadable.entry(target).or_insert_with(|| why.clone());
        }
    }

    /// An entry of an organization that nobody knows: its account groups are none that the token sees; its own quota may be
    /// that of any organization.
    fn add_nobodys(&mut self, organization: &OrganizationQuotas) {
        match organization.unreadable.first() {
            Some(first) => drop(self.anybody.get_or_insert_with(|| first.why.clone())),
            None => drop(self.some_organization.get_or_insert_with(|| {
                "an entry of the answer does not say which organization it belongs to".to_owned()
            })),
        }
    }

    /// Whether every quota that does not show is known not to be there.
    pub(super) fn is_empty(&self) -> bool {
        let Self { unreadable, some_group, some_organization, anybody } = self;
        unreadable.is_empty() && some_group.is_empty() && some_organization.is_none() && anybody.is_none()
    }

    /// Why a quota that does not show may be there.
    pub(super) fn reason_for(&self, target: &Target) -> Option<&str> {
        let beside = match &target.aid {
            Some(_) => self.some_group.get(&target.org_id),
            None => self.some_organization.as_ref(),
        };
        self.unreadable.get(target).or(beside).or(self.anybody.as_ref()).map(String::as_str)
    }

    /// What cannot be read, as the log says it: of which target, and why.
    pub(super) fn in_words(&self) -> Vec<(String, String)> {
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
