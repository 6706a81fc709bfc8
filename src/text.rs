//! Text: words and numbers as people read them, what is safe to show, widths, similarity and patterns.
//!
//! There is one way each to make a text safe ([`clean`]), to keep secrets out of it ([`redact`]), and to let it out ([`edge`]).

pub(crate) mod clean;
pub(crate) mod codes;
pub(crate) mod edge;
pub(crate) mod glob;
pub(crate) mod lookalike;
pub(crate) mod redact;
pub(crate) mod similarity;
pub(crate) mod template_filters;
pub(crate) mod width;
pub(crate) mod words;
