//! What every target used in the days before the latest snapshot: as little of the history as judging it takes.

use chrono::TimeDelta;

use crate::domain::forecast::{LinearFit, SLOPE_DAYS};
use crate::domain::last_cycle::is_same_start;
use crate::domain::quota::{Snapshot, UsageRule};
use crate::report::shared::readings::Readings;

/// How fast every target used units in the last days of its cycle, each row of the latest snapshot by its place. Empty where nothing
/// is known of any: a million rows of which only the quota was read take no room for it.
#[derive(Debug, Default)]
pub(crate) struct Slopes(Vec<LinearFit>);

impl Slopes {
    /// Adds what was used at a moment of the last days, in the cycle that still runs.
    fn add(&mut self, then: &Readings, latest: &Snapshot) {
        let since = latest.taken_at - TimeDelta::days(SLOPE_DAYS);
        if !(since..=latest.taken_at).contains(&then.at) || then.rows.iter().all(|row| row.used().is_none()) {
            return;
        }
        self.0.resize(then.rows.len(), LinearFit::default());
        let mut rows = self.0.iter_mut().zip(&then.rows);
        for (organization, cycle) in latest.organizations().iter().zip(&then.cycles) {
            let is_same = match (organization.period_start, *cycle) {
                (Some(now), Some(then)) => is_same_start(now, then),
                (now, then) => now == then,
            };
            for (fit, row) in rows.by_ref().take(organization.row_count()) {
                if let (Some(used), true) = (row.used(), is_same) {
                    fit.add(latest.taken_at - then.at, used);
                }
            }
        }
    }

    /// Those of a part of the snapshot: of the rows at these places, in their order.
    pub(in crate::report) fn at_places(&self, places: &[usize]) -> Self {
        Self(places.iter().map(|place| self.0.get(*place).copied().unwrap_or_default()).collect())
    }

    /// That of one row of the latest snapshot, in units per second. None where too little is known.
    pub(crate) fn at(&self, place: usize) -> Option<f64> {
        self.0.get(place)?.slope()
    }
}

/// What the snapshots of the days before the latest showed: as little of them as judging it takes.
#[derive(Default)]
pub(crate) struct Week {
    slopes: Slopes,
    /// Which rows of the latest snapshot any of them showed.
    showed: Vec<bool>,
}

impl Week {
    /// Before anything is known of it.
    pub(crate) fn new(latest: &Snapshot) -> Self {
        Self { slopes: Slopes::default(), showed: vec![false; latest.row_count()] }
    }

    /// Adds what the latest itself shows.
    pub(crate) fn add_latest(&mut self, latest: &Snapshot, rule: &UsageRule) {
        self.slopes.add(&Readings::of_latest(latest, rule), latest);
    }

    /// Adds what an earlier snapshot showed.
    pub(crate) fn add(&mut self, earlier: &Readings, latest: &Snapshot) {
        self.slopes.add(earlier, latest);
        for (showed, then) in self.showed.iter_mut().zip(&earlier.rows) {
            *showed |= then.is_shown();
        }
    }

    pub(crate) fn slopes(&self) -> &Slopes {
        &self.slopes
    }

    pub(crate) fn into_slopes(self) -> Slopes {
        self.slopes
    }

    /// Whether one of them showed the target of this row of the latest, by its place.
    pub(in crate::report) fn has_shown(&self, place: usize) -> bool {
        self.showed.get(place).copied().unwrap_or(false)
    }
}
