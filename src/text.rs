//! Text: words and numbers as people read them, names made safe to show, similarity and patterns.

pub(crate) mod glob;
pub(crate) mod similarity;
pub(crate) mod words;
