//! What every text passes when it leaves for people: a terminal, the log, a mail, a page, an answer. Nothing hidden, no secret.

use std::borrow::Cow;

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
    for letter in text.chars() {
        let is_shown = matches!(letter, ' '..='~' | '\n')
            || visible(letter.encode_utf8(&mut [0; 4])).starts_with(letter);
        if is_shown {
            out.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{unit:04x}");
            }
        }
    }
    out
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
