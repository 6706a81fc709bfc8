//! What a person reads on a narrow terminal.

use super::*;

#[test]
fn no_word_breaks_on_standard_error_and_what_fits_stays_as_it_is() {
    assert_eq!(folded("a  b\n   ^^^", 20), "a  b\n   ^^^");
    assert_eq!(
        folded("  → look at it with `quotakeeper plan FILE`, please", 30),
        "  → look at it with\n  `quotakeeper plan FILE`,\n  please"
    );
}
