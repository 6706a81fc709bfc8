//! What belongs to a secret in a file, and what cannot.

use super::*;

#[test]
fn a_byte_order_mark_and_white_space_are_no_part_of_a_secret() {
    for text in [
        "s3cret",
        "\u{feff}s3cret\r\n",
        "\n\n s3cret\t\nnext",
        "s3cret\u{a0}\n",
        "\u{feff}\r\n\u{3000}s3cret",
    ] {
        assert_eq!(first_line(text.as_bytes()), Ok("s3cret"), "{text:?}");
    }
    for empty in ["", " \n ", "\u{feff}"] {
        assert!(first_line(empty.as_bytes()).unwrap_err().contains("empty"));
    }
    for utf16 in [&b"\xff\xfes\x003\0"[..], b"\xfe\xff\0s", b"s\0e\0"] {
        assert!(first_line(utf16).unwrap_err().contains("UTF-16"));
    }
    assert!(first_line(b"caf\xe9").unwrap_err().contains("UTF-8"));
}

#[test]
fn what_a_token_cannot_hold_is_named() {
    for (token, says) in [
        ("\"abc-def\"", "quotes"),
        ("'abc-def'", "quotes"),
        ("“abc”", "quotes"),
        ("Bearer abc-def", "Bearer"),
        ("bearer   abc-def", "Bearer"),
        ("Authorization: Bearer abc", "Bearer"),
        ("TE_TOKEN=abc-def", "NAME=value"),
        ("token = abc-def", "NAME=value"),
        ("# the token", "comment"),
        ("abc\u{200b}", "invisible"),
        ("a\u{feff}bc", "invisible"),
        ("abc\u{7}", "invisible"),
        ("abc def", "no token has"),
        ("{\"token\":\"abc\"}", "JSON"),
        ("[abc]", "JSON"),
        ("token:abc-def", "name:value"),
        ("TE_TOKEN: abc-def", "name:value"),
        ("bearer:abc-def", "name:value"),
        ("export TE_TOKEN=abc-def", "NAME=value"),
        // a UUID; the same with a line end; that twice; one behind `Bearer`
        ("M2MwZjUyZTgtMmYwYy00YTZlLTljMWUtMGQzZjBkOGExYjJj", "base64"),
        ("M2MwZjUyZTgtMmYwYy00YTZlLTljMWUtMGQzZjBkOGExYjJjCg==", "base64"),
        ("TTJNd1pqVXlaVGd0TW1Zd1l5MDBZVFpsTFRsak1XVXRNR1F6WmpCa09HRXhZakpqQ2c9PQo=", "base64"),
        ("QmVhcmVyIGFiY2RlZg==", "base64"),
        ("äbc", "no token has"),
    ] {
        let said = problem_with(token, Kind::Token).unwrap_or_default();
        assert!(said.contains(says) && !said.contains(token), "{token:?}: {said}");
    }
    // Also one that happens to be the base64 of some text, as other gateways make them.
    let texts = ["c29tZS1pZDpzb21lLXNlY3JldA==", "deadbeefdeadbeefdeadbeefdeadbeef"];
    let tokens = ["3c0f52e8-2f0c-4a6e-9c1e-0d3f0d8a1b2c", "eyJhbGciOi.J9.a_b-c==", "YWJjZGVm=", "a_b="];
    for good in texts.into_iter().chain(tokens) {
        assert_eq!(problem_with(good, Kind::Token), None, "{good}");
    }
}

#[test]
fn a_password_may_hold_nearly_anything() {
    for good in ["it's \"so\"", "Bearer x", "#1", "a=b c", "pässword", "=", "\"", "user_name=x"] {
        assert_eq!(problem_with(good, Kind::Password), None, "{good}");
    }
    for bad in ["\"secret\"", "SMTP_PASSWORD=secret", "se\u{200b}cret"] {
        assert!(problem_with(bad, Kind::Password).is_some(), "{bad}");
    }
}
