//! Patterns with stars.

use super::*;

#[test]
fn a_star_is_any_text_and_case_does_not_count() {
    for (pattern, text) in [
        ("Lab", "LAB"),
        ("lab *", "Lab 7"),
        ("*branches*", "EMEA Branches"),
        ("*", ""),
        ("a*a", "aa"),
        ("*b*d", "abcd"),
    ] {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("Lab", "Lab 7"), ("lab *", "Lab"), ("a*a", "a"), ("b*", "ab"), ("*ab*ab", "xab")]
    {
        assert!(!matches(pattern, text), "{pattern} {text}");
    }
}
