//! A picture beside the text of a report.

use serde::Serialize;

/// A picture as templates show it: a part of the mail, or drawn into the page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Picture {
    /// The `Content-ID` of its part.
    pub cid: String,
    pub svg: String,
    pub alt: String,
    pub width: u32,
    pub height: u32,
}
