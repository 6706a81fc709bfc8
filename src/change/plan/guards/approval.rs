//! `guard.approval = "always"`: every plan waits for a person.

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::config::Approval;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Plan,
    summary: "every plan waits for approval",
    is_for_owners: true,
    limit_key: None,
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    (input.limits.approval == Approval::Always)
        .then(|| Finding::Hold("every plan waits for approval (guard.approval is \"always\")".to_owned()))
}
