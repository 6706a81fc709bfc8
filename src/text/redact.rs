//! Secrets are registered when they are read, and taken out of every text that leaves: as they are, in base64 and percent-encoded.
//!
//! Servers and proxies echo what they are sent: in error pages, request ids, refusals of a login. So the registry belongs to the
//! process and not to a client: whatever writes a log line, a mail or a status must not have to know where a secret came from.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// What stands where a secret stood.
pub(crate) const REDACTED: &str = "[redacted]";

/// Shorter texts are no secrets that could be told from words.
const SHORTEST: usize = 6;

/// A vault rotates: the last secrets are remembered, and the oldest forgotten.
const REMEMBERED: usize = 32;

static SECRETS: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

struct Secret {
    plain: String,
    /// As a log or JSON writes it, where that differs.
    escaped: Option<String>,
    /// What of its base64 does not depend on what stands around it, for each alignment and both alphabets.
    base64: Vec<String>,
}

/// Takes note of a secret: from now on [`redact`] finds it.
pub(crate) fn register(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let is_known = |secrets: &[Secret]| secrets.iter().any(|known| known.plain == secret);
    if is_known(&SECRETS.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    if !is_known(&secrets) {
        if secrets.len() == REMEMBERED {
            secrets.remove(0);
        }
        secrets.push(Secret::new(secret));
    }
}

/// Takes note of a user and password in a URL, also of how they read when they are decoded.
pub(crate) fn register_userinfo(url: &reqwest::Url) {
    for part in [Some(url.username()), url.password()].into_iter().flatten() {
        register(part);
        if let Some(decoded) = Unescaped::of(part).and_then(|decoded| String::from_utf8(decoded.bytes).ok()) {
            register(&decoded);
        }
    }
}

/// The text without registered secrets, and without user and password of any URL in it.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut found = userinfo(text);
    {
        let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
        let unescaped = if secrets.is_empty() { None } else { Unescaped::of(text) };
        for secret in secrets.iter() {
            secret.find(text.as_bytes(), &mut found);
            if let Some(unescaped) = &unescaped {
                let mut ranges = Vec::new();
                secret.find(&unescaped.bytes, &mut ranges);
                found.extend(ranges.into_iter().map(|range| unescaped.range(range)));
            }
        }
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| (range.start, range.end));
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= done {
            out += &text[done..range.start];
            out += REDACTED;
        }
        done = done.max(range.end);
    }
    Cow::Owned(out + &text[done..])
}

/// What a server said as people may see it: on one line, without a secret, cut after `max` characters. The secret goes first: a
/// part of it would not be found.
pub(crate) fn clean(text: &str, max: usize) -> String {
    super::clean::clean(&redact(&super::clean::visible(text)), max)
}

/// Texts for a file, each without secrets.
pub(crate) fn each<S: serde::Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts.iter().map(|text| redact(text)))
}

impl Secret {
    fn new(secret: &str) -> Self {
        let escaped = format!("{secret:?}");
        let escaped = escaped[1..escaped.len() - 1].to_owned();
        let mut base64 = Vec::new();
        for shift in 0..3_usize {
            let bytes = [&[0; 3][..shift], secret.as_bytes()].concat();
            let text = BASE64_STANDARD_NO_PAD.encode(&bytes);
            let core = &text[(shift * 8).div_ceil(6)..bytes.len() * 8 / 6];
            if core.len() >= SHORTEST {
                base64.push(core.to_owned());
                base64.push(core.replace('+', "-").replace('/', "_"));
            }
        }
        base64.dedup();
        Self { plain: secret.to_owned(), escaped: (escaped != secret).then_some(escaped), base64 }
    }

    fn find(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        for form in [Some(&self.plain), self.escaped.as_ref()].into_iter().flatten() {
            found.extend(occurrences(text, form.as_bytes()));
        }
        for form in &self.base64 {
            found.extend(occurrences(text, form.as_bytes()).map(|range| whole_base64(text, range)));
        }
        self.cut_off(text, found);
    }

    /// A secret of which only the beginning is there, because the text was cut.
    fn cut_off(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        let ellipses = occurrences(text, "…".as_bytes()).map(|range| range.start);
        for end in ellipses.chain([text.len()]) {
            let longest = self.plain.len().saturating_sub(1).min(end);
            let cut = (SHORTEST..=longest).rev().find(|length| {
                self.plain.is_char_boundary(*length)
                    && text[..end].ends_with(&self.plain.as_bytes()[..*length])
            });
            found.extend(cut.map(|length| end - length..end));
        }
    }
}

fn occurrences<'t>(text: &'t [u8], form: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        // The first byte decides nearly always.
        let at = rest.windows(form.len()).position(|window| window[0] == form[0] && window == form)?;
        from += at + form.len();
        Some(from - form.len()..from)
    })
}

/// The whole run of base64 in which a part of it holds a secret: `AUTH PLAIN` carries user and password in one.
fn whole_base64(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let before = text[..range.start].iter().rev().take_while(|byte| is_base64(byte)).count();
    let after = text[range.end..].iter().take_while(|byte| is_base64(byte)).count();
    range.start - before..range.end + after
}

/// What our own messages show as the form of a login: nobody's.
const EXAMPLE_LOGIN: &str = "user:password";

/// Between `://` and the last `@` of a word.
fn userinfo(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("://").map(|(at, mark)| at + mark.len());
    let of_word = |start: usize| {
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>".contains(c);
        let word = &text[start..][..text[start..].find(ends).unwrap_or(text.len() - start)];
        word.rfind('@')
            .map(|at| start..start + at)
            .filter(|range| ![REDACTED, EXAMPLE_LOGIN].contains(&&text[range.clone()]))
    };
    starts.filter_map(of_word).collect()
}

/// A text with its `%41` decoded, and where each byte of it came from.
struct Unescaped {
    bytes: Vec<u8>,
    from: Vec<usize>,
}

impl Unescaped {
    /// None where nothing is encoded.
    fn of(text: &str) -> Option<Self> {
        let all = text.as_bytes();
        let decoded = |at: usize| {
            let digits = text.get(at + 1..at + 3).filter(|_| all[at] == b'%')?;
            digits
                .bytes()
                .all(|digit| digit.is_ascii_hexdigit())
                .then(|| u8::from_str_radix(digits, 16).ok())?
        };
        if !memchr_percent(all).any(|at| decoded(at).is_some()) {
            return None;
        }
        let (mut bytes, mut from, mut at) =
            (Vec::with_capacity(all.len()), Vec::with_capacity(all.len() + 1), 0);
        while at < all.len() {
            from.push(at);
            let byte = decoded(at);
            bytes.push(byte.unwrap_or(all[at]));
            at += if byte.is_some() { 3 } else { 1 };
        }
        from.push(all.len());
        Some(Self { bytes, from })
    }

    fn range(&self, range: Range<usize>) -> Range<usize> {
        self.from[range.start]..self.from[range.end]
    }
}

fn memchr_percent(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_found_in_every_shape_in_which_servers_repeat_it() {
        let secret = "tk-7Qx?~9_ZéKw>";
        register(secret);
        let percent = secret.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
        let some = secret.replace('?', "%3F").replace('é', "%C3%A9");
        for text in
            [secret.to_owned(), percent, some, format!("{secret:?}"), BASE64_URL_SAFE_NO_PAD.encode(secret)]
        {
            let said = redact(&text).into_owned();
            assert!(said.contains(REDACTED) && said.len() <= REDACTED.len() + 2, "{text}: {said}");
        }
        // AUTH PLAIN and Basic put the user in front.
        for user in ["", "a", "ab", "abc"] {
            let login = BASE64_STANDARD.encode(format!("{user}:{secret}@"));
            assert_eq!(redact(&format!("535 <{login}> no")), format!("535 <{REDACTED}> no"));
        }
        assert_eq!(redact("refused: tk-7Qx?…"), format!("refused: {REDACTED}…"));
        assert_eq!(redact("the body ends with tk-7Qx?~9"), format!("the body ends with {REDACTED}"));
        assert_eq!(redact("tk-7 and 7Qx?~ are no secrets"), "tk-7 and 7Qx?~ are no secrets");
    }

    #[test]
    fn no_url_shows_its_user_and_password() {
        for (text, shown) in [
            (
                "such as http://user:password@proxy.example:3128",
                "such as http://user:password@proxy.example:3128",
            ),
            ("PUT http://bob:pw@push.example/x refused", "PUT http://[redacted]@push.example/x refused"),
            (
                "`https://u:p/w@h/` and https://api.example/v7",
                "`https://[redacted]@h/` and https://api.example/v7",
            ),
            (
                "mail ops@example.com, see https://example.com",
                "mail ops@example.com, see https://example.com",
            ),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(shown), shown);
        }
    }

    #[test]
    fn short_secrets_are_words() {
        register("abcde");
        assert_eq!(redact("abcde"), "abcde");
    }

    proptest! {
        #[test]
        fn what_is_around_a_secret_stays(before in "[a-z %é]{0,9}", after in "[ .a-z%é][a-z %é]{0,9}") {
            register("S3CRET-OF-A-PROPERTY");
            let text = format!("{before}S3CRET-OF-A-PROPERTY{after}");
            prop_assert_eq!(redact(&text), format!("{before}{REDACTED}{after}"));
        }
    }
}
