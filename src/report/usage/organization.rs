//! One organization: its own quota, and what of it its account groups were given.

use std::cmp::Ordering;

use serde::Serialize;

use crate::domain::quota::{self, Units, UsageRule};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{QuotaStatus, org_name};
use crate::report::shared::{ReportContext, words};
use crate::text::words::grouped;

/// The organization as the report shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Organization {
    #[serde(flatten)]
    pub own: QuotaStatus,
    pub plan: Option<Units>,
    pub account_groups: usize,
    /// The sum of its account groups' quotas.
    pub allocated: Units,
    /// What can still be handed out.
    pub unallocated: Option<Units>,
    pub over_allocated: Option<Units>,
    /// How many of its account groups are critical, and how many are warned of.
    pub critical: usize,
    pub warnings: usize,
    /// `2 account groups are critical, 5 have a warning`; empty where none is or has.
    pub trouble: String,
    /// Usage of the next cycle, as tests are configured now.
    pub next_cycle: Option<Units>,
    pub next_cycle_exceeds: bool,
    /// `5 Nov to 5 Dec`.
    pub cycle: String,
    pub days_left: Option<i64>,
    /// What a person must know to read these figures rightly.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub units_mismatch: bool,
    /// Neither its own usage is known nor that of any of its account groups.
    #[serde(skip)]
    pub usage_is_unknown: bool,
}

pub(in crate::report) fn organization(
    seen: &quota::Organization,
    status: QuotaStatus,
    rule: &UsageRule,
    context: &ReportContext,
) -> Organization {
    // Without a row of its own the organization is known by its account groups only.
    let row = seen.row();
    let allocated = seen.allocated();
    let left = row.quota.map(|quota| quota.saturating_sub(allocated));
    let next_cycle = rule.counted(row.cloud_next_period, row.enterprise_next_period);
    let (start, end) = (seen.period_start, seen.period_end);
    let units_mismatch = rule.looks_mismatched(&row);
    let mut notes = Vec::new();
    if units_mismatch {
        let (plan, quota) = (row.plan_units.unwrap_or(0), row.quota.unwrap_or(0));
        notes.push(format!(
            "The plan of {} and the quota of {} seem to use different units: compare them with the vendor's \
             pages and set usage.units_per_quota_unit (to 1 if both use the same units).",
            grouped(plan),
            grouped(quota)
        ));
    }
    let own_is_unknown = rule.needed(&row.usage).is_none();
    let usage_is_unknown =
        own_is_unknown && seen.account_groups.iter().all(|group| rule.needed(&group.usage()).is_none());
    if own_is_unknown {
        let note = if usage_is_unknown {
            "Usage is unknown, so this report cannot say how much is left."
        } else {
            "Its own usage is unknown, but the usage of its account groups is known."
        };
        notes.push(note.to_owned());
    }
    Organization {
        plan: row.plan_units,
        account_groups: seen.account_groups.len(),
        allocated,
        unallocated: left.filter(|left| *left >= 0),
        over_allocated: left.filter(|left| *left < 0).map(Units::saturating_neg),
        critical: 0,
        warnings: 0,
        trouble: String::new(),
        next_cycle,
        next_cycle_exceeds: next_cycle.zip(row.quota).is_some_and(|(next, quota)| next > quota),
        cycle: start.zip(end).map_or_else(String::new, |(start, end)| {
            format!("{} to {}", words::short_day(start, context.zone), words::short_day(end, context.zone))
        }),
        days_left: end.map(|end| ((end - context.now).num_hours() + 23).max(0) / 24),
        notes,
        units_mismatch,
        usage_is_unknown,
        own: QuotaStatus { name: org_name(&row).into(), ..status },
    }
}

impl Organization {
    /// What is known of its account groups.
    pub(in crate::report) fn with_groups(self, critical: usize, warnings: usize) -> Self {
        let are = |count| if count == 1 { "is" } else { "are" };
        let have = |count| if count == 1 { "has" } else { "have" };
        let groups = |count| words::counted(count, "account group");
        let trouble = match (critical, warnings) {
            (0, 0) => String::new(),
            (0, warned) => format!("{} {} a warning", groups(warned), have(warned)),
            (critical, 0) => format!("{} {} critical", groups(critical), are(critical)),
            (critical, warned) => format!(
                "{} {} critical, {} {} a warning",
                groups(critical),
                are(critical),
                words::number(warned),
                have(warned)
            ),
        };
        Self { critical, warnings, trouble, ..self }
    }

    /// By the worst in it: its own quota or an account group; then by its own quota, and by how many are in trouble.
    pub(in crate::report) fn worst_first(&self, other: &Self) -> Ordering {
        let worst = |seen: &Self| match (seen.critical, seen.warnings) {
            (0, 0) => seen.own.level,
            (0, _) => seen.own.level.max(Level::Warning),
            _ => Level::Critical,
        };
        worst(other)
            .cmp(&worst(self))
            .then_with(|| other.own.level.cmp(&self.own.level))
            .then_with(|| (other.critical, other.warnings).cmp(&(self.critical, self.warnings)))
            .then_with(|| self.own.worst_first(&other.own))
    }
}
