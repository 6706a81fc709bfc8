//! A secret as people paste it → the secret, or what is wrong with it: in words that never show it. Pure.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What a secret is, which decides what cannot be a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    /// May hold nearly anything.
    Password,
}

/// The first line with anything on it, without a byte order mark and the white space around it.
pub(super) fn first_line(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") || bytes.contains(&0) {
        return Err("is UTF-16 text, as `>` of PowerShell writes it: save it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text: save it as UTF-8")?;
    match text.trim().lines().next().map(str::trim) {
        None | Some("") => Err("is empty: put the secret on its first line"),
        Some(line) => Ok(line),
    }
}

/// What cannot be a part of such a secret: it would only be refused, and nobody would see why.
pub(super) fn stray(secret: &str, kind: Kind) -> Option<&'static str> {
    if secret.chars().any(is_invisible) {
        return Some(
            "holds a character that cannot be seen, such as a zero-width blank: type or paste it again",
        );
    }
    let quotes = ['"', '\'', '`', '“', '”', '‘', '’'];
    if secret.len() > 1 && secret.starts_with(quotes) && secret.ends_with(quotes) {
        return Some("stands in quotes: remove them");
    }
    let bare = secret.strip_prefix("export ").unwrap_or(secret);
    let name = bare.split_once('=').map(|(name, value)| (name.trim(), value));
    let is_assignment = |(name, value): (&str, &str)| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let ends_in = |end: &str| name.to_ascii_uppercase().ends_with(end);
        let named = ends_in("TOKEN") || ends_in("PASSWORD") || (kind == Kind::Token && name.contains('_'));
        !value.trim_matches('=').is_empty() && name.bytes().all(is_name) && named
    };
    if name.is_some_and(is_assignment) {
        return Some("has the form NAME=value: keep the value alone");
    }
    if kind == Kind::Password {
        return None;
    }
    let first = secret.split_whitespace().next().unwrap_or_default();
    if ["bearer", "bearer:", "authorization:"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Some("begins with `Bearer`: keep the token alone");
    }
    if let Some((name, value)) = secret.split_once(':')
        && !value.is_empty()
        && ["TOKEN", "BEARER"].iter().any(|end| name.to_ascii_uppercase().ends_with(end))
    {
        return Some("has the form name:value: keep the value alone");
    }
    if secret.starts_with(['{', '[']) {
        return Some("is JSON: keep the token alone");
    }
    if is_encoded(secret) {
        return Some(
            "is the base64 of a token: put the token itself there. Of a Kubernetes Secret, `stringData` takes it as it is, and `data` \
             wants it encoded once",
        );
    }
    if secret.starts_with('#') {
        return Some("begins with a comment: put the token on its first line");
    }
    let is_of_a_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=:".contains(c);
    (!secret.chars().all(is_of_a_token))
        .then_some("holds blanks, quotes or other characters that no token has: look for stray ones")
}

/// Whether this is for certain the base64 of a secret: of one with a line end, as `echo TOKEN | base64` makes it; of a UUID, as
/// the tokens of `ThousandEyes` are; of a header; of one of these. A token of random bytes never decodes to such a text.
fn is_encoded(secret: &str) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(secret) else { return false };
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| text.bytes().all(|byte| is_text(&byte)))
    else {
        return false;
    };
    let inner = text.trim();
    let is_header = inner.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    inner.len() >= 8 && (inner.len() < text.len() || is_uuid(inner) || is_header || is_encoded(inner))
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
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
            ("abc\u{200b}", "cannot be seen"),
            ("a\u{feff}bc", "cannot be seen"),
            ("abc\u{7}", "cannot be seen"),
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
            let said = stray(token, Kind::Token).unwrap_or_default();
            assert!(said.contains(says) && !said.contains(token), "{token:?}: {said}");
        }
        // Also one that happens to be the base64 of some text, as other gateways make them.
        let texts = ["c29tZS1pZDpzb21lLXNlY3JldA==", "deadbeefdeadbeefdeadbeefdeadbeef"];
        let tokens = ["3c0f52e8-2f0c-4a6e-9c1e-0d3f0d8a1b2c", "eyJhbGciOi.J9.a_b-c==", "YWJjZGVm=", "a_b="];
        for good in texts.into_iter().chain(tokens) {
            assert_eq!(stray(good, Kind::Token), None, "{good}");
        }
    }

    #[test]
    fn a_password_may_hold_nearly_anything() {
        for good in ["it's \"so\"", "Bearer x", "#1", "a=b c", "pässword", "=", "\"", "user_name=x"] {
            assert_eq!(stray(good, Kind::Password), None, "{good}");
        }
        for bad in ["\"secret\"", "SMTP_PASSWORD=secret", "se\u{200b}cret"] {
            assert!(stray(bad, Kind::Password).is_some(), "{bad}");
        }
    }
}
