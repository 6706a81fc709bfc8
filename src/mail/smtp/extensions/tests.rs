//! What servers offer, and what is taken of it.

use super::*;

fn of(lines: &[&str]) -> Extensions {
    Extensions::from_reply(&Reply { code: 250, lines: lines.iter().map(|line| (*line).to_owned()).collect() })
}

#[test]
fn a_login_by_plain_is_taken_before_login_and_the_server_s_name_is_no_extension() {
    let both = of(&["mx.example.com", "auth LOGIN PLAIN CRAM-MD5", "SIZE 1", "STARTTLS"]);
    assert_eq!(both, Extensions { starttls: true, login: Some(Mechanism::Plain), xoauth2: false });
    assert_eq!(of(&["mx", "AUTH=LOGIN"]).login, Some(Mechanism::Login));
    assert_eq!(of(&["mx", "AUTH CRAM-MD5", "XAUTH PLAIN"]).login, None);
    assert!(of(&["mx", "AUTH LOGIN XOAUTH2"]).xoauth2 && !of(&["mx", "AUTH OAUTHBEARER"]).xoauth2);
    assert_eq!(of(&["STARTTLS"]), Extensions::default());
}
