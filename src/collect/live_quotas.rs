//! The quotas as they are now, read again and again while a run is applied.
//!
//! A quota that does not show counts as removed only where its organization shows that it could: most of the quotas that nobody
//! here removed do not go at once, but from an answer that is not whole, or of an organization that the API stopped listing.

use std::collections::BTreeSet;

use super::assigned::{Assigned, AssignedQuotas};
use super::has_nameless;
use super::organization_lookup::OrganizationLookup;
use crate::domain::quota::{Aid, OrgId, Target, Units, WithQuota, are_most_missing};
use crate::text::redact;
use crate::thousandeyes::{AccountGroup, Client, Error};

pub(crate) struct LiveQuotas {
    /// Read once, and only where the quotas don't say whose they are.
    groups: Option<Vec<AccountGroup>>,
    assigned: Assigned,
    /// The organizations that the run is about, as they were last seen.
    last_seen: WithQuota,
    /// Those of them of which only what the run is about was seen: it may be the least of what there is.
    seen_in_part: BTreeSet<OrgId>,
    /// Those of them of which the last answer lacks quotas that this run did not remove.
    vanished: BTreeSet<OrgId>,
}

impl LiveQuotas {
    /// Nothing was read yet; `known` is what was seen before of whole organizations, and `planned` has those of the run's own
    /// targets that had a quota when it was planned.
    pub(crate) fn new(mut known: WithQuota, planned: WithQuota) -> Self {
        let seen_in_part = planned.keys().filter(|org_id| !known.contains_key(*org_id)).cloned().collect();
        for (org_id, targets) in planned {
            known.entry(org_id).or_default().extend(targets);
        }
        Self {
            groups: None,
            assigned: Assigned::default(),
            last_seen: known,
            seen_in_part,
            vanished: BTreeSet::new(),
        }
    }

    /// Reads them again. What was read before stays where that fails. `removed` says of a target whether this run took its
    /// quota away, or may have.
    pub(crate) async fn refresh(
        &mut self,
        client: &Client,
        removed: &dyn Fn(&Target) -> bool,
    ) -> Result<(), Error> {
        let quotas = client.quotas().await?;
        if self.groups.is_none() && has_nameless(&quotas) {
            self.groups = Some(client.account_groups().await?);
        }
        let groups = self.groups.as_deref().unwrap_or_default();
        let organization_lookup = OrganizationLookup::new(&quotas, groups);
        let of: Vec<Option<OrgId>> =
            quotas.iter().map(|organization| organization_lookup.organization(organization)).collect();
        let now = Assigned::new(quotas.into_iter().zip(of));
        let (mut vanished, mut to_ask) = (BTreeSet::new(), Vec::new());
        for (org_id, had) in &self.last_seen {
            let shown = now.organization(org_id);
            let left = |aid: &&Option<Aid>| !removed(&Target { org_id: org_id.clone(), aid: (*aid).clone() });
            let left: Vec<_> = had.iter().filter(left).collect();
            let is_lacking = if self.seen_in_part.contains(org_id) { lacks_all } else { lacks_most };
            if is_lacking(shown, &left) {
                vanished.insert(org_id.clone());
            } else if shown.is_none() && !had.is_empty() {
                to_ask.push(org_id);
            }
        }
        if !to_ask.is_empty() {
            let groups = match client.account_groups().await {
                // A token that may not read them learns nothing more.
                Err(error) if error.is_refusal() => Vec::new(),
                groups => groups?,
            };
            let is_there = |org_id: &OrgId| groups.iter().any(|group| group.org_id.as_ref() == Some(org_id));
            vanished.extend(to_ask.into_iter().filter(|org_id| !is_there(org_id)).cloned());
        }
        for (org_id, had) in self.last_seen.iter_mut().filter(|(org_id, _)| !vanished.contains(*org_id)) {
            self.seen_in_part.remove(org_id);
            *had = now.organization(org_id).map(AssignedQuotas::targets).unwrap_or_default();
        }
        (self.assigned, self.vanished) = (now, vanished);
        Ok(())
    }

    /// The quota of a target as it was last read, or a clause that says why it is not known.
    pub(crate) fn quota(&self, target: &Target) -> Result<Option<Units>, String> {
        match self.assigned.quota(target) {
            Err(why) => {
                let why = redact::clean(why, 300);
                Err(format!("the quota in the API's answer cannot be read ({why})"))
            }
            Ok(None) if self.vanished.contains(&target.org_id) => {
                let org_id = redact::clean(target.org_id.as_str(), 80);
                Err(format!("the API's answer no longer shows the quotas of organization {org_id}"))
            }
            Ok(quota) => Ok(quota),
        }
    }
}

/// Whether an answer shows nothing of an organization, of whose quotas these are left.
fn lacks_all(shown: Option<&AssignedQuotas>, left: &[&Option<Aid>]) -> bool {
    shown.is_none() && !left.is_empty()
}

/// Whether an answer lacks most of the quotas that are left of an organization, or those of all its account groups.
fn lacks_most(shown: Option<&AssignedQuotas>, left: &[&Option<Aid>]) -> bool {
    let is_shown = |aid: &&Option<Aid>| shown.is_some_and(|shown| shown.has(aid.as_ref()));
    let (there, missing): (Vec<_>, Vec<_>) = left.iter().copied().partition(is_shown);
    let shows_no_group = shown.is_none_or(|shown| shown.groups.is_empty());
    are_most_missing(missing.len(), there.len())
        || (shows_no_group && missing.iter().any(|aid| aid.is_some()))
}
