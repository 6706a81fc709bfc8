//! The dot between two facts, in HTML. A line may break after it and not before it; where one does, the style draws no dot.

/// The style hides the text of the dot and draws one behind the space instead, which a browser takes away where a line ends.
/// Programs without that style show the text.
const DOT: &str = "<span class=\"dot\"><span>&nbsp;·</span> </span>";

/// Text of HTML, without a tag's attributes.
pub(crate) fn with_dots(text: &str) -> String {
    text.replace("&nbsp;· ", " · ").replace("\u{a0}· ", " · ").replace(" · ", DOT)
}

/// A whole page of HTML, in which `<` and `>` belong to tags alone. A title is text that no tag may be in.
pub(crate) fn page_with_dots(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for part in html.split_inclusive('>') {
        let (text, tag) = part.split_at(part.rfind('<').unwrap_or(part.len()));
        let is_plain = tag.starts_with("</title") || tag.starts_with("</style") || !text.contains('·');
        out += &if is_plain { text.to_owned() } else { with_dots(text) };
        out += tag;
    }
    out
}

#[cfg(test)]
mod tests;
