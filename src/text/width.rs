//! How many columns a text takes on a terminal and in plain text, and a text cut to fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns as terminals count them: marks and joiners take none, emoji and CJK two.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// A text of one line that takes at most `room` columns, with an ellipsis where it was cut.
pub(crate) fn fit(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut used = 1; // the ellipsis
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used <= room
    };
    let short: String = text.chars().take_while(fits).collect();
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests;
