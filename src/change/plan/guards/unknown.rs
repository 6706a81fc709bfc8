//! A decrease that nothing can be compared with: usage is unknown, or counted in other units than the quota.

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::change::{Guard, PlanOrganization};
use crate::domain::quota::grouped;

pub(super) const RULE: Rule = Rule {
    guard: Guard::Unknown,
    scope: Scope::Row,
    summary: "nobody can tell whether the new quota is enough",
    is_for_owners: false,
    limit_key: None,
    check,
};

fn check(look: &GuardInput<'_>) -> Option<Finding> {
    let after = grouped(look.decrease()?);
    if look.organization.mismatched {
        let PlanOrganization { plan_units, .. } = &look.organization.totals;
        Some(Finding::Hold(format!(
            "quotas and usage look counted in different units (the organization's plan is {}, its quota {}), so nobody \
             can tell whether {after} is enough; set usage.units_per_quota_unit",
            grouped(plan_units.unwrap_or_default()),
            grouped(look.organization.own_quota_before.unwrap_or_default())
        )))
    } else if look.row.needed().is_none() {
        Some(Finding::Hold(format!("its usage is unknown, so nobody can tell whether {after} is enough")))
    } else {
        None
    }
}
