//! What every target used in the days before the latest snapshot: as little of the history as judging it takes.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::merge::merge;
use crate::domain::quota::{Organization, Place, Snapshot, Units, UsageRule};

/// What every target used at earlier moments of its cycle, for the slopes: of each moment one figure for each row of the latest
/// snapshot, in their order.
#[derive(Debug, Default)]
pub(crate) struct Points(Vec<(DateTime<Utc>, Vec<Option<Units>>)>);

impl Points {
    /// Adds what the latest snapshot itself says.
    fn add_latest(&mut self, latest: &Snapshot, rule: &UsageRule) {
        let used = latest.places().map(|now| rule.used(&now.usage())).collect();
        self.push(latest.taken_at, used, latest);
    }

    /// Adds what was used at a moment of the last days.
    fn push(&mut self, taken_at: DateTime<Utc>, used: Vec<Option<Units>>, latest: &Snapshot) {
        let since = latest.taken_at - TimeDelta::days(SLOPE_DAYS);
        if (since..=latest.taken_at).contains(&taken_at) && used.iter().any(Option::is_some) {
            self.0.push((taken_at, used));
        }
    }

    /// Those of one row of the latest snapshot, by its place.
    pub(in crate::report) fn of(&self, place: usize) -> Vec<(DateTime<Utc>, Units)> {
        self.0.iter().filter_map(|(at, used)| Some((*at, (*used.get(place)?)?))).collect()
    }
}

fn used_in_cycle(now: Place<'_>, then: Place<'_>, rule: &UsageRule) -> Option<Units> {
    let is_same = then.organization.period_start == now.organization.period_start;
    rule.used(&then.usage()).filter(|_| is_same)
}

/// Calls `each` for the rows of the latest snapshot that another one shows, with their place and what it showed.
fn walk<E>(
    organizations: impl IntoIterator<Item = Result<Organization, E>>,
    latest: &Snapshot,
    mut each: impl FnMut(usize, Place<'_>, Place<'_>),
) -> Result<(), E> {
    let mut place = 0;
    let in_order = |then: &Result<Organization, E>, now: &&Organization| match then {
        Ok(then) => then.id.cmp(&now.id),
        Err(_) => Ordering::Equal, // it ends the walk, whatever stands beside it
    };
    for (then, now) in merge(organizations, latest.organizations(), in_order) {
        let (then, Some(now)) = (then.transpose()?, now) else { continue };
        let first = place;
        place += now.row_count();
        let Some(then) = then else { continue };
        let both = merge(then.places(), now.places().enumerate(), |a, (_, b)| a.aid().cmp(&b.aid()));
        for (then, now) in both {
            if let (Some(then), Some((index, now))) = (then, now) {
                each(first + index, now, then);
            }
        }
    }
    Ok(())
}

/// What the snapshots of the days before the latest showed: as little of them as judging it takes.
#[derive(Default)]
pub(crate) struct Week {
    points: Points,
    /// Which rows of the latest snapshot any of them showed.
    showed: Vec<bool>,
}

impl Week {
    /// Of the latest snapshot alone.
    pub(crate) fn new(latest: &Snapshot, rule: &UsageRule) -> Self {
        let mut week = Self { points: Points::default(), showed: vec![false; latest.row_count()] };
        week.points.add_latest(latest, rule);
        week
    }

    /// Adds an earlier snapshot, organization by organization in the order of their ids. Where one cannot be read nothing is
    /// added.
    pub(crate) fn add<E>(
        &mut self,
        taken_at: DateTime<Utc>,
        organizations: impl IntoIterator<Item = Result<Organization, E>>,
        latest: &Snapshot,
        rule: &UsageRule,
    ) -> Result<(), E> {
        let (mut used, mut showed) = (vec![None; latest.row_count()], Vec::new());
        walk(organizations, latest, |place, now, then| {
            used[place] = used_in_cycle(now, then, rule);
            showed.push(place);
        })?;
        self.points.push(taken_at, used, latest);
        for place in showed {
            self.showed[place] = true;
        }
        Ok(())
    }

    pub(crate) fn points(&self) -> &Points {
        &self.points
    }

    /// Whether one of them showed the target of this row of the latest, by its place.
    pub(in crate::report) fn showed(&self, place: usize) -> bool {
        self.showed.get(place).copied().unwrap_or(false)
    }
}
