//! Secrets are registered when they are read, and taken out of every text that leaves: as they are, in base64 and hexadecimal,
//! escaped as URLs, JSON and HTML do it, and broken over lines.
//!
//! Servers and proxies echo what they are sent: in error pages, request ids, refusals of a login. So the registry belongs to the
//! process and not to a client: whatever writes a log line, a mail or a status must not have to know where a secret came from.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use memchr::memchr2;

/// What stands where a secret stood.
pub(crate) const REDACTED: &str = "[redacted]";

/// Shorter texts are no secrets that could be distinguished from words.
const SHORTEST: usize = 6;

/// A vault rotates: the last secrets are remembered, and the oldest forgotten.
const REMEMBERED: usize = 32;

/// So many secrets that are renewed every hour: they must not crowd out those that are read once, and each costs time with
/// every text.
const REMEMBERED_PASSING: usize = 4;

static SECRETS: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

struct Secret {
    plain: String,
    is_passing: bool,
    hexadecimal: String,
    /// What of its base64 does not depend on what stands around it, for each alignment and both alphabets.
    base64: Vec<String>,
}

/// Takes note of a secret: from now on [`redact`] finds it.
pub(crate) fn register(secret: &str) {
    remember(secret, false);
}

/// The same for a secret that is good for an hour or so, such as an access token.
pub(crate) fn register_passing(secret: &str) {
    remember(secret, true);
}

fn remember(secret: &str, is_passing: bool) {
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
        let most = if is_passing { REMEMBERED_PASSING } else { REMEMBERED };
        if secrets.iter().filter(|known| known.is_passing == is_passing).count() == most
            && let Some(oldest) = secrets.iter().position(|known| known.is_passing == is_passing)
        {
            secrets.remove(oldest);
        }
        secrets.push(Secret::new(secret, is_passing));
    }
}

/// Takes note of a user and password in a URL, also of how they read when they are decoded.
pub(crate) fn register_userinfo(url: &reqwest::Url) {
    for part in [Some(url.username()), url.password()].into_iter().flatten() {
        register(part);
        if let Ok(decoded) = String::from_utf8(Decoded::new(part, Blanks::Stay).bytes) {
            register(&decoded);
        }
    }
}

/// The text without registered secrets, and without user and password of any URL in it.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut found = userinfo(text);
    {
        let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
        if !secrets.is_empty() {
            let views = [Blanks::Stay, Blanks::Go].map(|blanks| (blanks, Decoded::new(text, blanks)));
            for secret in secrets.iter() {
                secret.find(text.as_bytes(), Blanks::Stay, &mut found);
                for (blanks, view) in &views {
                    let mut ranges = Vec::new();
                    secret.find(&view.bytes, *blanks, &mut ranges);
                    found.extend(ranges.into_iter().map(|range| view.source_range(range)));
                }
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
    fn new(secret: &str, is_passing: bool) -> Self {
        let hexadecimal = secret.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
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
        Self { plain: secret.to_owned(), is_passing, hexadecimal, base64 }
    }

    /// Without its blanks a text is one word, of which only the secret itself is taken.
    fn find(&self, text: &[u8], blanks: Blanks, found: &mut Vec<Range<usize>>) {
        let plain = match blanks {
            Blanks::Stay => Cow::Borrowed(&self.plain),
            Blanks::Go => Cow::Owned(self.plain.split_ascii_whitespace().collect()),
        };
        for form in [&*plain, &self.hexadecimal] {
            found.extend(occurrences(text, form.as_bytes()));
        }
        for form in &self.base64 {
            let whole = |range| match blanks {
                Blanks::Stay => whole_base64(text, range),
                Blanks::Go => range,
            };
            found.extend(occurrences(text, form.as_bytes()).map(whole));
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

/// In whatever letters: servers like to make ids large or small.
fn occurrences<'t>(text: &'t [u8], form: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
    let (small, large) = (form[0].to_ascii_lowercase(), form[0].to_ascii_uppercase());
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = from + memchr2(small, large, text.get(from..)?)?;
            let end = begin + form.len();
            if text.get(begin..end)?.eq_ignore_ascii_case(form) {
                from = end;
                return Some(begin..end);
            }
            from = begin + 1;
        }
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
    if !text.contains(':') {
        return Vec::new();
    }
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

/// What becomes of a text's blanks and line ends when it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blanks {
    Stay,
    /// What was broken over lines is whole again.
    Go,
}

/// A text without its escapes, and where each byte of it came from.
struct Decoded {
    bytes: Vec<u8>,
    from: Vec<Range<usize>>,
}

impl Decoded {
    fn new(text: &str, blanks: Blanks) -> Self {
        let mut decoded =
            Self { bytes: Vec::with_capacity(text.len()), from: Vec::with_capacity(text.len()) };
        let is_kept =
            |byte: u8| blanks == Blanks::Stay || !(byte.is_ascii_whitespace() || byte.is_ascii_control());
        let mut at = 0;
        while let Some(raw) = text.as_bytes().get(at) {
            let escape = decode_escape(text, at);
            let (bytes, length) =
                escape.as_ref().map_or((std::slice::from_ref(raw), 1), |(bytes, length)| (bytes, *length));
            for byte in bytes.iter().filter(|byte| is_kept(**byte)) {
                decoded.bytes.push(*byte);
                decoded.from.push(at..at + length);
            }
            at += length;
        }
        decoded
    }

    /// Where a part of it, which is not empty, is in the text that it was made of.
    fn source_range(&self, range: Range<usize>) -> Range<usize> {
        self.from[range.start].start..self.from[range.end - 1].end
    }
}

/// The bytes that an escape at this place stands for, and how long it is: `%2B`, `\u002b`, `\x2b`, `\/`, `\n`, `&#43;`, `&#x2b;`,
/// `&amp;`.
fn decode_escape(text: &str, at: usize) -> Option<(Vec<u8>, usize)> {
    let rest = &text.as_bytes()[at..];
    let number = |from: usize, to: usize, radix: u32| {
        let digits = text.get(at + from..at + to)?;
        let is_digit = |digit: u8| char::from(digit).is_digit(radix);
        digits.bytes().all(is_digit).then(|| u32::from_str_radix(digits, radix).ok())?
    };
    let utf_8 = |code: u32| {
        let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        letter.encode_utf8(&mut [0; 4]).as_bytes().to_vec()
    };
    let one_byte = |from: usize| Some(vec![u8::try_from(number(from, from + 2, 16)?).ok()?]);
    match (rest[0], rest.get(1)?) {
        (b'%', _) => Some((one_byte(1)?, 3)),
        (b'\\', b'x') => Some((one_byte(2)?, 4)),
        (b'\\', b'u') => Some((utf_8(number(2, 6, 16)?), 6)),
        (b'\\', b'n' | b'r' | b't') => Some((b" ".to_vec(), 2)),
        (b'\\', other @ (b'/' | b'"' | b'\'' | b'\\')) => Some((vec![*other], 2)),
        (b'&', b'#') => {
            let end = rest.iter().take(10).position(|byte| *byte == b';')?;
            let code = if matches!(rest.get(2), Some(b'x' | b'X')) {
                number(3, end, 16)
            } else {
                number(2, end, 10)
            };
            Some((utf_8(code?), end + 1))
        }
        (b'&', _) => {
            let names =
                [("&amp;", b'&'), ("&lt;", b'<'), ("&gt;", b'>'), ("&quot;", b'"'), ("&apos;", b'\'')];
            let (name, byte) = names.into_iter().find(|(name, _)| rest.starts_with(name.as_bytes()))?;
            Some((vec![byte], name.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
