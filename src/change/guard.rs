//! The rules that hold a row back until a person approves it. They stop dangerous work and let ordinary work flow.
//!
//! Each guard is a file of its own with everything about it. To add one: a variant in [`Guard`], its file, and a line in [`RULES`] and
//! in [`Guard::rule`]. A limit is a key of `config::Guards`; each row is judged by the limits of its own target.

mod approval;
mod below_last_cycle;
mod below_use;
mod lowered_share;
mod organization_quota;
mod organizations;
mod over_allocation;
mod raise_factor;
mod sum;
mod unassign;
mod unknown;

use std::cmp::Ordering;

use self::organizations::{Organization, organizations};
use super::plan::PlanContext;
use super::{Guard, GuardHit, PlanRow, Verdict, effective};
use crate::config::{Guards, Level};
use crate::domain::quota::{Snapshot, Units};

/// Every guard, in the order in which their reasons are listed.
const RULES: [&Rule; 10] = [
    &below_use::RULE,
    &below_last_cycle::RULE,
    &unknown::RULE,
    &organization_quota::RULE,
    &unassign::RULE,
    &raise_factor::RULE,
    &lowered_share::RULE,
    &sum::RULE,
    &over_allocation::RULE,
    &approval::RULE,
];

/// Everything about one guard.
struct Rule {
    guard: Guard,
    scope: Scope,
    /// What an owner of the row's target reads instead of a message with the organization's figures; none where the message
    /// has only figures of the row.
    for_owners: Option<&'static str>,
    /// Nothing to say is the ordinary case.
    check: fn(&Look<'_>) -> Option<Finding>,
}

/// What a guard judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The row by itself.
    Row,
    /// All rows of an organization together: each of them has the same reason.
    Organization,
    /// The whole plan.
    Plan,
    /// What the row goes together with.
    Binding,
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

    /// What somebody reads who may see the row's target and not its organization; none where the reason itself may be shown.
    pub(crate) fn for_owners(self) -> Option<&'static str> {
        self.rule().map_or(Some("waits with other rows of the file that it goes together with"), |rule| {
            rule.for_owners
        })
    }
}

/// What a guard says of a row.
enum Finding {
    Hold(String),
    Warn(String),
}

impl Finding {
    fn at(level: Level, message: String) -> Option<Self> {
        match level {
            Level::Allow => None,
            Level::Warn => Some(Self::Warn(message)),
            Level::Hold => Some(Self::Hold(message)),
        }
    }
}

/// What a guard looks at: a row that would be sent, and the organization that it belongs to.
struct Look<'a> {
    row: &'a PlanRow,
    /// The limits of the row's target.
    limits: &'a Guards,
    organization: &'a Organization,
    live: &'a Snapshot,
    context: &'a PlanContext<'a>,
}

/// Holds the rows that are to be sent and trip a guard; warns of what is only near one.
pub(super) fn check(rows: &mut [PlanRow], live: &Snapshot, context: &PlanContext<'_>) {
    let organizations = organizations(rows, live, context);
    for row in rows.iter_mut().filter(|row| row.verdict == Verdict::Send) {
        let Some(target) = &row.target else { continue };
        let Some(organization) = organizations.get(&target.org_id) else { continue };
        let limits = context.guards.for_target(target);
        let look = Look { row, limits: &limits, organization, live, context };
        let (mut tripped, mut warnings) = (Vec::new(), Vec::new());
        for rule in RULES {
            match (rule.check)(&look) {
                Some(Finding::Hold(message)) => tripped.push(GuardHit { guard: rule.guard, message }),
                Some(Finding::Warn(message)) => warnings.push(message),
                None => {}
            }
        }
        row.warnings.extend(warnings);
        if !tripped.is_empty() {
            row.verdict = Verdict::Held(tripped);
        }
    }
}

impl Look<'_> {
    /// The new quota, if it lowers one or is the first.
    fn decrease(&self) -> Option<Units> {
        self.row.after.filter(|_| self.row.is_decrease())
    }

    /// What the quota must allow, if that can be compared with it.
    fn needed(&self) -> Option<Units> {
        self.row.needed().filter(|_| !self.organization.mismatched)
    }

    fn is_account_group(&self) -> bool {
        is_account_group(self.row)
    }

    /// Which cycle the row's projection is of, in words.
    fn projected_word(&self) -> &'static str {
        let seen = self.row.target.as_ref().and_then(|target| self.live.row(target));
        if seen.is_some_and(|seen| effective::is_next_cycle(&seen, self.row.due)) {
            "projected for the next cycle"
        } else {
            "projected"
        }
    }
}

fn is_account_group(row: &PlanRow) -> bool {
    row.target.as_ref().is_some_and(|target| target.aid.is_some())
}

/// An account group's quota that becomes smaller. A first quota takes nothing that had been given.
fn is_lowered(row: &PlanRow) -> bool {
    is_account_group(row) && row.before.is_some() && row.is_decrease()
}

/// What a row adds to the over-allocation: what an account group gets, or what the organization loses.
fn added(row: &PlanRow) -> Units {
    let (before, after) = (row.before.unwrap_or(0), row.after.unwrap_or(0));
    match (is_account_group(row), row.before, row.after) {
        (true, ..) => after.saturating_sub(before),
        (false, _, None) => 0,
        // An organization without a quota had no end; its first one takes all beyond it away.
        (false, None, Some(_)) => Units::MAX,
        (false, Some(_), Some(_)) => before.saturating_sub(after),
    }
}

/// `percent` % of `base` against `units`, without rounding.
fn compare(base: Units, percent: u32, units: Units) -> Ordering {
    (i128::from(base) * i128::from(percent)).cmp(&(i128::from(units) * 100))
}

#[cfg(test)]
mod monthly_work;
#[cfg(test)]
mod never_below_need;
#[cfg(test)]
mod overrides;
#[cfg(test)]
mod tests;
