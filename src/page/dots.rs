//! The dot between two facts of a page. A line may break after it and not before it; where one does, the style draws no dot.
//!
//! Mails do without: not every mail program draws it.

/// The style hides the text of the dot and draws one behind the space instead, which a browser takes away where a line ends.
const DOT: &str = "<span class=\"dot\"><span>&nbsp;·</span> </span>";

/// Text of HTML, without a tag's attributes.
pub(super) fn with_dots(text: &str) -> String {
    text.replace("&nbsp;· ", " · ").replace("\u{a0}· ", " · ").replace(" · ", DOT)
}

#[cfg(test)]
mod tests;
