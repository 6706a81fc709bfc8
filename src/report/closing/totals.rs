//! The figures of a section, cycle by cycle.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::section::YearRow;
use crate::domain::quota::{SnapshotRow, Units, UsageRule, sum};
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use crate::report::closing::cycle_usage::cycle_usage;
use crate::report::closing::wording::cycle_dates;
use crate::report::shared::{ReportContext, words};

/// What was seen so long before the end is not the result: even a daily snapshot comes closer.
const LATE: TimeDelta = TimeDelta::hours(36);
/// A year whose first cycle begins later is not known from its beginning.
const FIRST_CYCLE: TimeDelta = TimeDelta::days(40);

/// The figures of a section in one cycle: the organization's own, or the sum of the account groups that are left of it. A sum
/// with an unknown part is unknown.
#[derive(Default)]
pub(super) struct Total {
    pub(super) used: Option<Units>,
    pub(super) projected: Option<Units>,
    pub(super) quota: Option<Units>,
    pub(super) plan: Option<Units>,
}

pub(super) fn total(seen: Option<&LastSeen>, partial: bool, rule: &UsageRule) -> Total {
    let rows: Vec<SnapshotRow<'_>> = match seen {
        Some(seen) if partial => seen.rows().collect(),
        Some(seen) => seen.rows().take(1).collect(),
        None => Vec::new(),
    };
    if rows.is_empty() {
        return Total::default();
    }
    if partial {
        let all = |units: &dyn Fn(&SnapshotRow<'_>) -> Option<Units>| {
            rows.iter().map(units).collect::<Option<Vec<Units>>>().map(sum)
        };
        return Total {
            used: all(&|row| rule.used(&row.usage)),
            projected: all(&|row| rule.projected(&row.usage)),
            quota: all(&|row| row.quota),
            plan: None,
        };
    }
    rows.first().filter(|row| row.target.aid.is_none()).map_or_else(Total::default, |own| Total {
        used: rule.used(&own.usage),
        projected: rule.projected(&own.usage),
        quota: own.quota,
        plan: rule.plan(own.plan_units),
    })
}

/// When a cycle was seen last, if that is no result.
pub(super) fn last_partial_reading(cycle: &Cycle) -> Option<DateTime<Utc>> {
    cycle.last_seen.as_ref().map(|seen| seen.at).filter(|at| cycle.end - *at > LATE)
}

/// The cycles of the calendar year, oldest first.
pub(super) fn year(
    closed: &ClosedCycles,
    partial: bool,
    rule: &UsageRule,
    context: &ReportContext,
) -> Vec<YearRow> {
    let year = closed.cycles[0].year(context.zone);
    let row = |cycle: &Cycle| {
        let Total { used, quota, plan, .. } = total(cycle.last_seen.as_ref(), partial, rule);
        YearRow {
            spent: cycle_usage(String::new(), String::new(), used, quota),
            cycle: cycle_dates(cycle, context.zone),
            plan,
            missing: cycle.last_seen.is_none(),
            until: last_partial_reading(cycle)
                .map_or_else(String::new, |at| words::short_day(at, context.zone)),
        }
    };
    let of_year = closed.cycles.iter().filter(|cycle| cycle.year(context.zone) == year);
    let mut rows: Vec<YearRow> = of_year.map(row).collect();
    rows.reverse();
    if rows.iter().all(|row| row.missing) {
        rows.clear();
    }
    rows
}

/// The day before which nothing is known of the year; none where its first cycle is known.
pub(super) fn began_late(closed: &ClosedCycles, context: &ReportContext) -> Option<String> {
    let first = closed.cycles.last()?;
    let year = closed.cycles[0].year(context.zone);
    let before = (first.start - FIRST_CYCLE).with_timezone(&context.zone).year();
    (first.year(context.zone) == year && before == year).then(|| words::short_day(first.start, context.zone))
}
