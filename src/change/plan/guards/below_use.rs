//! A row that lowers a quota, or sets a first one, below what is used or projected. A raise never trips it.
//!
//! A lowered quota that is only just above warns: `guard.headroom_percent`.

use std::cmp::Ordering;

use super::rule::{Finding, GuardInput, Rule, Scope, compare};
use crate::change::plan::consequences;
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "the new quota is below what is used or projected",
    is_for_owners: true,
    limit_key: None,
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let (after, needed) = (input.decrease()?, input.needed()?);
    let what = if input.row.used == Some(needed) { "already used" } else { input.projected_word() };
    let (after_text, needed_text) = (grouped(after), grouped(needed));
    let percent = input.limits.headroom_percent;
    if after < needed {
        let consequences = consequences::consequences(input.row, input.live, input.context);
        Some(Finding::Hold(format!("{after_text} is below the {needed_text} {what}{consequences}")))
    } else if compare(needed, percent.saturating_add(100), after) == Ordering::Greater {
        Some(Finding::Warn(format!("{after_text} is less than {percent} % above the {needed_text} {what}")))
    } else {
        None
    }
}
