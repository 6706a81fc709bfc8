//! Too many of an organization's quotas lowered at once (`guard.max_lowered_percent`, `guard.floor_rows`).

use super::organizations::{Organization, is_lowered};
use super::rule::{Finding, GuardInput, Rule, Scope};

pub(super) const RULE: Rule = Rule {
    scope: Scope::Organization,
    summary: "the file lowers many of the organization's quotas at once",
    is_for_owners: false,
    limit_key: Some("guard.max_lowered_percent"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let Organization { rows, quotas, lowered, .. } = input.organization;
    let percent = input.limits.max_lowered_percent;
    let trips =
        !input.context.undo && *rows >= input.limits.floor_rows && lowered * 100 > quotas * percent as usize;
    (trips && is_lowered(input.row)).then(|| {
        Finding::Hold(format!(
            "lowers {lowered} of the organization's {quotas} quotas, more than {percent} % of them"
        ))
    })
}
