//! Checks that the inbox, the answers and quotakeeper's own files are in separate folders.

use std::path::{Path, PathBuf};

use super::Config;
use crate::files::data_folder::DataFolder;

impl Config {
    /// Each problem as the key and a sentence.
    pub(super) fn folder_problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        // The folders that are below these by default have the same problem.
        let named = [
            ("data.dir", Some(&self.data.dir)),
            ("inbox.dir", self.inbox.dir.as_ref()),
            ("inbox.answers_dir", self.inbox.answers_dir.as_ref()),
        ];
        let too_long = |(key, folder): (&str, Option<&PathBuf>)| Some((key.to_owned(), too_long(folder?)?));
        found.extend(named.into_iter().filter_map(too_long));
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

/// The system takes no longer path, with the zero at its end.
const LONGEST_PATH: usize = 4096;
/// What stands behind these folders' paths at most: the name of a run or of an answer, and of a file in it. A folder that is nearer to
/// the end takes some files and not others.
const LONGEST_BELOW: usize = 596;

fn too_long(folder: &Path) -> Option<String> {
    let (bytes, most) = (absolute(folder).as_os_str().len(), LONGEST_PATH - LONGEST_BELOW);
    (bytes > most).then(|| {
        format!("has a path of {bytes} bytes: at most {most} leave room for the names of the files in it")
    })
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Without links where it is there, else as it is written.
fn canonical_or_given(folder: &Path) -> PathBuf {
    fs_err::canonicalize(folder).unwrap_or_else(|_| absolute(folder))
}
