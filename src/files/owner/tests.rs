//! How a user is named.

use super::*;

#[test]
fn a_user_is_shown_by_name_and_number_and_one_without_a_name_by_number() {
    assert_eq!(Owner::from_uid(0).to_string(), "root (uid 0)");
    assert_eq!(Owner::from_uid(3_999_999_999).to_string(), "uid 3999999999");
}
