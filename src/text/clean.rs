//! The one sanitizer: what comes from outside (names, file names, answers of servers, cells) as text that is safe to show.
//!
//! Control characters, line separators and the blank Braille cell become blanks. What nobody sees or what changes the direction of
//! reading is dropped: all format characters of Unicode (Cf), fillers, variation selectors, noncharacters. Joiners and the emoji
//! selector stay inside an emoji, where they belong.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

const JOINER: char = '\u{200d}';
const EMOJI_SELECTOR: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
/// More marks than any writing puts on one letter; a thousand of them cover the lines around.
const MOST_MARKS: usize = 8;

/// The text on one line, with nothing hidden in it. Runs of blanks stay as they are.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.chars().all(is_ours) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut marks = 0;
    while let Some(letter) = letters.next() {
        let (before, after) = (shown.chars().next_back(), letters.peek().copied());
        match letter {
            JOINER => {
                let joins = before.is_some_and(|c| is_emoji(c) || c == EMOJI_SELECTOR);
                if joins && after.is_some_and(is_emoji) {
                    shown.push(letter);
                }
            }
            EMOJI_SELECTOR => {
                let is_key = before.is_some_and(|c| matches!(c, '0'..='9' | '#' | '*'));
                if before.is_some_and(is_emoji) || is_key && after == Some(KEYCAP) {
                    shown.push(letter);
                }
            }
            _ if is_blank(letter) => {
                marks = 0;
                shown.push(' ');
            }
            _ if is_hidden(letter) => {}
            _ if letter.width() == Some(0) => {
                marks += 1;
                if marks <= MOST_MARKS {
                    shown.push(letter);
                }
            }
            _ => {
                marks = 0;
                shown.push(letter);
            }
        }
    }
    if shown == text { Cow::Borrowed(text) } else { Cow::Owned(shown) }
}

/// Stands in our own lines, and hides nothing: most texts are made of these alone.
fn is_ours(letter: char) -> bool {
    matches!(letter, ' '..='~' | '–' | '→' | '·' | '…' | '±')
}

/// The same with single blanks and none around it, cut after `max` characters.
pub(crate) fn clean(text: &str, max: usize) -> String {
    cleaned(text, max).into_owned()
}

/// The same, for those who look at a million of them.
pub(crate) fn cleaned(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && is_clean(text) {
        return Cow::Borrowed(text);
    }
    let visible = visible(text);
    let mut line = String::with_capacity(visible.len().min(4 * max.min(1024)));
    let mut count = 0_usize;
    for word in visible.split_whitespace() {
        let blank = usize::from(count > 0);
        let letters = word.chars().count();
        if count + blank + letters > max {
            // One more than fits is enough to see that it is cut.
            if blank > 0 {
                line.push(' ');
            }
            line.extend(word.chars().take(max.saturating_sub(count)));
            let kept: String = line.chars().take(max.saturating_sub(1)).collect();
            return Cow::Owned(format!("{}…", kept.trim_end()));
        }
        if blank > 0 {
            line.push(' ');
        }
        line += word;
        count += blank + letters;
    }
    Cow::Owned(line)
}

/// Whether it is as it should be already, which nearly every text is.
fn is_clean(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        if !matches!(byte, b' '..=b'~') || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    before != b' ' || text.is_empty()
}

/// What a cell may have around it without meaning anything: blanks, also those that nobody sees.
pub(crate) fn is_padding(letter: char) -> bool {
    letter.is_whitespace()
        || !letter.is_ascii() && (is_hidden(letter) || matches!(letter, '\u{2800}' | JOINER | EMOJI_SELECTOR))
}

/// Shown as a blank.
fn is_blank(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{2800}')
}

/// Format characters (Cf), what Unicode calls ignorable by default, and noncharacters. Joiner and emoji selector are looked at by
/// themselves.
fn is_hidden(letter: char) -> bool {
    let code = u32::from(letter);
    matches!(code,
        0xad | 0x34f | 0x61c | 0x600..=0x605 | 0x6dd | 0x70f | 0x890 | 0x891 | 0x8e2
        | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b | 0x200c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xfe00..=0xfe0e | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xfdd0..=0xfdef
        | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
        || code & 0xfffe == 0xfffe
}

/// Near enough: the blocks in which pictures stand.
fn is_emoji(letter: char) -> bool {
    matches!(u32::from(letter),
        0xa9 | 0xae | 0x203c | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21aa | 0x231a..=0x23ff | 0x24c2 | 0x25aa..=0x27bf
        | 0x2934 | 0x2935 | 0x2b05..=0x2b55 | 0x3030 | 0x303d | 0x3297 | 0x3299 | 0x1f000..=0x1faff)
}

#[cfg(test)]
mod tests;
