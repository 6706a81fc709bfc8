//! The organization's own quota: removed, raised above its plan (`guard.above_plan`), or lowered below what its account groups have.
//!
//! A quota that is lowered below use is for `below_use`, as for any target.

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "the organization's own quota would be removed, too low for its account groups, or above its plan",
    is_for_owners: true,
    limit_key: None,
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    if input.is_account_group() {
        return None;
    }
    let Some(after) = input.row.after else {
        return Some(Finding::Hold(
            "removing it makes the usage of the whole organization unlimited".to_owned(),
        ));
    };
    let given = input.organization.to_cover;
    if input.row.is_decrease() {
        return (after < given).then(|| {
            Finding::Hold(format!(
                "{} is below the {} given to its account groups",
                grouped(after),
                grouped(given)
            ))
        });
    }
    let plan = input.context.rule.plan(input.organization.totals.plan_units)?;
    let message = || {
        format!("{} is above the contracted plan of {}: overage may be billed", grouped(after), grouped(plan))
    };
    if after > plan { Finding::at(input.limits.above_plan, message()) } else { None }
}
