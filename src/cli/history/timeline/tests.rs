//! The growth of a projection, in figures.

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
