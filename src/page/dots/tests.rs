//! How the dot between two facts is written.

use super::*;

#[test]
fn a_dot_between_two_facts_is_drawn_and_another_one_stays_text() {
    for text in ["<b>a</b> · b", "<b>a</b>&nbsp;· b", "<b>a</b>\u{a0}· b"] {
        assert_eq!(with_dots(text), format!("<b>a</b>{DOT}b"));
    }
    assert_eq!(with_dots("d ·e"), "d ·e");
}
