//! What one earlier snapshot showed of the targets of the latest: as little of it as judging and drawing takes.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::domain::merge::merge;
use crate::domain::quota::{Organization, Snapshot, Units, Usage, UsageRule};
use crate::history::Figures;

/// The figures stand by the places of the rows in the latest snapshot, and of its organizations.
pub(crate) struct Readings {
    pub(in crate::report) at: DateTime<Utc>,
    /// The cycle that the usage of each organization belongs to.
    pub(in crate::report) cycles: Vec<Option<DateTime<Utc>>>,
    /// What each row used.
    pub(in crate::report) used: Vec<Option<Units>>,
    /// The rows that were there, whether or not it is known what they used.
    pub(in crate::report) showed: Vec<bool>,
}

impl Readings {
    /// Of a snapshot that comes organization by organization, in the order of their ids.
    pub(crate) fn of<E>(
        at: DateTime<Utc>,
        figures: impl IntoIterator<Item = Result<Figures, E>>,
        latest: &Snapshot,
        rule: &UsageRule,
    ) -> Result<Self, E> {
        let rows = latest.row_count();
        let cycles = vec![None; latest.organizations().len()];
        let mut seen = Self { at, cycles, used: vec![None; rows], showed: vec![false; rows] };
        walk(figures, latest, |organization, row, cycle, usage| {
            seen.cycles[organization] = cycle;
            seen.used[row] = rule.used(usage);
            seen.showed[row] = true;
        })?;
        Ok(seen)
    }

    /// Of the latest snapshot itself.
    pub(in crate::report) fn of_latest(latest: &Snapshot, rule: &UsageRule) -> Self {
        Self {
            at: latest.taken_at,
            cycles: latest.organizations().iter().map(|seen| seen.period_start).collect(),
            used: latest.places().map(|place| rule.used(&place.usage())).collect(),
            showed: vec![true; latest.row_count()],
        }
    }
}

/// Calls `each` for the rows of the latest snapshot that the other one shows too: with the place of the organization and that of the
/// row, and with the cycle and the usage that were shown.
fn walk<E>(
    figures: impl IntoIterator<Item = Result<Figures, E>>,
    latest: &Snapshot,
    mut each: impl FnMut(usize, usize, Option<DateTime<Utc>>, &Usage),
) -> Result<(), E> {
    let mut first = 0;
    let in_order = |then: &Result<Figures, E>, (_, now): &(usize, &Organization)| match then {
        Ok(then) => then.id.cmp(&now.id),
        Err(_) => Ordering::Equal, // it ends the walk, whatever stands beside it
    };
    for (then, now) in merge(figures, latest.organizations().iter().enumerate(), in_order) {
        let (then, Some((organization, now))) = (then.transpose()?, now) else { continue };
        if let Some(then) = then {
            let rows = now.places().enumerate();
            for both in merge(&then.rows, rows, |(aid, _), (_, now)| aid.as_ref().cmp(&now.aid())) {
                if let (Some((_, usage)), Some((row, _))) = both {
                    each(organization, first + row, then.period_start, usage);
                }
            }
        }
        first += now.row_count();
    }
    Ok(())
}
