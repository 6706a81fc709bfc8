//! The growth of a projection, in figures, and the days between which it was seen.

use super::*;

#[test]
fn growth_of_the_projection_is_shown_in_units_and_in_percent_of_the_first_one() {
    let moment = |projected| Moment {
        taken_at: DateTime::UNIX_EPOCH,
        is_visible: true,
        quota: Some(9000),
        used: None,
        projected,
        percent_used: None,
        changes: Vec::new(),
    };
    let growth_of =
        |projected: &[Option<i64>]| growth(&projected.iter().copied().map(moment).collect::<Vec<_>>());
    assert_eq!(
        growth_of(&[Some(4000), None, Some(5000), None]),
        "projected  4 000 → 5 000 (+1 000, +25 %)\n"
    );
    assert_eq!(growth_of(&[Some(5000), Some(4000)]), "projected  5 000 → 4 000 (-1 000, -20 %)\n");
    assert_eq!(growth_of(&[Some(7880), Some(7819)]), "projected  7 880 → 7 819 (-61, less than 1 %)\n");
    assert_eq!(growth_of(&[Some(0), Some(7)]), "projected  0 → 7 (+7)\n");
    assert_eq!(growth_of(&[Some(7), Some(7)]), "projected  7 → 7 (unchanged)\n");
    assert_eq!(growth_of(&[Some(7)]), "");
}

#[test]
fn the_days_of_a_history_have_their_years_where_those_differ_in_its_zone() {
    let between =
        |first: &str, last: &str, zone| days_between(first.parse().unwrap(), last.parse().unwrap(), zone);
    let (first, last) = ("2024-02-29T12:00:00Z", "2026-11-29T12:00:00Z");
    assert_eq!(between(first, last, Tz::UTC), "Thu 29 Feb 2024 to Sun 29 Nov 2026");
    let (first, last) = ("2025-12-31T23:30:00Z", "2026-11-29T12:00:00Z");
    assert_eq!(between(first, last, Tz::Europe__Berlin), "Thu 1 Jan to Sun 29 Nov");
    assert_eq!(between(first, last, Tz::UTC), "Wed 31 Dec 2025 to Sun 29 Nov 2026");
}
