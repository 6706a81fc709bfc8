//! The organization's own quota: removed, raised above its plan (`guard.above_plan`), or lowered below what its account groups have.
//!
//! A quota that is lowered below use is for `below_use`, as for any target.

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::change::Guard;
use crate::domain::quota::grouped;

pub(super) const RULE: Rule = Rule {
    guard: Guard::Organization,
    scope: Scope::Row,
    summary: "the organization's own quota would be removed, too low for its account groups, or above its plan",
    is_for_owners: true,
    limit_key: None,
    check,
};

fn check(look: &GuardInput<'_>) -> Option<Finding> {
    if look.is_account_group() {
        return None;
    }
    let Some(after) = look.row.after else {
        return Some(Finding::Hold(
            "removing it makes the usage of the whole organization unlimited".to_owned(),
        ));
    };
    let given = look.organization.to_cover;
    if look.row.is_decrease() {
        return (after < given).then(|| {
            Finding::Hold(format!(
                "{} is below the {} given to its account groups",
                grouped(after),
                grouped(given)
            ))
        });
    }
    let plan = look.context.rule.plan(look.organization.totals.plan_units)?;
    let message = || {
        format!("{} is above the contracted plan of {}: overage may be billed", grouped(after), grouped(plan))
    };
    if after > plan { Finding::at(look.limits.above_plan, message()) } else { None }
}
