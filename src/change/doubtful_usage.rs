//! Usage that cannot be so: what was used in a billing cycle never falls, and a cycle that is over says nothing of now. Such figures
//! are unknown, so that a decrease waits for a person. Pure.

use std::collections::BTreeSet;

use crate::domain::last_cycle::is_same_start;
use crate::domain::quota::{OrgId, Organization, Snapshot, Units, Usage};

/// Forgets such usage of these organizations, as far as it or an earlier snapshot shows that, and says of which something was
/// forgotten.
pub(super) fn forget(live: &mut Snapshot, of: &BTreeSet<OrgId>, before: Option<&Snapshot>) -> Vec<OrgId> {
    let now = live.taken_at;
    let mut doubtful = Vec::new();
    for org_id in of {
        let Some(organization) = live.organization_mut(org_id) else { continue };
        let is_over = organization.period_end.is_some_and(|end| end <= now);
        let earlier = before.and_then(|before| before.organization(org_id));
        let earlier = earlier.filter(|earlier| is_same_cycle(earlier, organization));
        if forget_of(organization, is_over, earlier) {
            doubtful.push(org_id.clone());
        }
    }
    doubtful
}

fn is_same_cycle(earlier: &Organization, now: &Organization) -> bool {
    earlier.period_start.zip(now.period_start).is_some_and(|(earlier, now)| is_same_start(earlier, now))
}

fn forget_of(organization: &mut Organization, is_over: bool, earlier: Option<&Organization>) -> bool {
    let is_doubtful = |now: Usage, then: Option<Usage>| {
        now != Usage::default() && (is_over || then.is_some_and(|then| has_fallen(then, now)))
    };
    let mut is_forgotten = false;
    if let Some(own) = &mut organization.own
        && is_doubtful(own.usage, earlier.and_then(|earlier| Some(earlier.own.as_ref()?.usage)))
    {
        own.usage = Usage::default();
        is_forgotten = true;
    }
    for group in &mut organization.account_groups {
        let then = earlier.and_then(|earlier| Some(earlier.place(Some(&group.aid))?.usage()));
        if is_doubtful(group.usage(), then) {
            group.set_usage(Usage::default());
            is_forgotten = true;
        }
    }
    is_forgotten
}

fn has_fallen(then: Usage, now: Usage) -> bool {
    let fell = |then: Option<Units>, now: Option<Units>| then.zip(now).is_some_and(|(then, now)| now < then);
    fell(then.cloud_used, now.cloud_used) || fell(then.enterprise_used, now.enterprise_used)
}

#[cfg(test)]
mod tests;
