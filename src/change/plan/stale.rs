//! Whether an approval is still valid: what changed between the plan that was approved and the same plan made now.

use std::collections::HashMap;

use super::guards::Scope;
use super::model::Plan;
use super::row::{PlanRow, Verdict};
use crate::change::codes::Guard;
use crate::domain::quota::Target;
use crate::text::words::quota_text;

/// What moved, from what to what, one sentence each; nothing if the approval stands.
///
/// Usage that moves is no reason by itself, only a guard that trips now and that the approved plan did not name.
pub(crate) fn staleness(approved: &Plan, now: &Plan) -> Vec<String> {
    let current = by_target(now);
    let mut moved = Vec::new();
    for was in approved.rows.iter().filter(|row| row.is_pending()) {
        let Some(target) = &was.target else { continue };
        match current.get(target) {
            None => moved.push(format!("{} is no longer visible to the token.", was.label())),
            Some(is) => moved.extend(compare(was, is)),
        }
    }
    let approved = by_target(approved);
    let unapproved = |row: &&PlanRow| {
        let was = row.target.as_ref().and_then(|target| approved.get(target));
        row.is_pending() && !was.is_some_and(|was| was.is_pending())
    };
    moved.extend(now.rows.iter().filter(unapproved).map(|row| {
        format!(
            "{} would now change from {} to {}, which was not approved.",
            row.label(),
            quota_text(row.before),
            quota_text(row.after)
        )
    }));
    moved
}

fn by_target(plan: &Plan) -> HashMap<&Target, &PlanRow> {
    plan.rows.iter().filter_map(|row| Some((row.target.as_ref()?, row))).collect()
}

/// The first reason why one approved row is not what it was.
fn compare(was: &PlanRow, is: &PlanRow) -> Option<String> {
    let label = was.label();
    if was.before != is.before {
        let (was, is) = (quota_text(was.before), quota_text(is.before));
        return Some(format!("{label} had {was} when this was approved, and has {is} now."));
    }
    if was.after != is.after {
        let (was, is) = (quota_text(was.after), quota_text(is.after));
        return Some(format!("{label} was approved to become {was}, and would become {is} now."));
    }
    match &is.verdict {
        Verdict::Refused(problem) => Some(format!("{label} is refused now: {}", problem.message)),
        Verdict::Held(reasons) => {
            let named = |guard: Guard| match &was.verdict {
                Verdict::Held(named) => named.iter().any(|reason| reason.guard == guard),
                _ => false,
            };
            // To wait for others, or because every plan waits, is what an approval settles.
            let new = reasons.iter().find(|reason| {
                !matches!(reason.guard.scope(), Scope::Plan | Scope::Binding) && !named(reason.guard)
            })?;
            Some(format!("{label} trips the guard {} now: {}.", new.guard, new.message))
        }
        Verdict::Send | Verdict::Unchanged(_) => None,
    }
}
