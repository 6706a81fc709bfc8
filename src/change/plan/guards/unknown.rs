//! A decrease that nothing can be compared with: usage is unknown, or counted in other units than the quota; and a first quota where
//! the answer may have left out the one that is there, or an organization's where those of its account groups are not all known. Also where
//! the breakdown of usage lacks a part of the total.

use super::organizations::is_account_group;
use super::rule::{Finding, GuardInput, Rule, Scope};
use crate::change::plan::model::PlanOrganization;
use crate::text::words::grouped;

pub(super) const RULE: Rule = Rule {
    scope: Scope::Row,
    summary: "quotakeeper cannot tell whether the new quota is enough",
    is_for_owners: false,
    limit_key: None,
    check,
};

fn check(input: &GuardInput<'_>) -> Option<Finding> {
    let after = grouped(input.decrease()?);
    let unknown = match (input.row.before, input.is_account_group()) {
        (None, _) => input.missing_quotas().map(|why| ("its quota is", why)),
        (Some(_), false) => input.unknown_sum().map(|why| ("what its account groups have together is", why)),
        (Some(_), true) => None,
    };
    if let Some((unknown, why)) = unknown {
        return Some(Finding::Hold(format!("{unknown} not known, because {why}")));
    }
    if input.organization.mismatched {
        let PlanOrganization { plan_units, .. } = &input.organization.totals;
        Some(Finding::Hold(format!(
            "quotas and usage seem to use different units (the organization's plan is {}, its quota {}), so quotakeeper \
             cannot tell whether {after} is enough; set usage.units_per_quota_unit",
            grouped(plan_units.unwrap_or_default()),
            grouped(input.organization.own_quota_before.unwrap_or_default())
        )))
    } else if input.row.needed().is_none() {
        Some(Finding::Hold(format!(
            "its usage is unknown, so quotakeeper cannot tell whether {after} is enough"
        )))
    } else {
        not_attributed(input)
    }
}

/// A breakdown that lacks a part of the total may lack it of this account group.
fn not_attributed(input: &GuardInput<'_>) -> Option<Finding> {
    let rest = input.organization.unattributed;
    // What the next cycle needs is not what this one's breakdown says.
    let is_of_this_cycle = input.row.due.is_none() && is_account_group(input.row);
    let may_be_too_low =
        is_of_this_cycle && input.row.headroom().is_some_and(|headroom| (0..rest).contains(&headroom));
    may_be_too_low.then(|| {
        let (needed, after) = (input.row.needed().unwrap_or_default(), input.row.after.unwrap_or_default());
        Finding::Hold(format!(
            "{} covers the {} that the API's breakdown shows, but it gives {} of the organization's units to no account group, and they \
             may belong to this one",
            grouped(after),
            grouped(needed),
            grouped(rest)
        ))
    })
}
