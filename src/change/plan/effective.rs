//! Rows that take effect later: when that is, and what is known of that time.
//!
//! A row waits until its day begins or the billing cycle ends. It is planned now against what the API projects for the
//! cycle that its time falls into, and planned and guarded again when it is due.

use chrono::{DateTime, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::context::PlanContext;
use super::row::PlanRow;
use crate::change::codes::{Code, Problem};
use crate::change::parse::{Columns, Effective, Field};
use crate::domain::quota::{Place, Snapshot, Units, Usage};

/// When a row is due; none for now. `live` is its target as it is seen at `now`.
pub(super) fn due_at(
    effective: Option<Effective>,
    live: Place<'_>,
    now: DateTime<Utc>,
    columns: &Columns,
    context: &PlanContext<'_>,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let due = match (context.due, effective) {
        (None, None) => return Ok(None),
        (Some(due), _) => due,
        (None, Some(Effective::On(date))) => beginning(date.and_time(NaiveTime::MIN), context.zone),
        (None, Some(Effective::NextCycle)) => cycle_end(live, now).map_err(|sentence| {
            Problem::in_column(Code::BadRow, columns.name(Field::Effective), &sentence)
        })?,
    };
    // Runs are named by whole seconds.
    let due = (due + TimeDelta::nanoseconds(999_999_999)).trunc_subsecs(0);
    Ok((due > now).then_some(due))
}

/// When the billing cycle ends that `now` is in. An error says why nobody knows: what is meant for then must not be sent at once.
fn cycle_end(live: Place<'_>, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let (start, end) = (live.organization.period_start, live.organization.period_end);
    let why = match end {
        None => "its usage could not be read".to_owned(),
        Some(end) if end <= now => format!("the API says {}, which is past", end.format("%-d %b %Y")),
        Some(end) if start.is_some_and(|start| end <= start) => {
            format!("the API says {}, which is not after its start", end.format("%-d %b %Y"))
        }
        Some(end) => return Ok(end),
    };
    Err(format!(
        "the end of the billing cycle of {} is not known, because {why}. Type a date, such as 2026-12-01.",
        live.target()
    ))
}

/// What to say of a day that is past: a year typed wrong would act today.
pub(super) fn past_day_warning(
    effective: Option<Effective>,
    now: DateTime<Utc>,
    context: &PlanContext<'_>,
) -> Option<String> {
    match (effective?, context.due) {
        (Effective::On(date), None) if date < now.with_timezone(&context.zone).date_naive() => {
            let day = date.format("%-d %b %Y");
            Some(format!("{day} is past, so this takes effect at once: is the year right?"))
        }
        _ => None,
    }
}

/// The first moment of a day. Where a change to daylight saving leaves its midnight out, the day begins after it.
fn beginning(midnight: chrono::NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let mut at = midnight;
    loop {
        if let Some(moment) = zone.from_local_datetime(&at).earliest() {
            return moment.to_utc();
        }
        at += TimeDelta::minutes(15);
    }
}

/// Whether what is due then meets another billing cycle than the one that was seen.
pub(super) fn is_next_cycle(live: Place<'_>, due: Option<DateTime<Utc>>) -> bool {
    due.zip(live.organization.period_end).is_some_and(|(due, end)| due >= end)
}

/// The usage that a row's new quota will meet: of this cycle, or what is projected for the next one.
pub(super) fn usage(live: Place<'_>, due: Option<DateTime<Utc>>) -> Usage {
    let usage = live.usage();
    if !is_next_cycle(live, due) {
        return usage;
    }
    let Some(own) = &live.organization.own else { return Usage::default() };
    // The API projects the next cycle of organizations only: an account group has its share of it.
    let share =
        |group: Option<Units>, whole: Option<Units>, next: Option<Units>| match (group?, whole?, next?) {
            (group, whole, next) if whole > 0 => {
                let share =
                    (i128::from(group) * i128::from(next) + i128::from(whole) - 1) / i128::from(whole);
                Some(Units::try_from(share).unwrap_or(Units::MAX))
            }
            (group, ..) => Some(group),
        };
    Usage {
        cloud_used: Some(0),
        cloud_projected: share(usage.cloud_projected, own.usage.cloud_projected, own.cloud_next_period),
        enterprise_used: Some(0),
        enterprise_projected: share(
            usage.enterprise_projected,
            own.usage.enterprise_projected,
            own.enterprise_next_period,
        ),
        device_used: None,
        device_projected: None,
    }
}

/// What will be live once these rows are done.
pub(in crate::change) fn with_rows_done(mut live: Snapshot, rows: &[PlanRow]) -> Snapshot {
    for row in rows.iter().filter(|row| row.is_pending()) {
        if let Some(target) = &row.target {
            live.set_quota(target, row.after);
        }
    }
    live
}

#[cfg(test)]
mod tests;
