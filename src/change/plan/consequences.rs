//! The consequences of a quota below use: when tests would stop, and the largest of them.
//!
//! A person decides on a held row by this, and asks the owners of what is named here.

use super::context::PlanContext;
use super::effective;
use super::row::PlanRow;
use crate::domain::forecast::{CycleProgress, run_out};
use crate::domain::quota::{Place, Snapshot, Units};
use crate::text::words::grouped;
use crate::text::words::short_day;

/// So many are named; a person wants to know whom to ask, not to read a list.
const NAMED: usize = 3;

/// The rest of a sentence on a quota that is too small: `: tests would stop about 24 Nov. Largest: portal (DNS) 1 900`.
/// Empty where nothing is known.
pub(super) fn consequences(row: &PlanRow, live: &Snapshot, context: &PlanContext<'_>) -> String {
    let Some(seen) = row.target.as_ref().and_then(|target| live.place(target)) else { return String::new() };
    // What the next cycle's line looks like is not known, and its largest tests are those of this one.
    let is_next = effective::is_next_cycle(seen, row.due);
    let stops = if is_next {
        None
    } else {
        when_used_up(row, seen, live, context).map(|when| format!(": tests would stop {when}"))
    };
    let named: Vec<String> = context
        .largest
        .of_target(&seen.target())
        .iter()
        .take(NAMED)
        .map(|test| format!("{} {}", test.label, grouped(test.projected)))
        .collect();
    let largest = match named.as_slice() {
        [] => String::new(),
        named => format!(". Largest{}: {}", if is_next { " this cycle" } else { "" }, named.join(", ")),
    };
    stops.unwrap_or_default() + &largest
}

/// When the new quota is used up, by the API's projection alone; none where that is not known.
fn when_used_up(
    row: &PlanRow,
    seen: Place<'_>,
    live: &Snapshot,
    context: &PlanContext<'_>,
) -> Option<String> {
    let (quota, used): (Units, Units) = (row.after?, row.used?);
    let at = if used >= quota {
        live.taken_at
    } else {
        let course = CycleProgress {
            quota,
            used,
            projected: row.projected?,
            taken_at: live.taken_at,
            cycle_end: seen.organization.period_end?,
            slope: None,
        };
        run_out(&course)?.at
    };
    Some(match row.due {
        Some(due) if at <= due => "as soon as it is set".to_owned(),
        None if used >= quota => "at once".to_owned(),
        _ => format!("about {}", short_day(at, context.zone)),
    })
}

#[cfg(test)]
mod tests;
