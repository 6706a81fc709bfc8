//! What every target used in the days before the latest snapshot: as little of the history as judging it takes.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::forecast::{Fit, SLOPE_DAYS};
use crate::domain::merge::merge;
use crate::domain::quota::{Organization, Place, Snapshot, Units, UsageRule};

/// How fast every target used units in the last days of its cycle, each row of the latest snapshot by its place. Empty where nothing
/// is known of any: a million rows of which only the quota was read take no room for it.
#[derive(Debug, Default)]
pub(crate) struct Slopes(Vec<Fit>);

impl Slopes {
    /// Adds what was used at a moment of the last days.
    fn add(&mut self, taken_at: DateTime<Utc>, used: &[Option<Units>], latest: &Snapshot) {
        let since = latest.taken_at - TimeDelta::days(SLOPE_DAYS);
        if !(since..=latest.taken_at).contains(&taken_at) || used.iter().all(Option::is_none) {
            return;
        }
        self.0.resize(used.len(), Fit::default());
        for (fit, used) in self.0.iter_mut().zip(used) {
            if let Some(used) = used {
                fit.add(latest.taken_at - taken_at, *used);
            }
        }
    }

    /// That of one row of the latest snapshot, in units per second. None where too little is known.
    pub(in crate::report) fn of(&self, place: usize) -> Option<f64> {
        self.0.get(place)?.slope()
    }
}

fn used_in_cycle(now: Place<'_>, then: Place<'_>, rule: &UsageRule) -> Option<Units> {
    let is_same = then.organization.period_start == now.organization.period_start;
    rule.used(&then.usage()).filter(|_| is_same)
}

/// Calls `each` for the rows of the latest snapshot that another one shows, with their place and what it showed.
pub(in crate::report) fn walk<E>(
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
    slopes: Slopes,
    /// Which rows of the latest snapshot any of them showed.
    showed: Vec<bool>,
}

impl Week {
    /// Of the latest snapshot alone.
    pub(crate) fn new(latest: &Snapshot, rule: &UsageRule) -> Self {
        let mut week = Self { slopes: Slopes::default(), showed: vec![false; latest.row_count()] };
        let used: Vec<_> = latest.places().map(|now| rule.used(&now.usage())).collect();
        week.slopes.add(latest.taken_at, &used, latest);
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
        self.slopes.add(taken_at, &used, latest);
        for place in showed {
            self.showed[place] = true;
        }
        Ok(())
    }

    pub(crate) fn slopes(&self) -> &Slopes {
        &self.slopes
    }

    /// Whether one of them showed the target of this row of the latest, by its place.
    pub(in crate::report) fn showed(&self, place: usize) -> bool {
        self.showed.get(place).copied().unwrap_or(false)
    }
}
