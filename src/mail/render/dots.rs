//! The dot between two facts of a mail. It is text, because not every mail program draws what a style puts in its place.
//!
//! A line may break after it and not before it. On a phone, where many lines do, the style leaves its space alone; between the parts of
//! a headline, it breaks the line instead. A mail program without the style shows the dot.

const DOT: &str = "<span class=\"dot\">&nbsp;· </span>";

/// HTML in which the style reaches the dots between facts: in the text of the body, and neither in its title nor in a tag.
pub(super) fn with_dots(html: &str) -> String {
    let (head, body) = html.split_at(html.find("<body").unwrap_or(html.len()));
    body.split_inclusive('>').fold(head.to_owned(), |html, piece| {
        let (text, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        let text = text.replace("&nbsp;· ", " · ").replace("\u{a0}· ", " · ").replace(" · ", DOT);
        html + &text + tag
    })
}

#[cfg(test)]
mod tests;
