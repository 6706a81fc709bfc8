//! The files of a pass as the mail lists them.

use serde::Serialize;

use crate::report::shared::level::Level;

/// One file, in a line or two.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FileLine {
    /// `q4.csv: 3 rows applied, 1 refused`.
    pub headline: String,
    /// The first reason; empty where there is none.
    pub why: String,
    pub run: String,
    /// Who dropped it; empty where that is not known.
    pub by: String,
    /// The command that approves what waits; empty where nothing does.
    pub approve: String,
    /// The command that drops it.
    pub reject: String,
    /// When it is rejected if nobody decides.
    pub until: String,
}

/// The files with one outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FileSection {
    pub title: String,
    pub level: Level,
    pub files: Vec<FileLine>,
    /// How many are not listed.
    pub more: usize,
}
