//! Cells that a spreadsheet would run, and those that it reads as they are.

use proptest::prelude::*;

use super::*;

#[test]
fn a_name_in_a_column_of_ours_moves_no_cursor_and_is_no_formula() {
    assert_eq!(inert_clean("a\u{1b}[2J\u{9b}31m\u{202e}b"), "a [2J 31mb");
    assert_eq!(inert_clean("\u{202e}=1+1"), "'=1+1");
    assert_eq!(inert_clean("Zürich 東京 العربية हिन्दी"), "Zürich 東京 العربية हिन्दी");
}

#[test]
fn a_formula_becomes_text_and_a_number_stays_one() {
    for formula in [
        "=1+1",
        "+A1",
        "-A1",
        "@SUM(A1)",
        "\t=1",
        "\r",
        "\nx",
        "-",
        "-1-cmd|' /C calc'!A0",
        "＝1",
        " =1",
        "\u{a0}+A1",
        "\u{feff}=1",
        "'=1",
        "-5 Mbit",
    ] {
        assert!(inert(formula).starts_with('\''), "{formula:?}");
        assert_eq!(without_inert_mark(&inert(formula)), formula);
    }
    for harmless in ["", "Acme", "12", "-120", "+5", "-0.5", "a=b", "'Acme'", "a;b", "a; -5"] {
        assert_eq!(inert(harmless), harmless);
    }
}

#[test]
fn what_becomes_a_cell_where_another_delimiter_separates_is_made_inert_too() {
    for (text, written) in [
        ("a;=1+1", "a;'=1+1"),
        ("a;=1+1;-2;b", "a;'=1+1;-2;b"),
        ("a\t @x", "a\t' @x"),
        ("a\n=1\r\n+b", "a\n'=1\r\n'+b"),
        ("a;'=1", "a;''=1"),
        ("\t=1", "'\t'=1"),
    ] {
        assert_eq!(inert(text), written);
        assert_eq!(without_inert_mark(written), text);
    }
}

#[test]
fn a_cell_of_somebody_else_moves_no_cursor_and_keeps_its_lines() {
    assert_eq!(inert_input("a\u{1b}[2J\u{202e}b\r\n\tc\n\u{9b}"), "a [2Jb\r\n\tc\n ");
    assert_eq!(inert_input("\u{200b}=1\n\u{1b}=2"), "'=1\n' =2");
    assert_eq!(inert_input("'=1;\u{7}'=2"), "'=1; '=2");
}

proptest! {
    #[test]
    fn every_text_comes_back_and_no_part_of_what_is_written_is_a_formula(text in "['=+@;\t\r\n ＝a1-]{0,10}.{0,4}") {
        let written = inert(&text).into_owned();
        prop_assert_eq!(without_inert_mark(&written), text.as_str());
        for part in written.split(ENDS) {
            let shown = part.trim_matches(is_padding);
            prop_assert!(!begins_like_a_formula(shown) || is_number(shown), "{:?}", written);
        }
    }

    #[test]
    fn what_is_one_word_has_no_dangerous_part(text in "[a0]?['=+@;\t\r\n ＝a1-]{0,4}[ -~]{0,3}") {
        let has_dangerous_part = parts(&text).any(|part| is_dangerous(&text, part));
        prop_assert!(!is_one_word(&text) || !has_dangerous_part && visible(&text) == text);
    }

    #[test]
    fn a_cell_that_goes_round_stays_as_it_was_written(text in "['=+@;\t\r\n a1\u{7}\u{202e}\u{200b}-]{0,10}.{0,4}") {
        let once = inert_input(&text);
        prop_assert_eq!(inert_input(&once), once);
    }
}
