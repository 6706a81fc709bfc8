//! Account groups that together get more beyond what their organization has than before (`guard.over_allocation`).

use super::organizations::added;
use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::config::Level;
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Organization,
    summary: "the account groups would have more than their organization",
    is_for_owners: false,
    limit_key: Some("guard.over_allocation"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let organization = input.organization;
    if added(input.row) <= 0 {
        return None;
    }
    let level = input.limits.over_allocation;
    if level == Level::Warn && organization.adds_most != Some(input.row.row) {
        return None;
    }
    let (before, after) = organization.over_allocated();
    let message = if after > before {
        format!(
            "the account groups would have {} more than their organization ({} before)",
            grouped(after),
            grouped(before)
        )
    } else {
        let why = input.unknown_sum()?;
        format!(
            "quotakeeper cannot tell whether the account groups would have more than their organization, because {why}"
        )
    };
    Finding::at(level, message)
}
