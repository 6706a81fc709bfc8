//! The day on which a target runs out, estimated twice: by the API's projection, and by the slope of our own history.
//!
//! Both are straight lines from what is used now. How far they are apart is how sure the answer is.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::Units;

/// The history that the slope is taken from: usage of last month says little about next week.
pub(crate) const SLOPE_DAYS: i64 = 7;

/// What is known of one target in the running cycle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub quota: Units,
    pub used: Units,
    pub projected: Units,
    /// When `used` was read.
    pub taken_at: DateTime<Utc>,
    pub cycle_end: DateTime<Utc>,
    /// How fast units were used in the last days, per second; none where too little is known of them.
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
pub(crate) fn run_out(course: &Course) -> Option<RunOut> {
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
pub(crate) struct Fit {
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

impl Fit {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-{text}:00:00Z").parse().unwrap()
    }

    fn course(points: &[(DateTime<Utc>, Units)]) -> Course {
        let taken_at = at("11-21T00");
        let mut fit = Fit::default();
        for (at, used) in points {
            fit.add(taken_at - *at, *used);
        }
        Course {
            quota: 900,
            used: 800,
            projected: 1000,
            taken_at,
            cycle_end: at("12-01T00"),
            slope: fit.slope(),
        }
    }

    #[test]
    fn the_projection_is_a_line_to_the_end_of_the_cycle() {
        let out = run_out(&course(&[])).unwrap();
        assert_eq!(out.at, at("11-26T00"));
        assert_eq!(out.sureness(), "by projection");
    }

    #[test]
    fn the_earlier_estimate_is_shown_with_the_distance_of_the_other() {
        // 50 a day: two days for the last 100.
        let points =
            [(at("11-18T00"), 650), (at("11-19T00"), 700), (at("11-20T00"), 750), (at("11-21T00"), 800)];
        let out = run_out(&course(&points)).unwrap();
        assert_eq!(out.at, at("11-23T00"));
        assert_eq!(out.by_projection, Some(at("11-26T00")));
        assert_eq!(out.sureness(), "±3 days");
    }

    #[test]
    fn a_quota_that_lasts_to_the_last_second_of_the_cycle_does_not_run_out() {
        let left = (at("12-01T00") - at("11-21T00")).num_seconds();
        let lasts = |quota| run_out(&Course { quota, projected: 800, slope: Some(1.0), ..course(&[]) });
        assert!(lasts(800 + left).is_none());
        assert!(lasts(800 + left - 1).is_some());
    }

    #[test]
    fn an_estimate_that_stands_alone_says_so() {
        let flat = [(at("11-18T00"), 800), (at("11-19T00"), 800), (at("11-21T00"), 800)];
        assert_eq!(run_out(&course(&flat)).unwrap().sureness(), "by projection alone");
        let steep = [(at("11-19T00"), 600), (at("11-20T00"), 700), (at("11-21T00"), 800)];
        let calm = Course { projected: 850, ..course(&steep) };
        assert_eq!(run_out(&calm).unwrap().sureness(), "by the last days alone");
    }

    #[test]
    fn a_short_or_old_history_has_no_slope() {
        let short = [(at("11-20T12"), 100), (at("11-20T18"), 400), (at("11-21T00"), 800)];
        let short_and_past = [(at("11-18T00"), 100), (at("11-18T06"), 400), (at("11-18T12"), 800)];
        let old = [(at("11-10T00"), 0), (at("11-11T00"), 400), (at("11-12T00"), 800)];
        for points in [short, short_and_past, old] {
            assert!(!run_out(&course(&points)).unwrap().slope_known);
        }
    }

    #[test]
    fn a_quota_that_is_used_up_or_a_cycle_that_is_over_has_no_run_out_day() {
        assert_eq!(run_out(&Course { used: 900, ..course(&[]) }), None);
        assert_eq!(run_out(&Course { projected: 900, ..course(&[]) }), None);
        // Divided and multiplied again these fall short of the end by a fraction of a second.
        for used in 0..900 {
            assert_eq!(run_out(&Course { used, projected: 900, ..course(&[]) }), None, "{used}");
        }
        assert_eq!(run_out(&Course { cycle_end: at("11-20T00"), ..course(&[]) }), None);
    }

    /// As a textbook has it: the means first, then what is left.
    fn two_passes(points: &[(f64, f64)]) -> f64 {
        let count = points.iter().fold(0.0, |count, _| count + 1.0);
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|(x, _)| *x), mean(|(_, y)| *y));
        let products = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            points.iter().map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
        };
        products(&|x, y| x * y) / products(&|x, _| x * x)
    }

    proptest! {
        #[test]
        fn the_slope_is_that_of_least_squares_in_whatever_order_the_moments_come(
            mut points in prop::collection::btree_map(0_i64..SLOPE_DAYS * 24, 0_i64..1_000_000_000, 3..40),
            later in any::<prop::sample::Index>(),
        ) {
            points.insert(SLOPE_DAYS * 24, 0);
            let mut points: Vec<(i64, Units)> = points.into_iter().collect();
            let turn = later.index(points.len());
            points.rotate_left(turn);
            let mut fit = Fit::default();
            for (hours, used) in &points {
                fit.add(TimeDelta::hours(*hours), *used);
            }
            let seconds: Vec<_> = points.iter().map(|(at, used)| (-float(*at) * 3600.0, float(*used))).collect();
            if points.iter().any(|(hours, _)| *hours <= (SLOPE_DAYS - 1) * 24) {
                let (found, expected) = (fit.slope().unwrap(), two_passes(&seconds));
                prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
            } else {
                prop_assert_eq!(fit.slope(), None);
            }
        }

        #[test]
        fn a_run_out_day_lies_between_now_and_the_end_of_the_cycle(
            quota in 0_i64.., used in 0_i64.., projected in 0_i64..,
            points in prop::collection::vec((0_i64..40, 0_i64..), 0..9),
        ) {
            let points: Vec<_> =
                points.iter().map(|(day, used)| (at("11-01T00") + TimeDelta::days(*day), *used)).collect();
            let course = Course { quota, used, projected, ..course(&points) };
            if let Some(out) = run_out(&course) {
                prop_assert!(course.taken_at <= out.at && out.at <= course.cycle_end);
                prop_assert!(used < quota);
            }
        }
    }
}
