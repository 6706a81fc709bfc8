//! What is a quota, and what is suggested for what is none.

use super::*;

#[test]
fn digits_of_east_asian_keyboards_are_recognized_and_nothing_else_is() {
    assert_eq!(wide_digits("１2"), Some("12".to_owned()));
    for other in ["12", "１x", "１.５", ""] {
        assert_eq!(wide_digits(other), None, "{other}");
    }
}

#[test]
fn a_quota_is_a_whole_number_up_to_what_json_holds_exactly() {
    assert_eq!(quota("0"), Ok(0));
    assert_eq!(quota("9007199254740991"), Ok(LARGEST));
    assert!(quota("9007199254740992").unwrap_err().contains("too large"));
    assert!(quota("99999999999999999999999").unwrap_err().contains("too large"));
    assert!(quota("٣").unwrap_err().contains("not a whole number"));
    let unseen = "`1200` contains an invisible character. Type it again.";
    assert_eq!(quota("12\u{200b}00").unwrap_err(), unseen);
}

#[test]
fn each_way_to_write_twelve_thousand_gets_the_plain_digits_as_its_fix() {
    for text in [
        "12,000",
        "12.000",
        "12 000",
        "12'000",
        "12\u{202f}000",
        "12000.0",
        "12,000.00",
        "12.000,00",
        "$12,000",
        "12000 €",
        "012000",
        "'12000",
    ] {
        let sentence = quota(text).unwrap_err();
        assert!(sentence.ends_with("Type 12000."), "{text}: {sentence}");
    }
}

#[test]
fn a_fix_is_suggested_only_if_it_is_certain() {
    assert_eq!(quota("１２００").unwrap_err(), "`１２００` is written in wide digits. Type 1200.");
    for (text, never) in [
        ("１x", "wide digits"),
        ("#", "too narrow"),
        ("1234,567", "thousands separator"),
        ("012,345", "thousands separator"),
        ("x,567", "thousands separator"),
        (&format!("{LARGEST}.5"), " or "),
    ] {
        let sentence = quota(text).unwrap_err();
        assert!(!sentence.contains(never), "{sentence}");
    }
    assert!(quota(&format!("{}.5", LARGEST - 1)).unwrap_err().contains(&format!(" or {LARGEST}.")));
}

#[test]
fn an_ambiguous_number_is_never_read_as_one_of_its_meanings() {
    for text in [
        "12.5", "1,20,000", "12k", "20%", "-5", "+5", "(5)", "5-10", "1.2E+04", "1,2e4", "1e", "e5", "0x10",
        "1.2E-3", "1e99",
    ] {
        assert!(quota(text).is_err(), "{text}");
    }
}

#[test]
fn a_formula_error_differs_from_text_after_a_number_sign() {
    for text in ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#BEZUG!", "#ÜBERLAUF!", "#NV"] {
        assert!(is_formula_error(text), "{text}");
    }
    for text in ["#", "# a", "#note", "#!", "#1", "#EMEA", "## Q4!", "#Hello!", "N/A"] {
        assert!(!is_formula_error(text), "{text}");
    }
}

#[test]
fn a_mangled_id_says_what_to_type_where_that_is_certain() {
    let id = |text| id(text, "org_name");
    assert_eq!(id("0123"), Ok(()));
    assert!(id("12345.0").unwrap_err().ends_with("type 12345."));
    assert!(id("'123").unwrap_err().ends_with("type 123."));
    assert!(id("204,117").unwrap_err().ends_with("type 204117."));
    assert!(id("1.2E+05").unwrap_err().ends_with("the whole id again."));
    assert!(id("Acme").unwrap_err().ends_with("the name into a column `org_name`."));
    for text in ["-5", "+5", "12 34", "1234567890123456789012"] {
        assert!(id(text).is_err(), "{text}");
    }
}

#[test]
fn who_asks_for_no_quota_learns_how_to_remove_it() {
    for text in ["unlimited", "Unlimited", "no limit"] {
        let said = quota(text).unwrap_err();
        assert!(said.ends_with("change the action to unassign and clear the cell."), "{said}");
    }
}
