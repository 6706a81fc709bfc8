//! What every text passes when it leaves for people: a terminal, the log, a mail, a page, an answer. Nothing hidden, no secret.

use std::borrow::Cow;
use std::io::{self, Write};

use memchr::memrchr;
use serde::Serialize;
use serde_json::Value;

use super::clean::visible;
use super::redact::redact;
use super::words::without_error_numbers;

/// The colours and weights that we and the log paint with. Any other escape sequence is not ours.
const STYLES: [&str; 10] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[3m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[34m",
    "\u{1b}[35m",
    "\u{1b}[36m",
];

/// Lines for people. What ends a line stays.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    match without_error_numbers(text) {
        Cow::Borrowed(text) => shown_lines(text),
        Cow::Owned(text) => Cow::Owned(shown_lines(&text).into_owned()),
    }
}

/// Lines for a terminal that shows colours: ours stay.
pub(crate) fn painted_lines(text: &str) -> Cow<'_, str> {
    match without_error_numbers(text) {
        Cow::Borrowed(text) => logged_lines(text),
        Cow::Owned(text) => Cow::Owned(logged_lines(&text).into_owned()),
    }
}

/// Lines of the log, where our colours and the numbers of errors stay: who searches for one finds it.
pub(crate) fn logged_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return shown_lines(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out += &shown_lines(&rest[..at]);
        rest = &rest[at..];
        let style = STYLES.iter().find(|style| rest.starts_with(**style));
        out += style.copied().unwrap_or(" ");
        rest = &rest[style.map_or(1, |style| style.len())..];
    }
    out += &shown_lines(rest);
    Cow::Owned(redact(&out).into_owned())
}

fn shown_lines(text: &str) -> Cow<'_, str> {
    by_line(text, |line| {
        let visible = visible(line);
        match redact(&visible) {
            Cow::Borrowed(same) if same == line => Cow::Borrowed(line),
            changed => Cow::Owned(changed.into_owned()),
        }
    })
}

/// What goes into a template, as people may see it: whatever a report was made of, no text of it hides anything or holds a secret.
pub(crate) fn values(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(lines(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(values).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, values(value))).collect(),
        other => other,
    }
}

/// A JSON text for people's terminals and logs: what would be hidden is escaped, so that it means the same.
pub(crate) fn json(text: &str) -> String {
    let text = redact(text);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
            out += line; // as nearly each is
        } else {
            line.chars().for_each(|letter| push_shown(&mut out, letter));
        }
    }
    out
}

fn push_shown(out: &mut String, letter: char) {
    let is_shown =
        matches!(letter, ' '..='~' | '\n') || visible(letter.encode_utf8(&mut [0; 4])).starts_with(letter);
    if is_shown {
        out.push(letter);
    } else {
        for unit in letter.encode_utf16(&mut [0; 2]) {
            *out += &format!("\\u{unit:04x}");
        }
    }
}

/// Writes a value as [`json`] shows it, and the end of a line. There may be a hundred thousand rows in it: few of them are in memory.
pub(crate) fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut lines = JsonLines { out, waiting: Vec::new() };
    serde_json::to_writer_pretty(&mut lines, value)?;
    lines.waiting.push(b'\n');
    lines.flush()
}

/// Passes on JSON when enough lines of it have come.
struct JsonLines<'o, W> {
    out: &'o mut W,
    waiting: Vec<u8>,
}

impl<W: Write> JsonLines<'_, W> {
    fn pass_on(&mut self, count: usize) -> io::Result<()> {
        let text = str::from_utf8(&self.waiting[..count]).map_err(io::Error::other)?;
        self.out.write_all(json(text).as_bytes())?;
        self.waiting.drain(..count);
        Ok(())
    }
}

impl<W: Write> Write for JsonLines<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const ENOUGH: usize = 1 << 16;
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= ENOUGH
            && let Some(end) = memrchr(b'\n', &self.waiting)
        {
            self.pass_on(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.waiting.len())
    }
}

fn by_line<'t>(text: &'t str, each: impl Fn(&'t str) -> Cow<'t, str>) -> Cow<'t, str> {
    if !text.contains('\n') {
        return each(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        out += &each(bare);
        out += &line[bare.len()..];
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

#[cfg(test)]
mod tests;
