//! How the dot between two facts is written.

use super::*;

#[test]
fn a_dot_between_two_facts_of_the_body_can_be_styled() {
    for text in ["<b>a</b> · b", "<b>a</b>&nbsp;· b", "<b>a</b>\u{a0}· b"] {
        assert_eq!(with_dots(&format!("<body>{text}</body>")), format!("<body><b>a</b>{DOT}b</body>"));
    }
}

#[test]
fn the_title_the_attributes_and_another_dot_stay_as_they_are() {
    for html in [
        "<title>a · b</title><body></body>",
        "<body><img alt=\"a · b\"></body>",
        "<body>d ·e</body>",
        "a · b, and no body",
    ] {
        assert_eq!(with_dots(html), html);
    }
}
