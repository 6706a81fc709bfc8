//! Arguments that need more than a type.

use super::*;

#[test]
fn a_share_is_a_whole_number_with_or_without_its_sign() {
    assert_eq!([percent("90"), percent(" 90 % ")], [Ok(90), Ok(90)]);
    for wrong in ["", "%", "ninety", "-1", "9.5"] {
        assert_eq!(percent(wrong).unwrap_err(), "write a whole percentage, such as 90");
    }
}

#[test]
fn a_hash_is_hexadecimal_and_no_shorter_than_what_is_shown() {
    assert_eq!(plan_hash("F312321E"), Ok("f312321e".to_owned()));
    assert_eq!(plan_hash(&"0".repeat(64)), Ok("0".repeat(64)));
    assert_eq!(whole_plan_hash(&"0".repeat(64)), Ok("0".repeat(64)));
    assert!(whole_plan_hash("F312321E").unwrap_err().starts_with("give all 64 digits"));
    for wrong in ["", "abc", "f312321", "f312321g", &"0".repeat(65)] {
        assert!(plan_hash(wrong).unwrap_err().starts_with("give at least 8 digits"), "{wrong}");
    }
}
