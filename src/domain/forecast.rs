//! The day on which a target runs out, estimated twice: by the API's projection, and by the slope of our own history.
//!
//! Both are straight lines from what is used now. How far they are apart is how sure the answer is.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::Units;

/// The history that the slope is taken from: usage of last month says little about next week.
pub(crate) const SLOPE_DAYS: i64 = 7;

/// What is known of one target in the running cycle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CycleProgress {
    pub quota: Units,
    pub used: Units,
    pub projected: Units,
    /// When `used` was read.
    pub taken_at: DateTime<Utc>,
    pub cycle_end: DateTime<Utc>,
    /// How fast units were used in the last days, per second; none if too little is known about them.
    pub slope: Option<f64>,
}

/// That a target runs out before the cycle ends, by at least one of two estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunOut {
    /// By the API's projection; none when it stays within the quota.
    pub by_projection: Option<DateTime<Utc>>,
    /// By the last days of our own history; none when it stays within the quota or is too short for a forecast.
    pub by_slope: Option<DateTime<Utc>>,
    /// Whether our history was long enough to have an opinion.
    pub slope_known: bool,
    /// The earlier of the two.
    pub at: DateTime<Utc>,
}

impl RunOut {
    /// How far the two are apart, in whole days and at least one; none when only one of them runs out.
    pub(crate) fn days_apart(&self) -> Option<i64> {
        let apart = (self.by_projection? - self.by_slope?).abs();
        Some(((apart.num_hours() + 12) / 24).max(1))
    }

    /// How sure the day is, in a few words.
    pub(crate) fn sureness(&self) -> String {
        match (self.days_apart(), self.by_projection, self.slope_known) {
            (Some(1), ..) => "±1 day".to_owned(),
            (Some(days), ..) => format!("±{days} days"),
            (None, Some(_), true) => "by projection alone".to_owned(),
            (None, Some(_), false) => "by projection".to_owned(),
            (None, None, _) => "by the last days alone".to_owned(),
        }
    }
}

/// None when neither estimate reaches the quota before the cycle ends, or when it was reached already.
pub(crate) fn run_out(course: &CycleProgress) -> Option<RunOut> {
    let left = course.cycle_end - course.taken_at;
    if course.used >= course.quota || left <= TimeDelta::zero() {
        return None;
    }
    let room = float(course.quota.saturating_sub(course.used));
    let rate_projected = float(course.projected.saturating_sub(course.used)) / seconds(left);
    let reached = |rate: f64| {
        let after = room / rate;
        (rate > 0.0 && after < seconds(left)).then(|| course.taken_at + whole_seconds(after))
    };
    // What is projected to be used to the last unit is not exceeded, whatever a division rounds to.
    let by_projection = reached(rate_projected).filter(|_| course.projected > course.quota);
    let by_slope = course.slope.and_then(reached);
    let at = by_projection.into_iter().chain(by_slope).min()?;
    Some(RunOut { by_projection, by_slope, slope_known: course.slope.is_some(), at })
}

/// A line through what was used at moments of the last days, by least squares: of each moment its figures are added up, and
/// nothing else is kept of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinearFit {
    count: u32,
    /// Seconds before now; the latest moment and the earliest.
    latest: u32,
    earliest: u32,
    mean_time: f64,
    mean_used: f64,
    /// Sums of the products of what is left of both, and of time's, without their means.
    time_and_used: f64,
    time_squared: f64,
}

impl LinearFit {
    /// Adds what was used at a moment before now; what lies before the last days, or in the future, counts for nothing.
    pub(crate) fn add(&mut self, ago: TimeDelta, used: Units) {
        if !(TimeDelta::zero()..=TimeDelta::days(SLOPE_DAYS)).contains(&ago) {
            return;
        }
        let Ok(ago) = u32::try_from(ago.num_seconds()) else { return };
        (self.latest, self.earliest) =
            if self.count == 0 { (ago, ago) } else { (self.latest.min(ago), self.earliest.max(ago)) };
        self.count += 1;
        let (time, used) = (-f64::from(ago), float(used));
        // Welford's way: no sum becomes so large that a small difference is lost in it.
        let (off_time, off_used) = (time - self.mean_time, used - self.mean_used);
        self.mean_time += off_time / f64::from(self.count);
        self.mean_used += off_used / f64::from(self.count);
        self.time_squared += off_time * (time - self.mean_time);
        self.time_and_used += off_time * (used - self.mean_used);
    }

    /// Units per second. None where [`is_slope_known`] says no.
    pub(crate) fn slope(&self) -> Option<f64> {
        let span = TimeDelta::seconds((self.earliest - self.latest).into());
        is_slope_known(self.count as usize, span).then(|| self.time_and_used / self.time_squared)
    }
}

/// Whether so many moments over so much time are enough for a slope: at least three, over at least a day.
pub(crate) fn is_slope_known(moments: usize, span: TimeDelta) -> bool {
    moments >= 3 && span >= TimeDelta::days(1)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs no 53rd bit")]
fn float(units: Units) -> f64 {
    units as f64
}

#[expect(clippy::cast_precision_loss, reason = "a cycle has few seconds")]
fn seconds(time: TimeDelta) -> f64 {
    time.num_seconds() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "below the length of a cycle, and a fraction does not matter"
)]
fn whole_seconds(seconds: f64) -> TimeDelta {
    TimeDelta::seconds(seconds as i64)
}

#[cfg(test)]
mod tests;
