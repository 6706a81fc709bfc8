//! How fast units were used in the week before a snapshot, as earlier snapshots show it.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::ReportInputs;
use crate::domain::forecast::{SLOPE_DAYS, is_slope_known};
use crate::domain::quota::{Snapshot, UsageRule};
use crate::domain::usage_rows::UsageRows;
use crate::history::{EarlierOrganization, left_out, thinned};
use crate::report::{Curves, OrganizationReadings, Readings, Slopes, Week};

/// Snapshots that a slope is laid through: one for each six hours of a week, however many there are.
const POINTS: i32 = 28;

impl ReportInputs<'_> {
    /// How fast the targets of the latest snapshot used units in the week before it. No file is opened where it is too short to say.
    pub(crate) fn slopes(&self, latest: &Snapshot) -> anyhow::Result<Slopes> {
        let is_empty = self.moments_of_slopes(latest.taken_at)?.is_empty();
        if is_empty { Ok(Slopes::default()) } else { Ok(self.week(latest)?.into_slopes()) }
    }

    /// The same with the curves of all its targets: a snapshot that both look at is read once.
    pub(super) fn slopes_with_curves<'s>(
        &self,
        (latest, since): (&'s Snapshot, Option<DateTime<Utc>>),
        rule: &'s UsageRule,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(Slopes, Curves<'s>)> {
        let (mut week, mut curves) = (Week::new(latest), Curves::new(latest, rule));
        let of_week =
            if is_measured(latest, rule) { self.moments_of_slopes(latest.taken_at)? } else { Vec::new() };
        if !of_week.is_empty() {
            week.add_latest(latest, rule);
        }
        let drawn = self.moments_of_curves(&curves, (latest, since), now)?;
        let moments: BTreeSet<DateTime<Utc>> = of_week.iter().chain(&drawn).copied().collect();
        let moments: Vec<DateTime<Utc>> = moments.into_iter().collect();
        self.each_reading(&moments, latest, rule, |earlier| {
            if of_week.contains(&earlier.at) {
                week.add(&earlier, latest);
            }
            if drawn.contains(&earlier.at) {
                curves.add(earlier);
            }
        });
        curves.add_latest();
        Ok((week.into_slopes(), curves))
    }

    /// The same of one organization, by what earlier snapshots show of it.
    pub(super) fn slopes_beside(
        &self,
        latest: &Snapshot,
        earlier: Vec<EarlierOrganization>,
        rule: &UsageRule,
    ) -> Slopes {
        let mut week = Week::new(latest);
        week.add_latest(latest, rule);
        for then in earlier {
            let (at, now) = (then.at, latest.organizations().first());
            let readings = now.map(|now| Ok(OrganizationReadings::new(self.history.usage(then, now)?, rule)));
            match Readings::from_snapshot::<anyhow::Error>(at, readings, latest) {
                Ok(readings) => week.add(&readings, latest),
                Err(error) => left_out(&error),
            }
        }
        week.into_slopes()
    }

    /// The snapshots of the week before, if they are enough for a slope.
    pub(super) fn moments_of_slopes(&self, at: DateTime<Utc>) -> anyhow::Result<Vec<DateTime<Utc>>> {
        let earlier = self.moments_of_the_week(at)?;
        let span = earlier.first().map_or(Duration::zero(), |first| at - *first);
        Ok(if is_slope_known(earlier.len() + 1, span) { earlier } else { Vec::new() })
    }

    /// What snapshots of the week before the latest showed, read one after the other.
    pub(crate) fn week(&self, latest: &Snapshot) -> anyhow::Result<Week> {
        let rule = self.config.usage.rule();
        let mut shown = Week::new(latest);
        if !is_measured(latest, &rule) {
            return Ok(shown);
        }
        shown.add_latest(latest, &rule);
        let week = self.moments_of_the_week(latest.taken_at)?;
        self.each_reading(&week, latest, &rule, |earlier| shown.add(&earlier, latest));
        Ok(shown)
    }

    /// Evenly thinned.
    fn moments_of_the_week(&self, at: DateTime<Utc>) -> anyhow::Result<Vec<DateTime<Utc>>> {
        Ok(thinned(&self.history.until(at)?, at - Duration::days(SLOPE_DAYS), at, POINTS))
    }

    /// What snapshots of these moments showed of the latest's targets, one after the other. One that cannot be read is left out.
    pub(super) fn each_reading(
        &self,
        moments: &[DateTime<Utc>],
        latest: &Snapshot,
        rule: &UsageRule,
        mut add: impl FnMut(Readings),
    ) {
        let of_organization = |then: UsageRows| OrganizationReadings::new(then, rule);
        let read = |at: DateTime<Utc>| {
            self.history
                .usage_like(at, latest, of_organization, |read| Readings::from_snapshot(at, read, latest))
        };
        self.history.each_of(moments, read, |readings| {
            for readings in readings {
                match readings {
                    Ok(readings) => add(readings),
                    Err(error) => left_out(&error),
                }
            }
        });
    }
}

/// Nothing is judged where nothing is measured.
fn is_measured(latest: &Snapshot, rule: &UsageRule) -> bool {
    latest.places().any(|place| place.headroom(rule).is_some())
}
