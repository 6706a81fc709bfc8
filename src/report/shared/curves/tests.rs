//! Which readings belong to which cycle, and that the letters of the page mean the figures of the history.

use super::*;
use crate::domain::quota::{SnapshotRow, Usage};
use crate::report::fixtures::{at, curves_of, group, group_of, quota_status_of};

/// The figures that letters stand for.
fn figures(letters: &str) -> Vec<Option<i64>> {
    let Some((most, codes)) = letters.split_once(':') else { return Vec::new() };
    let most: i64 = most.parse().unwrap();
    let digit = |letter: u8| LETTERS.iter().position(|known| *known == letter);
    let figure = |code: &[u8]| {
        let part = digit(code[0])? * 64 + digit(code[1])?;
        Some((i64::try_from(part).unwrap() * most + 2047) / 4095)
    };
    codes.as_bytes().chunks(2).map(figure).collect()
}

fn lab(used: i64) -> SnapshotRow<'static> {
    group("7", "Lab", Some(9_000), used, 10_940)
}

#[test]
fn each_reading_lies_in_its_cycle_and_that_of_the_cycle_before_above_the_same_day() {
    let before = |used| SnapshotRow {
        period_start: Some(at("10-05T00:00")),
        period_end: Some(at("11-05T00:00")),
        ..lab(used)
    };
    let latest = Snapshot::new(at("11-22T06:00"), [lab(8_120)]);
    let earlier =
        [Snapshot::new(at("10-22T06:00"), [before(7_000)]), Snapshot::new(at("11-10T06:00"), [lab(2_000)])];
    let rule = UsageRule::default();
    let curves = curves_of(&latest, &earlier, &rule);
    let axis = curves.axis(0).unwrap();
    let day = |days: i64| days * 86_400 + 6 * 3600;
    assert_eq!((axis.now.clone(), axis.before.clone()), (vec![day(5), day(17)], vec![day(17)]));
    assert_eq!(figures(&curves.letters(0, &axis)), [Some(2_001), Some(8_120), Some(7_000)]);
    let trend = curves.trend(0, &axis, &quota_status_of(&latest), Tz::UTC).unwrap();
    assert_eq!(trend.used, [(at("11-10T06:00"), Some(2_000)), (at("11-22T06:00"), Some(8_120))]);
    assert_eq!(trend.before, [(at("11-22T06:00"), Some(7_000))]);
}

#[test]
fn what_is_unknown_or_was_not_there_is_a_gap_and_never_zero() {
    let unknown = SnapshotRow { usage: Usage::default(), period_start: None, period_end: None, ..lab(0) };
    let other = group_of("99", "Other", "1", "Other", None, 1, 2);
    let latest = Snapshot::new(at("11-22T06:00"), [lab(8_120)]);
    let earlier = [
        Snapshot::new(at("11-08T06:00"), [lab(1_000)]),
        Snapshot::new(at("11-10T06:00"), [unknown]),
        Snapshot::new(at("11-12T06:00"), [other]),
    ];
    let rule = UsageRule::default();
    let curves = curves_of(&latest, &earlier, &rule);
    let shown = figures(&curves.letters(0, &curves.axis(0).unwrap()));
    assert_eq!(shown, [Some(999), None, None, Some(8_120)]);
}

#[test]
fn on_the_first_day_there_is_no_line_to_draw() {
    let latest = Snapshot::new(at("11-22T06:00"), [lab(8_120)]);
    let rule = UsageRule::default();
    let curves = curves_of(&latest, &[Snapshot::new(at("11-22T05:00"), [lab(8_100)])], &rule);
    let axis = curves.axis(0).unwrap();
    assert_eq!(curves.letters(0, &axis), "");
    assert!(curves.trend(0, &axis, &quota_status_of(&latest), Tz::UTC).is_none());
}

#[test]
fn the_largest_number_of_units_is_a_figure_like_any_other() {
    let latest = Snapshot::new(at("11-22T06:00"), [lab(i64::MAX)]);
    let rule = UsageRule::default();
    let curves = curves_of(&latest, &[Snapshot::new(at("11-20T06:00"), [lab(0)])], &rule);
    let letters = curves.letters(0, &curves.axis(0).unwrap());
    assert_eq!(letters, format!("{}:00__", i64::MAX));
}

#[test]
fn they_look_back_to_the_previous_cycle_or_as_far_as_is_asked_and_show_this_cycle_whole() {
    let (latest, rule) = (Snapshot::new(at("11-22T06:00"), [lab(8_120)]), UsageRule::default());
    let since = |asked| Curves::new(&latest, &rule).since(asked).unwrap();
    let (this_cycle, previous) = (at("11-05T00:00"), at("11-05T00:00") - LONGEST_CYCLE);
    assert_eq!(since(None), previous);
    assert_eq!(since(Some(at("10-23T06:00"))), at("10-23T06:00"));
    assert_eq!(since(Some(at("11-15T06:00"))), this_cycle - SAME);
    assert_eq!(since(Some(at("01-01T00:00"))), previous);
}
