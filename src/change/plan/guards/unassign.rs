//! An account group whose quota is removed (`guard.unassign`).

use super::rule::{Finding, GuardInput, Rule, Scope};

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "without a quota its usage is unlimited",
    is_for_owners: true,
    limit_key: Some("guard.unassign"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    if input.is_account_group() && input.row.after.is_none() {
        Finding::at(input.limits.unassign, "without a quota its usage is unlimited".to_owned())
    } else {
        None
    }
}
