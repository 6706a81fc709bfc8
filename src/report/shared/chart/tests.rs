//! The pictures of typical courses as golden files, and what must hold for any.

use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::ticks::ticks;
use super::*;
use crate::domain::quota::Units;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00:00Z").parse().unwrap()
}

/// A cycle of 30 days, seen twice a day until the 22nd: `a_day` used each day.
fn trend(a_day: Units) -> Trend {
    let used = (0..36).map(|half| (at("11-05T00") + TimeDelta::hours(12 * half), Some(a_day * half / 2)));
    Trend {
        name: "EMEA Branches".into(),
        level: Level::Fine,
        quota: Some(9_000),
        projected: Some(a_day * 30),
        runs_out_at: None,
        slope_ends_at: None,
        start: at("11-05T00"),
        end: at("12-05T00"),
        used: used.collect(),
        before: Vec::new(),
        zone: Tz::Europe__Berlin,
    }
}

fn runs_out() -> Trend {
    let before = (0..60).map(|half| (at("11-05T00") + TimeDelta::hours(12 * half), Some(140 * half)));
    let out = Some(at("11-27T06"));
    Trend { level: Level::Critical, runs_out_at: out, before: before.collect(), ..trend(420) }
}

fn with_gap() -> Trend {
    let mut gap = trend(200);
    for (_, used) in &mut gap.used[10..14] {
        *used = None;
    }
    gap.used.drain(20..28);
    gap
}

#[test]
fn the_picture_of_a_group_that_is_fine() {
    insta::assert_snapshot!(trend(200).svg());
}

#[test]
fn the_picture_of_one_that_runs_out_with_the_cycle_before() {
    insta::assert_snapshot!(runs_out().svg());
}

#[test]
fn early_in_the_cycle_the_figure_stands_above_the_line() {
    let mut early = trend(250);
    early.used.truncate(6);
    insta::assert_snapshot!(early.svg());
}

#[test]
fn what_is_unknown_or_was_not_read_is_a_gap_and_never_zero() {
    let svg = with_gap().svg();
    assert_eq!(svg.matches("<polyline").count(), 3, "two gaps make three lines: {svg}");
    insta::assert_snapshot!(svg);
}

#[test]
fn nothing_leads_on_from_usage_that_is_unknown_now() {
    let mut unknown = trend(200);
    unknown.used.last_mut().unwrap().1 = None;
    let svg = unknown.svg();
    assert!(
        !svg.contains("stroke-dasharray") && !svg.contains("projected") && !svg.contains("<circle"),
        "{svg}"
    );
    assert!(unknown.alt().contains("usage unknown now"), "{}", unknown.alt());
}

#[test]
fn the_words_say_what_the_picture_shows() {
    assert_eq!(
        runs_out().alt(),
        "EMEA Branches: 0 used on 5 Nov, 7 350 on 22 Nov; 12 600 projected by 5 Dec; quota 9 000; runs out about \
         Fri 27 Nov; the previous cycle had used 4 900 by the same day."
    );
}

#[test]
fn too_short_a_history_is_no_picture() {
    let short = |used: &[(i64, Option<Units>)]| {
        let used =
            used.iter().map(|(hours, used)| (at("11-05T00") + TimeDelta::hours(*hours), *used)).collect();
        Trend { used, ..trend(200) }.is_worth_drawing()
    };
    assert!(!short(&[]) && !short(&[(0, Some(1))]) && !short(&[(0, Some(1)), (11, Some(2))]));
    assert!(!short(&[(0, Some(1)), (24, None)]));
    assert!(short(&[(0, Some(1)), (24, Some(2))]));
}

#[test]
fn a_hostile_name_stays_the_text_of_an_attribute() {
    let hostile = Trend { name: "</svg><script>\"&'".into(), ..trend(200) }.svg();
    assert!(
        hostile.contains("&lt;/svg&gt;&lt;script&gt;&quot;&amp;") && !hostile.contains("<script"),
        "{hostile}"
    );
}

#[test]
fn the_steps_of_the_axis_are_few_and_round() {
    assert_eq!(ticks(9_000), [0, 2_500, 5_000, 7_500]);
    assert_eq!(ticks(97_100), [0, 25_000, 50_000, 75_000]);
    assert_eq!(ticks(1), [0, 1]);
    assert_eq!(
        (short_number(75_000), short_number(1_500_000), short_number(2_000_000_000)),
        ("75 000".into(), "1.5M".into(), "2B".into())
    );
}

proptest! {
    #[test]
    fn no_words_of_a_picture_stand_on_others_and_all_stand_inside(
        hours in 14_i64..720, used in 0_i64..20_000, more in 0_i64..20_000, quota in 1_i64..30_000,
    ) {
        let start = at("11-05T00");
        let reading = |part: i64| (start + TimeDelta::hours(hours * part / 10), Some(used * part / 10));
        let runs_out_at = (used + more > quota).then(|| start + TimeDelta::hours(i64::midpoint(hours, 720)));
        let trend = Trend {
            used: (0..=10).map(reading).collect(),
            projected: Some(used + more),
            quota: Some(quota),
            runs_out_at,
            ..trend(1)
        };
        let scale = Scale::new(&trend);
        let areas = labels::label_areas(&trend, &scale);
        prop_assert_eq!(areas.len(), 3);
        for (place, area) in areas.iter().enumerate() {
            prop_assert!(area.is_inside(scale.left), "{:?}", area);
            prop_assert!(areas[..place].iter().all(|other| !other.overlaps(area)), "{:?}", areas);
        }
    }

    #[test]
    fn any_course_stays_inside_the_picture(
        quota in prop::option::of(0_i64..), used in prop::collection::vec((0_i64..900, prop::option::of(0_i64..)), 1..20),
        projected in prop::option::of(0_i64..),
    ) {
        let mut used: Vec<Reading> =
            used.into_iter().map(|(hours, used)| (at("11-05T00") + TimeDelta::hours(hours), used)).collect();
        used.sort();
        let trend = Trend { quota, projected, before: used.clone(), used, ..trend(200) };
        prop_assert!(!trend.svg().contains("NaN") && !trend.svg().contains("inf"));
        for pair in trend.svg().split("points=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')) {
            let (x, y) = pair.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            prop_assert!((0.0..=f64::from(WIDTH)).contains(&x) && (0.0..=f64::from(HEIGHT)).contains(&y), "{pair}");
        }
    }
}
