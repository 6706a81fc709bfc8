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
pub(super) fn problem_with(secret: &str, kind: Kind) -> Option<&'static str> {
    if secret.chars().any(is_invisible) {
        return Some("contains an invisible character, such as a zero-width blank: type or paste it again");
    }
    let quotes = ['"', '\'', '`', '“', '”', '‘', '’'];
    if secret.len() > 1 && secret.starts_with(quotes) && secret.ends_with(quotes) {
        return Some("is in quotes: remove them");
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
            "is a token in base64: put the token itself there. In a Kubernetes Secret, `stringData` takes it as it is, and `data` \
             needs it encoded once",
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
mod tests;
