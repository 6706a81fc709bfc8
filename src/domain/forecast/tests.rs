//! When a quota runs out, by each of two estimates.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00:00Z").parse().unwrap()
}

fn course(points: &[(DateTime<Utc>, Units)]) -> CycleProgress {
    let taken_at = at("11-21T00");
    let mut fit = LinearFit::default();
    for (at, used) in points {
        fit.add(taken_at - *at, *used);
    }
    CycleProgress {
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
    let points = [(at("11-18T00"), 650), (at("11-19T00"), 700), (at("11-20T00"), 750), (at("11-21T00"), 800)];
    let out = run_out(&course(&points)).unwrap();
    assert_eq!(out.at, at("11-23T00"));
    assert_eq!(out.by_projection, Some(at("11-26T00")));
    assert_eq!(out.sureness(), "±3 days");
}

#[test]
fn a_quota_that_lasts_to_the_last_second_of_the_cycle_does_not_run_out() {
    let left = (at("12-01T00") - at("11-21T00")).num_seconds();
    let lasts = |quota| run_out(&CycleProgress { quota, projected: 800, slope: Some(1.0), ..course(&[]) });
    assert!(lasts(800 + left).is_none());
    assert!(lasts(800 + left - 1).is_some());
}

#[test]
fn an_estimate_that_stands_alone_says_so() {
    let flat = [(at("11-18T00"), 800), (at("11-19T00"), 800), (at("11-21T00"), 800)];
    assert_eq!(run_out(&course(&flat)).unwrap().sureness(), "by projection alone");
    let steep = [(at("11-19T00"), 600), (at("11-20T00"), 700), (at("11-21T00"), 800)];
    let calm = CycleProgress { projected: 850, ..course(&steep) };
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
    assert_eq!(run_out(&CycleProgress { used: 900, ..course(&[]) }), None);
    assert_eq!(run_out(&CycleProgress { projected: 900, ..course(&[]) }), None);
    // Divided and multiplied again these fall short of the end by a fraction of a second.
    for used in 0..900 {
        assert_eq!(run_out(&CycleProgress { used, projected: 900, ..course(&[]) }), None, "{used}");
    }
    assert_eq!(run_out(&CycleProgress { cycle_end: at("11-20T00"), ..course(&[]) }), None);
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
        let mut fit = LinearFit::default();
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
        let course = CycleProgress { quota, used, projected, ..course(&points) };
        if let Some(out) = run_out(&course) {
            prop_assert!(course.taken_at <= out.at && out.at <= course.cycle_end);
            prop_assert!(used < quota);
        }
    }
}
