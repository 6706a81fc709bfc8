//! Dots are drawn in texts, and nowhere else.

use super::*;

#[test]
fn a_dot_between_two_facts_is_drawn_and_one_in_a_tag_or_a_title_stays_text() {
    let html =
        "<title>a · b</title><style>.a{content:' · '}</style><p title=\"a · b\">a · b<b>c</b> · d ·e</p>";
    assert_eq!(
        page_with_dots(html),
        format!(
            "<title>a · b</title><style>.a{{content:' · '}}</style><p title=\"a · b\">a{DOT}b<b>c</b>{DOT}d ·e</p>"
        )
    );
    for text in ["<b>a</b> · b", "<b>a</b>&nbsp;· b", "<b>a</b>\u{a0}· b"] {
        assert_eq!(with_dots(text), format!("<b>a</b>{DOT}b"));
    }
}
