//! A zero too many: a value that is far above both the old quota and the projection (`guard.max_raise_factor`).

use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::domain::quota::Units;
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "the new quota is many times the old one",
    is_for_owners: true,
    limit_key: Some("guard.max_raise_factor"),
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let (before, after) = (input.row.before?, input.row.after?);
    let factor = input.limits.max_raise_factor;
    // A projection that is unknown excuses no raise.
    let projected = input.row.projected.filter(|_| !input.organization.mismatched);
    #[expect(clippy::cast_precision_loss, reason = "a factor of some five needs no 53rd bit")]
    let is_far_above = |base: Units| after as f64 > factor * base as f64;
    // A factor is at least 1: what is lowered never trips.
    let trips = is_far_above(before) && is_far_above(projected.unwrap_or(0));
    trips.then(|| {
        let projected = projected
            .map_or(String::new(), |units| format!(" and the {} {}", grouped(units), input.projected_word()));
        Finding::Hold(format!(
            "{} is more than {factor} times the old {}{projected}: a zero too many?",
            grouped(after),
            grouped(before)
        ))
    })
}
