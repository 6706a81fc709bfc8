//! How wide a text is in a terminal.

use proptest::prelude::*;

use super::*;

#[test]
fn wide_letters_take_two_columns_and_marks_none() {
    assert_eq!(["abc", "東京", "e\u{301}", "–", "👩‍💻", ""].map(columns), [3, 4, 1, 1, 2, 0]);
    assert_eq!(fit("東京支社", 5), "東京…");
    assert_eq!(fit("Payments Core", 10), "Payments…");
}

proptest! {
    #[test]
    fn what_is_cut_fits(text in "[a-z 東é👩]{0,30}", room in 1_usize..40) {
        prop_assert!(columns(&fit(&text, room)) <= room);
    }
}
