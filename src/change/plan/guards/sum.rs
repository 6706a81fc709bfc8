//! The sum of an organization's account groups moved too far (`guard.max_sum_change_percent`, `guard.floor_rows`).
//!
//! A reallocation keeps the sum; a wrong column does not.

use std::cmp::Ordering;

use super::organizations::Organization;
use super::rule::{Finding, GuardInput, Rule, Scope, compare};
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Organization,
    summary: "the file changes the total of the organization's quotas by too much",
    is_for_owners: false,
    limit_key: Some("guard.max_sum_change_percent"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let Organization { rows, totals, .. } = input.organization;
    let (before, after) = (totals.allocated_before, totals.allocated_after);
    let moved = after.saturating_sub(before).saturating_abs();
    let percent = input.limits.max_sum_change_percent;
    let trips = !input.context.undo
        && *rows >= input.limits.floor_rows
        && compare(before, percent, moved) == Ordering::Less;
    (trips && input.is_account_group()).then(|| {
        Finding::Hold(format!(
            "changes the total of the organization's account groups from {} to {}, more than {percent} %",
            grouped(before),
            grouped(after)
        ))
    })
}
