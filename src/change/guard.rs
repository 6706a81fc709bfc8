//! The rules that hold a row back until a person approves it. They stop dangerous work and let ordinary work flow.
//!
//! To add one: a variant in [`Guard`], a function from a [`Look`] to a [`Finding`], and a line in [`GUARDS`]. What it
//! may be eased by is a key of `config::Guards`; each row is judged by the limits of its own target.

mod below_last_cycle;

use std::cmp::Ordering;
use std::collections::HashMap;

use super::consequences;
use super::plan::{Asked, PlanContext, organization};
use super::{Guard, PlanOrganization, PlanRow, Tripped, Verdict, effective};
use crate::config::{Approval, Guards, Level, Mode};
use crate::domain::quota::{self, OrgId, Snapshot, SnapshotRow, Units, grouped};

/// Every guard, in the order in which their reasons are told.
const GUARDS: [(Guard, Check); 10] = [
    (Guard::BelowUse, below_use),
    (Guard::BelowLastCycle, below_last_cycle::check),
    (Guard::Unknown, unknown),
    (Guard::Organization, organization_quota),
    (Guard::Unassign, unassign),
    (Guard::RaiseFactor, raise_factor),
    (Guard::LoweredShare, lowered_share),
    (Guard::Sum, sum),
    (Guard::OverAllocation, over_allocation),
    (Guard::Approval, approval),
];

/// One guard. Nothing to say is the ordinary case.
type Check = fn(&Look<'_>) -> Option<Finding>;

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

/// What the rows to be sent do to one organization together.
struct Organization {
    totals: PlanOrganization,
    own_quota_before: Option<Units>,
    /// The account groups' sum that its own quota must cover, whichever part of the rows is sent.
    to_cover: Units,
    /// Plan and quota of it look counted in different units: no comparison of usage with a quota means anything.
    mismatched: bool,
    /// Rows that would be sent.
    rows: usize,
    /// Quotas of its account groups, and how many of them would be lowered.
    quotas: usize,
    lowered: usize,
    /// The row that adds most to the over-allocation, of those that may not do so in silence: it carries the warning once.
    adds_most: Option<usize>,
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
        for (guard, finding) in GUARDS {
            match finding(&look) {
                Some(Finding::Hold(message)) => tripped.push(Tripped { guard, message }),
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

/// A row that lowers a quota, or sets a first one, below what is used or projected. A raise never trips it.
fn below_use(look: &Look<'_>) -> Option<Finding> {
    let (after, needed) = (look.decrease()?, look.needed()?);
    let what = if look.row.used == Some(needed) { "already used" } else { look.projected_word() };
    let (after_text, needed_text) = (grouped(after), grouped(needed));
    let percent = look.limits.headroom_percent;
    if after < needed {
        let consequences = consequences::consequences(look.row, look.live, look.context);
        Some(Finding::Hold(format!("{after_text} is below the {needed_text} {what}{consequences}")))
    } else if compare(needed, percent.saturating_add(100), after) == Ordering::Greater {
        Some(Finding::Warn(format!("{after_text} is less than {percent} % above the {needed_text} {what}")))
    } else {
        None
    }
}

/// A decrease that nothing can be compared with.
fn unknown(look: &Look<'_>) -> Option<Finding> {
    let after = grouped(look.decrease()?);
    if look.organization.mismatched {
        let PlanOrganization { plan_units, .. } = &look.organization.totals;
        Some(Finding::Hold(format!(
            "quotas and usage look counted in different units (the organization's plan is {}, its quota {}), so nobody \
             can tell whether {after} is enough; set usage.units_per_quota_unit",
            grouped(plan_units.unwrap_or_default()),
            grouped(look.organization.own_quota_before.unwrap_or_default())
        )))
    } else if look.row.needed().is_none() {
        Some(Finding::Hold(format!("its usage is unknown, so nobody can tell whether {after} is enough")))
    } else {
        None
    }
}

/// The organization's own quota: taken off, raised above its plan, or lowered below what its account groups were
/// given. Lowered below use is `below_use`, as for any target.
fn organization_quota(look: &Look<'_>) -> Option<Finding> {
    if look.is_account_group() {
        return None;
    }
    let Some(after) = look.row.after else {
        return Some(Finding::Hold("unassigning takes the cap off the whole organization".to_owned()));
    };
    let given = look.organization.to_cover;
    if look.row.is_decrease() {
        return (after < given).then(|| {
            Finding::Hold(format!(
                "{} is below the {} given to its account groups",
                grouped(after),
                grouped(given)
            ))
        });
    }
    let plan = look.context.rule.plan(look.organization.totals.plan_units)?;
    let message = || {
        format!("{} is above the contracted plan of {}: overage may be billed", grouped(after), grouped(plan))
    };
    if after > plan { Finding::at(look.limits.above_plan, message()) } else { None }
}

/// Any account group that becomes uncapped.
fn unassign(look: &Look<'_>) -> Option<Finding> {
    if look.is_account_group() && look.row.after.is_none() {
        Finding::at(look.limits.unassign, "unassigning takes the cap off".to_owned())
    } else {
        None
    }
}

/// A zero too many.
fn raise_factor(look: &Look<'_>) -> Option<Finding> {
    let (before, after) = (look.row.before?, look.row.after?);
    let factor = look.limits.max_raise_factor;
    // A projection that is unknown excuses no raise.
    let projected = look.row.projected.filter(|_| !look.organization.mismatched);
    #[expect(clippy::cast_precision_loss, reason = "a factor of some five needs no 53rd bit")]
    let is_far_above = |base: Units| after as f64 > factor * base as f64;
    let trips = after > before && is_far_above(before) && is_far_above(projected.unwrap_or(0));
    trips.then(|| {
        let projected = projected
            .map_or(String::new(), |units| format!(" and the {} {}", grouped(units), look.projected_word()));
        Finding::Hold(format!(
            "{} is more than {factor} times the old {}{projected}: a zero too many?",
            grouped(after),
            grouped(before)
        ))
    })
}

/// Too many of an organization's quotas lowered at once.
fn lowered_share(look: &Look<'_>) -> Option<Finding> {
    let Organization { rows, quotas, lowered, .. } = look.organization;
    let percent = look.limits.max_lowered_percent;
    let trips =
        !look.context.undo && *rows >= look.limits.floor_rows && lowered * 100 > quotas * percent as usize;
    (trips && is_lowered(look.row)).then(|| {
        Finding::Hold(format!(
            "lowers {lowered} of the organization's {quotas} quotas, more than {percent} % of them"
        ))
    })
}

/// The sum of an organization's account groups moved too far. A reallocation keeps it; a wrong column does not.
fn sum(look: &Look<'_>) -> Option<Finding> {
    let Organization { rows, totals, .. } = look.organization;
    let (before, after) = (totals.allocated_before, totals.allocated_after);
    let moved = after.saturating_sub(before).saturating_abs();
    let percent = look.limits.max_sum_change_percent;
    let trips = !look.context.undo
        && *rows >= look.limits.floor_rows
        && compare(before, percent, moved) == Ordering::Less;
    (trips && look.is_account_group()).then(|| {
        Finding::Hold(format!(
            "moves the sum of the organization's account groups from {} to {}, by more than {percent} %",
            grouped(before),
            grouped(after)
        ))
    })
}

/// Only a plan that gives the account groups of an organization more beyond what it has than before.
fn over_allocation(look: &Look<'_>) -> Option<Finding> {
    let organization = look.organization;
    let (before, after) = organization.over_allocated();
    if after <= before || added(look.row) <= 0 {
        return None;
    }
    let level = look.limits.over_allocation;
    if level == Level::Warn && organization.adds_most != Some(look.row.row) {
        return None;
    }
    let message = format!(
        "the account groups would have {} more than their organization, {} before",
        grouped(after),
        grouped(before)
    );
    Finding::at(level, message)
}

/// `guard.approval = "always"`.
fn approval(look: &Look<'_>) -> Option<Finding> {
    (look.limits.approval == Approval::Always)
        .then(|| Finding::Hold("every plan waits for approval (guard.approval is \"always\")".to_owned()))
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
        if seen.is_some_and(|seen| effective::is_next_cycle(seen, self.row.due)) {
            "projected for the next cycle"
        } else {
            "projected"
        }
    }
}

impl Organization {
    fn new(
        own: Option<&SnapshotRow>,
        groups: &[SnapshotRow],
        totals: PlanOrganization,
        rows: &[&PlanRow],
        asked: &Asked<'_>,
        context: &PlanContext<'_>,
    ) -> Self {
        let may_not_silently = |row: &PlanRow| {
            let limits = row.target.as_ref().map(|target| context.guards.for_target(target));
            limits.is_some_and(|limits| limits.over_allocation != Level::Allow)
        };
        let larger = |row: &SnapshotRow| row.quota.max(asked.get(&row.target).copied().unwrap_or(row.quota));
        Self {
            own_quota_before: own.and_then(|own| own.quota),
            to_cover: match context.mode {
                Mode::Organization | Mode::File => totals.allocated_after,
                // Each row stands alone: a decrease may wait for approval while this one is sent.
                Mode::Row => quota::sum(groups.iter().filter_map(larger)),
            },
            mismatched: own.is_some_and(|own| context.rule.looks_mismatched(own)),
            rows: rows.len(),
            quotas: groups.iter().filter(|row| row.quota.is_some()).count(),
            lowered: rows.iter().filter(|row| is_lowered(row)).count(),
            adds_most: rows
                .iter()
                .filter(|row| may_not_silently(row))
                .max_by_key(|row| added(row))
                .map(|row| row.row),
            totals,
        }
    }

    /// By how much the account groups' sum exceeds the organization's own quota, before and after.
    fn over_allocated(&self) -> (Units, Units) {
        let over =
            |sum: Units, quota: Option<Units>| quota.map_or(0, |quota| sum.saturating_sub(quota).max(0));
        (
            over(self.totals.allocated_before, self.own_quota_before),
            over(self.totals.allocated_after, self.totals.quota),
        )
    }
}

fn organizations(
    rows: &[PlanRow],
    live: &Snapshot,
    context: &PlanContext<'_>,
) -> HashMap<OrgId, Organization> {
    let mut asked = Asked::new();
    let mut by_organization: HashMap<&OrgId, Vec<&PlanRow>> = HashMap::new();
    for row in rows.iter().filter(|row| row.verdict == Verdict::Send) {
        if let Some(target) = &row.target {
            asked.insert(target, row.after);
            by_organization.entry(&target.org_id).or_default().push(row);
        }
    }
    live.organizations()
        .filter_map(|(own, groups)| {
            let totals = organization(own, groups, &asked)?;
            let rows = by_organization.get(&totals.org_id)?;
            Some((totals.org_id.clone(), Organization::new(own, groups, totals, rows, &asked, context)))
        })
        .collect()
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
