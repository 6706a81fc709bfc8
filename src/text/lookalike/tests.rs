//! Names that look the same.

use super::*;

#[test]
fn a_name_has_the_same_key_however_it_was_typed() {
    for (one, other) in [
        ("Zu\u{308}rich", "ZÜRICH"),
        ("  Core\u{a0}\u{200b} Team ", "core team"),
        ("Ｔｅａｍ ７", "team 7"),
        ("ﬁnance", "FINANCE"),
        ("\u{202e}Lab", "lab"),
    ] {
        assert_eq!(key(one), key(other), "{one} {other}");
    }
    assert_ne!(key("Team 7"), key("Team 8"));
    assert_eq!(composed("Zu\u{308}rich"), "Zürich");
    assert_ne!(composed("Team"), composed("team"));
}

#[test]
fn names_that_look_the_same_differ_in_a_letter_that_is_named() {
    assert_eq!(
        difference("EMEA - Core", "EMEA – Core").unwrap(),
        "a hyphen `-` (U+002D) instead of a dash `–` (U+2013)"
    );
    assert_eq!(
        difference("\u{420}ayments", "Payments").unwrap(),
        "a Cyrillic letter `р` (U+0440) instead of a Latin letter `p` (U+0070)"
    );
    assert_eq!(
        difference("Ann’s", "Ann's").unwrap(),
        "an apostrophe or quote `’` (U+2019) instead of a straight apostrophe `'` (U+0027)"
    );
    assert_eq!(difference("Payments", "payments"), None, "these are one name");
    assert_eq!(difference("Payment", "Payments"), None, "these do not look the same");
}
