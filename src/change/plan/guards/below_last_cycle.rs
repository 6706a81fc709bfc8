//! A quota lowered, or first set, below what its target had used when the last billing cycle ended (`guard.below_last_cycle`).
//!
//! In the first days of a cycle the projection is small, and a group that is lowered to a fraction passes every other guard:
//! it runs out in the middle of the month. Where nothing is known of the last cycle there is nothing to say.

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "the new quota is below what was used in the last billing cycle",
    is_for_owners: true,
    limit_key: Some("guard.below_last_cycle"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let after = input.decrease()?;
    let used = input.context.last_cycle.used(input.row.target.as_ref()?)?;
    if after >= used || input.organization.mismatched {
        return None;
    }
    let message =
        format!("{} is below the {} used in the previous billing cycle", grouped(after), grouped(used));
    Finding::at(input.limits.below_last_cycle, message)
}

#[cfg(test)]
mod tests;
