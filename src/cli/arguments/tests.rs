//! Arguments that need more than a type.

use super::*;

#[test]
fn a_share_is_a_whole_number_with_or_without_its_sign() {
    assert_eq!([percent("90"), percent(" 90 % ")], [Ok(90), Ok(90)]);
    for wrong in ["", "%", "ninety", "-1", "9.5"] {
        assert_eq!(percent(wrong).unwrap_err(), "write a whole number of per cent, such as 90");
    }
}
