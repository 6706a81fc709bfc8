//! A decrease that nothing can be compared with: usage is unknown, or counted in other units than the quota; and a first quota where
//! the answer may have left out the one that is there.

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

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let after = grouped(input.decrease()?);
    let org_id = input.row.target.as_ref().map(|target| &target.org_id);
    let earlier =
        org_id.filter(|_| input.row.before.is_none()).and_then(|id| input.context.vanished.earlier(id));
    if let (Some(org_id), Some(earlier)) = (org_id, earlier) {
        let gone = earlier.sentence(org_id, input.context.zone);
        return Some(Finding::Hold(format!("its quota is not known, because {gone}")));
    }
    if input.organization.mismatched {
        let PlanOrganization { plan_units, .. } = &input.organization.totals;
        Some(Finding::Hold(format!(
            "quotas and usage look counted in different units (the organization's plan is {}, its quota {}), so nobody \
             can tell whether {after} is enough; set usage.units_per_quota_unit",
            grouped(plan_units.unwrap_or_default()),
            grouped(input.organization.own_quota_before.unwrap_or_default())
        )))
    } else if input.row.needed().is_none() {
        Some(Finding::Hold(format!("its usage is unknown, so nobody can tell whether {after} is enough")))
    } else {
        None
    }
}
