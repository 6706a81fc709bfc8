//! What the rows that are to be sent do to each organization together: what guards of a whole organization look at.

use std::collections::HashMap;

use crate::change::plan::context::PlanContext;
use crate::change::plan::model::PlanOrganization;
use crate::change::plan::row::{PlanRow, Verdict};
use crate::change::plan::totals::{RequestedQuotas, organization};
use crate::config::{Level, Mode};
use crate::domain::quota::{self, OrgId, Snapshot, Units};

/// What the rows to be sent do to one organization together.
pub(super) struct Organization {
    pub(super) totals: PlanOrganization,
    pub(super) own_quota_before: Option<Units>,
    /// The account groups' sum that its own quota must cover, whichever part of the rows is sent.
    pub(super) to_cover: Units,
    /// Plan and quota of it seem to use different units: no comparison of usage with a quota means anything.
    pub(super) mismatched: bool,
    /// Units of its total that the API's breakdown gives to no account group: each of them may be any group's. 0 where that is no
    /// more than such breakdowns differ by.
    pub(super) unattributed: Units,
    /// Rows that would be sent.
    pub(super) rows: usize,
    /// Quotas of its account groups, and how many of them would be lowered.
    pub(super) quotas: usize,
    pub(super) lowered: usize,
    /// The row that adds most to the over-allocation, of those that may not do so in silence: it carries the warning once.
    pub(super) adds_most: Option<usize>,
}

impl Organization {
    fn new(
        seen: &quota::Organization,
        totals: PlanOrganization,
        rows: &[&PlanRow],
        asked: &RequestedQuotas<'_>,
        context: &PlanContext<'_>,
    ) -> Self {
        let may_not_silently = |row: &PlanRow| {
            let limits = row.target.as_ref().map(|target| context.guards.for_target(target));
            limits.is_some_and(|limits| limits.over_allocation != Level::Allow)
        };
        Self {
            own_quota_before: seen.own.as_ref().and_then(|own| own.quota),
            to_cover: match context.mode {
                Mode::Organization | Mode::File => totals.allocated_after,
                // Each row stands alone: a decrease may wait for approval while this one is sent.
                Mode::Row => {
                    quota::sum(asked.of_groups(seen).filter_map(|(before, after)| before.max(after)))
                }
            },
            mismatched: seen.own_row().is_some_and(|own| context.rule.looks_mismatched(&own)),
            unattributed: context.rule.unattributed(seen),
            rows: rows.len(),
            quotas: seen.account_groups.iter().filter(|group| group.quota.is_some()).count(),
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
    pub(super) fn over_allocated(&self) -> (Units, Units) {
        let over =
            |sum: Units, quota: Option<Units>| quota.map_or(0, |quota| sum.saturating_sub(quota).max(0));
        (
            over(self.totals.allocated_before, self.own_quota_before),
            over(self.totals.allocated_after, self.totals.quota),
        )
    }
}

/// Those that the rows touch.
pub(super) fn organizations(
    rows: &[PlanRow],
    live: &Snapshot,
    context: &PlanContext<'_>,
) -> HashMap<OrgId, Organization> {
    let mut sent: Vec<&PlanRow> = rows.iter().filter(|row| row.verdict == Verdict::Send).collect();
    let asked = RequestedQuotas::new(sent.iter().copied());
    sent.sort_by_key(|row| row.org_id());
    sent.chunk_by(|a, b| a.org_id() == b.org_id())
        .filter_map(|rows| {
            let seen = live.organization(rows[0].org_id()?)?;
            let totals = organization(seen, &asked);
            Some((seen.id.clone(), Organization::new(seen, totals, rows, &asked, context)))
        })
        .collect()
}

pub(super) fn is_account_group(row: &PlanRow) -> bool {
    row.target.as_ref().is_some_and(|target| target.aid.is_some())
}

/// An account group's quota that becomes smaller. A first quota takes nothing that had been given.
pub(super) fn is_lowered(row: &PlanRow) -> bool {
    is_account_group(row) && row.before.is_some() && row.is_decrease()
}

/// What a row adds to the over-allocation: what an account group gets, or what the organization loses.
pub(super) fn added(row: &PlanRow) -> Units {
    let (before, after) = (row.before.unwrap_or(0), row.after.unwrap_or(0));
    match (is_account_group(row), row.before, row.after) {
        (true, ..) => after.saturating_sub(before),
        (false, _, None) => 0,
        // An organization without a quota had no end; its first one takes all beyond it away.
        (false, None, Some(_)) => Units::MAX,
        (false, Some(_), Some(_)) => before.saturating_sub(after),
    }
}
