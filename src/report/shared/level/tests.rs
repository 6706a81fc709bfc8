//! The edge of each limit, and what is said beyond it.

use std::time::Duration;

use super::*;
use crate::config::Alerts;
use crate::domain::quota::Target;
use crate::report::fixtures::{at, context};

fn limits() -> Limits {
    Alerts::default().limits(&Target::organization("1"))
}

fn figures(quota: Units, used: Units, needed: Units, out: Option<&str>) -> Figures {
    let out = out.map(|day| {
        let at = at(day);
        RunOut { by_projection: Some(at), by_slope: None, slope_known: false, at }
    });
    Figures {
        quota: Some(quota),
        used: Some(used),
        needed: Some(needed),
        ran_out: used > 0 && used >= quota,
        out,
    }
}

fn of(figures: Figures, limits: Limits) -> Level {
    level(figures, limits, context().now)
}

#[test]
fn each_limit_has_its_edge_to_the_unit() {
    let of_units = |used, needed| of(figures(100_000, used, needed, None), limits());
    assert_eq!(of_units(94_999, 100_000), Level::Fine);
    assert_eq!(of_units(94_999, 100_001), Level::Warning);
    assert_eq!(of_units(95_000, 100_000), Level::Critical);
    let tight = Limits { warn_projected_percent: 80, ..limits() };
    assert_eq!(of(figures(1000, 10, 800, None), tight), Level::Fine);
    assert_eq!(of(figures(1000, 10, 801, None), tight), Level::Warning);
    // Three days from 22 Nov, 07:00, to the second.
    let on = |day| of(figures(1000, 10, 1500, Some(day)), limits());
    assert_eq!([on("11-25T07:00"), on("11-25T07:01")], [Level::Critical, Level::Warning]);
    let never = Limits { critical_within: Duration::ZERO, ..limits() };
    assert_eq!(of(figures(1000, 10, 1500, Some("11-23T07:00")), never), Level::Warning);
}

#[test]
fn a_wider_limit_of_the_projection_silences_the_run_out_too_but_never_a_critical_one() {
    let wide = Limits { warn_projected_percent: 150, ..limits() };
    assert_eq!(of(figures(1000, 10, 1500, Some("11-30T07:00")), wide), Level::Fine);
    assert_eq!(of(figures(1000, 10, 1501, Some("11-30T07:00")), wide), Level::Warning);
    assert_eq!(of(figures(1000, 10, 1500, Some("11-23T07:00")), wide), Level::Critical);
}

#[test]
fn nothing_is_said_of_what_is_unknown_uncapped_or_unused() {
    for unknown in [
        Figures { quota: None, ..figures(0, 5, 9, None) },
        Figures { used: None, needed: None, ..figures(5, 0, 0, None) },
        figures(0, 0, 0, None),
    ] {
        let nothing = JudgedLevel { level: Level::Fine, why: String::new(), limit: String::new() };
        assert_eq!(judge(unknown, limits(), &context()), nothing, "{unknown:?}");
    }
}

#[test]
fn the_reason_has_the_figures_and_the_day() {
    let why = |figures| judge(figures, limits(), &context()).why;
    assert_eq!(why(figures(9000, 9100, 12_000, None)), "9 100 of 9 000 (102 %) are used: nothing is left");
    assert_eq!(why(figures(9000, 8600, 9000, None)), "8 600 of 9 000 (95 %) are used (critical: from 95 %)");
    assert_eq!(
        why(figures(9000, 8120, 10_940, Some("11-25T06:00"))),
        "8 120 of 9 000 (90 %) are used; it runs out on Wed 25 Nov, before the cycle ends (critical: within 3 days)"
    );
    assert_eq!(
        why(figures(9000, 4000, 10_940, Some("11-29T06:00"))),
        "10 940 of 9 000 (122 %) are projected; it runs out on Sun 29 Nov (warning: above 100 %)"
    );
    let mut slope = figures(9000, 4000, 8900, Some("11-29T06:00"));
    slope.out = slope.out.map(|out| RunOut { by_slope: out.by_projection, by_projection: None, ..out });
    assert_eq!(
        why(slope),
        "8 900 of 9 000 (98 %) are projected, but at the pace of the last days it runs out on Sun 29 Nov"
    );
}
