//! Text in CSV files that people open: a spreadsheet must show it, not run it.
//!
//! Whatever begins like a formula gets a `'` in front. That holds for the whole cell, and for each part of it after a `;`, a tab or
//! a line break: where a spreadsheet expects another delimiter than the file has, it takes those for ends of cells.
//! [`without_inert_mark`] takes off again what [`inert`] put there, whatever the text was, so that a file that we wrote and somebody
//! dropped again means what it meant. A cell that somebody else wrote goes through both, so that apostrophes never pile up.

use std::borrow::Cow;

use crate::text::clean::{is_padding, visible};

/// Where a spreadsheet may see the end of a cell in the middle of one. The comma is not among them: ours is quoted for it.
const ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// A file as people open it: Excel takes one without this mark for a text of the machine's own encoding, in which names come out wrong.
pub(crate) fn with_bom(mut file: Vec<u8>) -> Vec<u8> {
    if !file.starts_with(MARK) {
        file.splice(0..0, MARK.iter().copied());
    }
    file
}

/// U+FEFF, which says that what follows is UTF-8.
pub(crate) const MARK: &[u8] = "\u{feff}".as_bytes();

/// The text as it may stand in a cell. A plain number such as `-120` is no formula and stays a number.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    each_part(text, |out, part| out.extend(["'", part]))
}

/// A name or a message in a column of ours: nothing hidden in it either, because people also look at these files in a terminal.
pub(crate) fn inert_clean(text: &str) -> Cow<'_, str> {
    if is_one_word(text) {
        return Cow::Borrowed(text);
    }
    match visible(text) {
        Cow::Borrowed(text) => inert(text),
        Cow::Owned(text) => Cow::Owned(inert(&text).into_owned()),
    }
}

/// The text that [`inert`] was given.
pub(crate) fn without_inert_mark(text: &str) -> Cow<'_, str> {
    each_part(text, |out, part| *out += part.strip_prefix('\'').unwrap_or(part))
}

/// A cell that somebody else wrote, or that we wrote before: nothing hidden in it, but its line breaks and tabs stay.
pub(crate) fn inert_input(text: &str) -> String {
    let is_kept = |letter: char| matches!(letter, '\t' | '\r' | '\n');
    let text = without_inert_mark(text);
    let cleaned: String = text
        .split_inclusive(is_kept)
        .flat_map(|line| {
            let inner = line.strip_suffix(is_kept).unwrap_or(line);
            [visible(inner), Cow::Borrowed(&line[inner.len()..])]
        })
        .collect();
    inert(&cleaned).into_owned()
}

/// Looked up by byte, which takes half the time of comparisons.
const NEEDS_QUOTES: [bool; 256] = {
    let mut needs = [false; 256];
    (needs[b'"' as usize], needs[b',' as usize]) = (true, true);
    (needs[b'\n' as usize], needs[b'\r' as usize]) = (true, true);
    needs
};

/// What can be seen, and ends no cell where it is not quoted.
const OF_A_WORD: [bool; 256] = {
    let (mut is, mut byte) = ([false; 256], b' ');
    while byte <= b'~' {
        is[byte as usize] = byte != b';';
        byte += 1;
    }
    is
};

/// Adds a cell to a line, in quotes where its text needs them (RFC 4180): for files of a million rows.
pub(crate) fn push(text: &mut Vec<u8>, cell: &[u8]) {
    if cell.iter().any(|byte| NEEDS_QUOTES[usize::from(*byte)]) {
        text.push(b'"');
        for part in cell.split_inclusive(|byte| *byte == b'"') {
            text.extend_from_slice(part);
            if part.ends_with(b"\"") {
                text.push(b'"');
            }
        }
        text.push(b'"');
    } else {
        text.extend_from_slice(cell);
    }
}

fn each_part(text: &str, change: impl Fn(&mut String, &str)) -> Cow<'_, str> {
    if is_one_word(text) || !parts(text).any(|part| is_dangerous(text, part)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 2);
    for part in parts(text) {
        if is_dangerous(text, part) {
            change(&mut out, part);
        } else {
            out += part;
        }
    }
    Cow::Owned(out)
}

/// Begins with a letter or digit, hides nothing, and is one part to every spreadsheet: nearly every name, seen without a look at its
/// parts.
fn is_one_word(text: &str) -> bool {
    text.as_bytes().first().is_none_or(u8::is_ascii_alphanumeric)
        && text.bytes().all(|byte| OF_A_WORD[usize::from(byte)])
}

/// Each with the delimiter that ends it.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(ENDS)
}

/// Apostrophes in front count for nothing: one more or less of them must not change the answer.
fn is_dangerous(text: &str, part: &str) -> bool {
    let bare = part.trim_start_matches('\'');
    let is_first = part.as_ptr() == text.as_ptr();
    let content = bare.strip_suffix(ENDS).unwrap_or(bare);
    let is_inner = |letter: char| !ENDS.contains(&letter);
    let begin = content.trim_start_matches(|c: char| (is_padding(c) || c.is_control()) && is_inner(c));
    // With a control character in it nobody knows what it is.
    let number = content.trim_matches(|c: char| is_padding(c) && is_inner(c));
    begins_like_a_formula(begin) && !is_number(number) || is_first && bare.starts_with(['\t', '\r', '\n'])
}

/// The wide signs count as formulas where a spreadsheet speaks Japanese.
fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
