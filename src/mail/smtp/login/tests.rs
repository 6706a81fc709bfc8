//! Logins, and that none of them is ever shown.

use super::*;

#[test]
fn no_shape_of_a_login_is_left() {
    let login = Login::by_password("tim", "tanstaaftanstaaf".into()); // the example of RFC 4616
    let said = "535 AHRpbQB0YW5zdGFhZnRhbnN0YWFm dGFuc3RhYWZ0YW5zdGFhZg== <tanstaaftanstaaf> no";
    assert_eq!(login.withheld_from(said), "535 (login) (login) <(login)> no");
    assert_eq!(Login::none().withheld_from(said), said);
    let login = Login::by_token("a@b.example", "tok.en-1".into());
    let said = "535 dXNlcj1hQGIuZXhhbXBsZQFhdXRoPUJlYXJlciB0b2suZW4tMQEB dG9rLmVuLTE= <tok.en-1> no";
    assert_eq!(login.withheld_from(said), "535 (login) (login) <(login)> no");
}

#[test]
fn a_token_is_sent_behind_the_mailbox_with_two_control_a_at_its_end() {
    // The example of the providers' pages.
    assert_eq!(
        token_response("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    );
}
