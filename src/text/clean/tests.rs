//! Hostile names, and names of people in any script.

use proptest::prelude::*;

use super::*;

#[test]
fn a_hostile_name_becomes_one_short_line() {
    assert_eq!(clean("a\r\nBcc: b\u{202e}c\u{0}\u{1b}[31m", 80), "a Bcc: bc [31m");
    assert_eq!(clean(&"x".repeat(300), 10), "xxxxxxxxx…");
    assert_eq!(clean("abc def", 5), "abc…");
    assert_eq!(clean("abc de", 6), "abc de");
    assert_eq!(clean(" \u{2800}\u{200b} ", 80), "");
}

#[test]
fn invisible_characters_are_dropped_and_line_breaks_become_blanks() {
    for hidden in "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\
                       \u{2060}\u{2065}\u{2066}\u{206f}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffb}\u{ffff}\u{fdd0}\
                       \u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{110bd}\u{13430}\u{1d173}\u{600}\u{6dd}\u{70f}\u{8e2}"
            .chars()
        {
            assert_eq!(visible(&format!("a{hidden}b")), "ab", "{:x}", u32::from(hidden));
        }
    for blank in "\u{0}\u{7}\u{8}\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{2800}".chars() {
        assert_eq!(visible(&format!("a{blank}b")), "a b", "{:x}", u32::from(blank));
    }
}

#[test]
fn marks_are_cut_where_no_writing_has_so_many() {
    assert_eq!(visible(&format!("Z{}x", "\u{301}".repeat(5000))), format!("Z{}x", "\u{301}".repeat(8)));
    assert_eq!(visible("Vi\u{323}\u{302}t नि\u{902}"), "Vi\u{323}\u{302}t नि\u{902}");
}

#[test]
fn names_of_people_stay_as_they_are() {
    for name in [
        "👩‍💻 Team",
        "❤️‍🔥",
        "1️⃣ Core",
        "🏳️‍🌈",
        "Zürich – Größe",
        "東京支社",
        "שלום",
        "मराठी",
        "e\u{301}",
        "a\u{a0}b",
    ] {
        assert_eq!(visible(name), name);
    }
}

proptest! {
    #[test]
    fn whatever_comes_what_is_shown_is_one_line_and_cleaning_it_again_changes_nothing(text in any::<String>(), max in 1_usize..50) {
        let line = visible(&text).into_owned();
        prop_assert!(!line.chars().any(|c| is_blank(c) || is_hidden(c)));
        prop_assert_eq!(visible(&line), line.as_str());
        let short = clean(&text, max);
        prop_assert!(short.chars().count() <= max, "{:?}", short);
        prop_assert_eq!(clean(&short, max), short.as_str());
    }

    #[test]
    fn a_text_that_fits_is_its_words_with_single_blanks(text in "[ a-c.\\t\u{200b}]{0,12}") {
        let words: Vec<String> = visible(&text).split_whitespace().map(str::to_owned).collect();
        prop_assert_eq!(clean(&text, 100), words.join(" "));
    }
}
