//! The quotas as they are now, read again and again while a run is applied.
//!
//! A quota that does not show counts as removed only where its organization shows that it could: an organization that goes
//! from the answer together with quotas that nobody here removed is one that the API stopped listing.

use std::collections::BTreeMap;

use super::assigned::{Assigned, AssignedQuotas};
use super::has_nameless;
use super::places::Places;
use crate::domain::quota::{Aid, OrgId, Target, Units};
use crate::text::redact;
use crate::thousandeyes::{AccountGroup, Client, Error};

#[derive(Default)]
pub(crate) struct LiveQuotas {
    /// Read once, and only where the quotas don't say whose they are.
    groups: Option<Vec<AccountGroup>>,
    assigned: Assigned,
    /// Organizations that show no quota of an account group, or none at all, and whether that is to be believed.
    silent: BTreeMap<OrgId, Silent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silent {
    /// It is still there and has no quota left.
    Emptied,
    /// Quotas went that this run did not remove, all at once.
    Vanished,
}

/// The targets of one organization that had a quota when the run was planned; none is the organization itself.
pub(crate) type Planned = BTreeMap<OrgId, Vec<Option<Aid>>>;

impl LiveQuotas {
    /// Reads them again. What was read before stays where that fails. `removed` says of a target whether this run took its
    /// quota away, or may have.
    pub(crate) async fn refresh(
        &mut self,
        client: &Client,
        planned: &Planned,
        removed: &dyn Fn(&Target) -> bool,
    ) -> Result<(), Error> {
        let quotas = client.quotas().await?;
        if self.groups.is_none() && has_nameless(&quotas) {
            self.groups = Some(client.account_groups().await?);
        }
        let groups = self.groups.as_deref().unwrap_or_default();
        let places = Places::new(&quotas, groups);
        let of: Vec<Option<OrgId>> =
            quotas.iter().map(|organization| places.organization(organization)).collect();
        let now = Assigned::new(quotas.into_iter().zip(of));
        self.silent.retain(|org_id, _| is_silent(now.organization(org_id)));
        let mut to_ask = Vec::new();
        for (org_id, targets) in planned {
            let shown = now.organization(org_id);
            if !is_silent(shown) || self.silent.contains_key(org_id) {
                continue;
            }
            let is_left = |aid: &Option<Aid>| !removed(&Target { org_id: org_id.clone(), aid: aid.clone() });
            let had_others = self.assigned.organization(org_id).is_some_and(|before| {
                let own = shown.is_none() && before.own.is_some() && is_left(&None);
                own || before.groups.iter().any(|(aid, _)| is_left(&Some(aid.clone())))
            });
            if had_others || (shown.is_none() && targets.iter().any(is_left)) {
                self.silent.insert(org_id.clone(), Silent::Vanished);
            } else if shown.is_none() {
                to_ask.push(org_id);
            }
        }
        if !to_ask.is_empty() {
            let groups = match client.account_groups().await {
                // A token that may not read them learns nothing more.
                Err(error) if error.is_refusal() => Vec::new(),
                groups => groups?,
            };
            for org_id in to_ask {
                let is_there = groups.iter().any(|group| group.org_id.as_ref() == Some(org_id));
                let silent = if is_there { Silent::Emptied } else { Silent::Vanished };
                self.silent.insert(org_id.clone(), silent);
            }
        }
        self.assigned = now;
        Ok(())
    }

    /// The quota of a target as it was last read, or a clause that says why it is not known.
    pub(crate) fn quota(&self, target: &Target) -> Result<Option<Units>, String> {
        match self.assigned.quota(target) {
            Err(why) => {
                let why = redact::clean(why, 300);
                Err(format!("the quota in the API's answer cannot be read ({why})"))
            }
            Ok(None) if self.silent.get(&target.org_id) == Some(&Silent::Vanished) => {
                let org_id = redact::clean(target.org_id.as_str(), 80);
                Err(format!("the API's answer no longer shows the quotas of organization {org_id}"))
            }
            Ok(quota) => Ok(quota),
        }
    }
}

/// Whether an answer shows no quota of any account group of an organization.
fn is_silent(shown: Option<&AssignedQuotas>) -> bool {
    shown.is_none_or(|shown| shown.groups.is_empty())
}
