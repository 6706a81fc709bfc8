//! Checks that the inbox, the answers and quotakeeper's own files are in separate folders.

use std::path::{Path, PathBuf};

use super::Config;
use crate::files::data_folder::DataFolder;

impl Config {
    /// Each problem as the key and a sentence.
    pub(super) fn folder_problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let (data, inbox, answers) = (
            canonical_or_given(&self.data.dir),
            canonical_or_given(&self.inbox_dir()),
            canonical_or_given(&self.answers_dir()),
        );
        let is_own = |folder: &Path| {
            folder == data || DataFolder::ALL.iter().any(|own| folder.starts_with(own.below(&data)))
        };
        if is_own(&inbox) {
            found.push((
                "inbox.dir".to_owned(),
                "is a folder that quotakeeper keeps its own files in: set another one".to_owned(),
            ));
        }
        if is_own(&answers) {
            let fix = "is a folder that quotakeeper keeps its own files in: set another one";
            found.push(("inbox.answers_dir".to_owned(), fix.to_owned()));
        } else if answers == inbox {
            let fix = "is the inbox itself, where quotakeeper would take each answer for a change file: set another \
                       folder, such as `answers` below the inbox";
            found.push(("inbox.answers_dir".to_owned(), fix.to_owned()));
        } else if inbox.starts_with(&answers) {
            let fix = "has the inbox below it, where an answer, such as an undo.csv, could be taken for a change file: \
                       set another folder, such as `answers` below the inbox";
            found.push(("inbox.answers_dir".to_owned(), fix.to_owned()));
        }
        found
    }
}

/// Without links where it is there, else as it is written.
fn canonical_or_given(folder: &Path) -> PathBuf {
    let written = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    fs_err::canonicalize(folder).unwrap_or_else(|_| written())
}
