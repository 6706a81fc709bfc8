//! How large the next batch may be after what became of the last.

use super::*;

#[test]
fn a_batch_that_was_too_large_halves_later_ones_but_never_below_one_row() {
    let mut size = Size::new();
    size.too_large(2_500);
    assert_eq!(size.max_rows(), 1_250);
    size.too_large(2_000);
    assert_eq!(size.max_rows(), 1_000, "also of a batch that is not the largest");
    size.too_large(1_999);
    assert_eq!(size.max_rows(), 1_000, "a half is rounded up, as halving does");
    size.too_large(1);
    assert_eq!(size.max_rows(), 1);
}

#[test]
fn lost_answers_halve_large_batches_and_leave_small_ones_alone() {
    let mut size = Size::new();
    size.on_unknown(3);
    assert_eq!(size.max_rows(), MOST_ROWS);
    for _ in 0..9 {
        let rows = size.max_rows();
        size.on_unknown(rows);
    }
    assert_eq!(size.max_rows(), SMALL);
}

#[test]
fn a_refused_batch_whose_halves_both_pass_was_too_large() {
    let mut size = Size::new();
    size.on_refused();
    size.on_accepted(Some(Half::First { of: 800 }));
    size.on_accepted(Some(Half::Second { of: 800 }));
    assert_eq!(size.max_rows(), 400);
}

#[test]
fn a_refused_batch_with_a_bad_row_says_nothing_of_sizes() {
    let mut size = Size::new();
    size.on_accepted(Some(Half::First { of: 800 }));
    size.on_refused();
    size.on_accepted(Some(Half::Second { of: 800 }));
    assert_eq!(size.max_rows(), MOST_ROWS, "the second half was refused before its rows passed");
    size.on_accepted(Some(Half::Second { of: 4 }));
    assert_eq!(size.max_rows(), MOST_ROWS, "nothing is known of the first half");
}
