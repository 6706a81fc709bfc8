//! The rules that hold a row back until a person approves it. They stop dangerous work and leave ordinary work alone.
//!
//! Each guard is a file of its own with everything about it. To add one: a variant in [`Guard`], its file, and a line in
//! [`Guard::rule`], which the compiler asks for. A limit is a key of `config::Guards`; each row is judged by the limits of its own target.

mod approval;
mod below_last_cycle;
mod below_use;
mod lowered_share;
mod organization_quota;
mod organizations;
mod over_allocation;
mod raise_factor;
mod rule;
mod sum;
mod unassign;
mod unknown;

use self::organizations::organizations;
pub(crate) use self::rule::Scope;
use self::rule::{Finding, GuardInput, Rule};
use super::context::PlanContext;
use super::row::{GuardHit, PlanRow, Verdict};
use crate::change::codes::Guard;
use crate::config::{Level, Mode};
use crate::domain::quota::{Place, Snapshot, Units};

/// Every guard that looks at rows, in the order in which their reasons are listed.
fn rules() -> impl Iterator<Item = (Guard, &'static Rule)> {
    Guard::ALL.iter().filter_map(|guard| Some((*guard, guard.rule()?)))
}

impl Guard {
    fn rule(self) -> Option<&'static Rule> {
        match self {
            Self::BelowUse => Some(&below_use::RULE),
            Self::BelowLastCycle => Some(&below_last_cycle::RULE),
            Self::Unknown => Some(&unknown::RULE),
            Self::Organization => Some(&organization_quota::RULE),
            Self::Unassign => Some(&unassign::RULE),
            Self::RaiseFactor => Some(&raise_factor::RULE),
            Self::LoweredShare => Some(&lowered_share::RULE),
            Self::Sum => Some(&sum::RULE),
            Self::OverAllocation => Some(&over_allocation::RULE),
            Self::Approval => Some(&approval::RULE),
            // Not found by looking at the row: `binding` holds it.
            Self::Bound => None,
        }
    }

    pub(crate) fn scope(self) -> Scope {
        self.rule().map_or(Scope::Binding, |rule| rule.scope)
    }

    /// The key of the configuration that sets the limit, such as `guard.max_raise_factor`; none where no key does, or where the
    /// reason names it.
    pub(crate) fn limit_key(self) -> Option<&'static str> {
        self.rule().and_then(|rule| rule.limit_key)
    }

    /// Why it holds, without a figure.
    pub(crate) fn summary(self) -> &'static str {
        self.rule().map_or("waits because rows that belong together with it are held", |rule| rule.summary)
    }

    /// Whether the reason may be shown to somebody who may see the row's target and not its organization; else the summary is.
    pub(crate) fn is_for_owners(self) -> bool {
        self.rule().is_some_and(|rule| rule.is_for_owners)
    }
}

/// Holds the rows that are to be sent and trip a guard; warns of what is only near one.
pub(super) fn check(rows: &mut [PlanRow], live: &Snapshot, context: &PlanContext<'_>) {
    let mut judge = |is_last| judge(rows, live, context, is_last);
    // Where each row stands alone, a raise is sent while a decrease waits: what is left is judged once more, without what is held.
    if context.mode == Mode::Row {
        judge(false);
    }
    judge(true);
}

/// Holds what trips a guard beside all that is to be sent now. What does not is warned of where nobody judges it again.
fn judge(rows: &mut [PlanRow], live: &Snapshot, context: &PlanContext<'_>, is_last: bool) {
    let organizations = organizations(rows, live, context);
    for portion in rows.chunk_by_mut(|a, b| a.org_id() == b.org_id()) {
        let Some(organization) = portion[0].org_id().and_then(|org_id| organizations.get(org_id)) else {
            continue;
        };
        for row in portion.iter_mut().filter(|row| row.verdict == Verdict::Send) {
            let Some(target) = &row.target else { continue };
            let limits = context.guards.for_target(target);
            let (tripped, warnings) =
                check_row(&GuardInput { row, limits: &limits, organization, live, context });
            if is_last || !tripped.is_empty() {
                row.warnings.extend(warnings);
            }
            if !tripped.is_empty() {
                row.verdict = Verdict::Held(tripped);
            }
        }
    }
}

/// The guards that one row trips, and warnings of those that it is near.
fn check_row(input: &GuardInput<'_>) -> (Vec<GuardHit>, Vec<String>) {
    let (mut tripped, mut warnings) = (Vec::new(), Vec::new());
    for (guard, rule) in rules() {
        match (rule.check)(input) {
            Some(Finding::Hold(message)) => tripped.push(GuardHit { guard, message }),
            Some(Finding::Warn(message)) => warnings.push(message),
            None => {}
        }
    }
    (tripped, warnings)
}

/// Whether a guard judges a row that asks for this quota by what all account groups of its organization have.
pub(super) fn is_summed(target: Place<'_>, after: Option<Units>, context: &PlanContext<'_>) -> bool {
    let Some(after) = after else { return false };
    match (target.aid(), target.quota()) {
        (None, before) => before.is_some_and(|before| after < before),
        (Some(_), before) => {
            after > before.unwrap_or(0)
                && context.guards.for_target(&target.target()).over_allocation != Level::Allow
        }
    }
}

#[cfg(test)]
mod tests;
