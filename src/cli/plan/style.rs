//! How plans and runs are shown in a terminal: width, colours, and whose time.

use chrono_tz::Tz;

use crate::cli::table::{Paint, wrapped_and_indented};
use crate::domain::quota::OrgId;
use crate::text::clean::visible;

/// How it is shown: with which colours in which width, and in whose time.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Style {
    pub paint: Paint,
    pub zone: Tz,
}

/// Lines of whole words that fit.
pub(in crate::cli) fn wrap_text(indent: usize, text: &str, paint: Paint) -> String {
    wrapped_and_indented(indent, text, paint.width).fold(String::new(), |text, line| text + &line + "\n")
}

/// An organization by its name and id, on one line.
pub(super) fn name_of(name: &str, id: &OrgId) -> String {
    visible(&if name.is_empty() { id.to_string() } else { format!("{name} {id}") }).into_owned()
}
