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

#[test]
fn a_text_behind_a_mark_goes_on_below_itself() {
    let text = "no API token: set TE_TOKEN or put it into te_token";
    assert_eq!(marked('✗', text, 31), "✗ no API token: set TE_TOKEN or\n  put it into te_token");
    assert_eq!(marked('✗', text, usize::MAX - 1), format!("✗ {text}"));
    assert_eq!(marked('✗', "a\n  ^", 30), "✗ a\n  ^");
}
