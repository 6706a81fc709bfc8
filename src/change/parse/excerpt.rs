//! Shortens cells for messages.

use crate::text::clean::{clean, is_padding};

/// A cell's text without the blanks around it, including those that nobody sees (no-break, zero-width, direction marks).
pub(in crate::change) fn trim_cell(text: &str) -> &str {
    let is_bare = |end: Option<&u8>| end.is_some_and(u8::is_ascii_graphic);
    // Nearly every cell is so.
    if is_bare(text.as_bytes().first()) && is_bare(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(is_padding)
}

/// A cell's text as a message can show it: short, and with nothing hidden in it.
pub(in crate::change) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    clean(text, LONGEST)
}

/// At most a dozen, and how many more there are.
pub(super) fn list_a_dozen(items: impl ExactSizeIterator<Item = String>) -> String {
    const MOST: usize = 12;
    let more = items.len().saturating_sub(MOST);
    let list = items.take(MOST).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// A cell with text after its closing quote.
pub(super) fn torn_cell_message(text: &str) -> String {
    format!(
        "`{}` follows a closing quote (\"), so cells may have run together. Double the quotes inside a text, or remove \
         them.",
        excerpt(text)
    )
}
