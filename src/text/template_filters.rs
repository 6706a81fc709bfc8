//! The filters of the templates: numbers that do not break over lines, and the columns of plain text.

use std::borrow::Cow;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, HtmlEscape, Output, State, escape_formatter};

use crate::text::width::columns;
use crate::text::words;
use crate::text::words::{grouped, quota_text};

/// A line of the text part is no longer than this.
const WIDTH: usize = 78;
const BAR: usize = 18;

pub(crate) fn add_filters(environment: &mut Environment<'_>) {
    environment.set_formatter(isolated);
    environment.add_filter("units", |state: &State, units: Option<i64>| {
        keep_together(state, &units.map_or_else(|| "unknown".to_owned(), grouped))
    });
    environment
        .add_filter("quota", |state: &State, quota: Option<i64>| keep_together(state, &quota_text(quota)));
    environment.add_filter("prose", |state: &State, text: String| keep_together(state, &text));
    environment.add_filter("commands", |text: &str| Value::from_safe_string(with_commands(text)));
    environment.add_filter("sentence", |text: &str| words::capitalized(text));
    environment.add_filter("wrap", |text: String, indent: Option<usize>| wrap(&text, indent.unwrap_or(0)));
    environment.add_filter("right", |text: String, width: usize| padding(width, &text) + &text);
    environment.add_filter("spread", |left: String, right: String| spread(&left, &right));
    environment.add_filter("underline", |text: String| "=".repeat(columns(&text).min(WIDTH)));
    environment.add_filter("bar", |bar: Value| bar_of(&bar));
}

/// What is written from right to left keeps to itself, in HTML: what follows it, such as an id or a figure, stays behind it. Not by an
/// element, which some mail programs do not know.
fn isolated(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = value.as_str().filter(|_| matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe());
    match text.map(isolated_text) {
        Some(Cow::Owned(text)) => escape_formatter(out, state, &Value::from(text)),
        _ => escape_formatter(out, state, value),
    }
}

/// Text for HTML in which what is written from right to left keeps to itself.
pub(crate) fn isolated_text(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() && text.contains(is_from_right_to_left) {
        Cow::Owned(with_isolates(text))
    } else {
        Cow::Borrowed(text)
    }
}

/// A name without a Latin letter is one piece, with its digits. In a name or a sentence that has some, each stretch from the first to
/// the last letter of the other direction is, with the bracket that closes what the stretch opens: a name and its organization, `א (ב)`.
fn with_isolates(text: &str) -> String {
    let is_latin = |letter: char| letter.is_alphabetic() && !is_from_right_to_left(letter);
    if text.contains(is_from_right_to_left) && !text.contains(is_latin) {
        return format!("\u{2068}{text}\u{2069}");
    }
    let mut isolated = String::with_capacity(text.len() + 12);
    let mut rest = text;
    while let Some(start) = rest.find(is_from_right_to_left) {
        let run = &rest[start..];
        let run = &run[..run.find(is_latin).unwrap_or(run.len())];
        let last = run.char_indices().rfind(|(_, letter)| is_from_right_to_left(*letter));
        let last = start + last.map_or(0, |(at, letter)| at + letter.len_utf8());
        let end = last + closing_brackets(&rest[start..last], &rest[last..]);
        isolated.extend([&rest[..start], "\u{2068}", &rest[start..end], "\u{2069}"]);
        rest = &rest[end..];
    }
    isolated + rest
}

/// How many of the brackets that come next close one that is open: alone outside they would be drawn as if they opened one.
fn closing_brackets(stretch: &str, next: &str) -> usize {
    let count = |bracket: char| stretch.matches(bracket).count();
    let open = count('(').saturating_sub(count(')'));
    next.bytes().take(open).take_while(|byte| *byte == b')').count()
}

/// A letter of Hebrew, Arabic and their kin.
fn is_from_right_to_left(letter: char) -> bool {
    matches!(letter,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Sentences as HTML, each line of them on its own, with what stands between backticks as code: what to type.
fn with_commands(text: &str) -> String {
    let text = HtmlEscape(&with_isolates(text)).to_string();
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    // Each line is told from those before it, although it may be too long for one; without the style, by its break alone.
    let text = lines.fold(first, |text, line| format!("{text}<span class=\"line\"><br>{line}</span>"));
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return parts.join("`"); // one of them has no other
    }
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{}</code>", with_whole_options(part)),
    };
    parts.into_iter().enumerate().map(part).collect()
}

/// A command as HTML in which no line breaks within `--online`.
fn with_whole_options(command: &str) -> String {
    let word = |word: &str| match word.strip_prefix("--") {
        Some(_) => format!("<span class=\"option\">{word}</span>"),
        None => word.to_owned(),
    };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// In HTML, what belongs together never ends up on two lines: `1 940`, `Fri 4 Dec`.
fn keep_together(state: &State, text: &str) -> String {
    if matches!(state.auto_escape(), AutoEscape::Html) { kept_together(text) } else { text.to_owned() }
}

/// Text for HTML in which what belongs together stays on one line. What stands between backticks is to be typed as it is.
pub(crate) fn kept_together(text: &str) -> String {
    let mut parts = text.split(' ');
    let mut before = parts.next().unwrap_or_default();
    let mut out = before.to_owned();
    let mut is_code = false;
    for after in parts {
        is_code ^= !before.matches('`').count().is_multiple_of(2);
        let last = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let first = after.split(char::is_whitespace).next().unwrap_or_default();
        let glue = words::glue(last, first).filter(|_| !is_code);
        out.push(glue.unwrap_or(' '));
        out += after;
        before = after;
    }
    out
}

fn padding(width: usize, text: &str) -> String {
    " ".repeat(width.saturating_sub(columns(text)))
}

/// Lines of at most 78 columns, each after the first indented. A longer word stands alone on its line.
fn wrap(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for text in text.split('\n') {
        let mut line = String::new();
        for word in words::unbreakable_words(text) {
            // The first line begins where the template has put it, which is at the same indent.
            if !line.is_empty() && indent + columns(&line) + 1 + columns(&word) > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// Left and right on one line of 78 columns, or on two where they do not fit.
fn spread(left: &str, right: &str) -> String {
    let used = columns(left) + columns(right);
    if used < WIDTH {
        return format!("{left}{}{right}", " ".repeat(WIDTH - used));
    }
    format!("{}\n{}{right}", wrap(left, 4), padding(WIDTH, right))
}

/// `######++++!!....`: used, projected, over the quota, not needed.
fn bar_of(bar: &Value) -> String {
    let part = |name: &str| bar.get_attr(name).ok().and_then(|part| f64::try_from(part).ok()).unwrap_or(0.0);
    let mut text = String::new();
    let mut end = 0.0;
    for (name, letter) in [("used", '#'), ("projected", '+'), ("over", '!'), ("rest", '.')] {
        end += part(name);
        while text.len() < cells(end) {
            text.push(letter);
        }
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "at most 18"
)]
fn cells(percent: f64) -> usize {
    (percent.clamp(0.0, 100.0) * BAR as f64 / 100.0).round() as usize
}

#[cfg(test)]
mod tests;
