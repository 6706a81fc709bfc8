//! What a file name in the inbox means: a change file, an approval, an unfinished upload, or none of our business.
//!
//! Pure. Whoever drops something that is not taken reads why, and what to do; a file that is still being uploaded, and what
//! file managers leave behind, is passed over without a word.

/// What lies in the inbox, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `*.csv`, `*.tsv`, `*.txt`.
    Change,
    /// `STEM.approved`, or with the ending that Windows hides.
    Approval(String),
    /// Begins with a dot: on its way, or ours.
    Hidden,
    /// On its way under another name, or of a file manager or an editor.
    Passed,
    /// A workbook, which a Mac may show as a folder.
    Workbook,
    /// Never taken, and why.
    Refused(String),
}

/// What to do with a [`Name::Workbook`].
pub(super) const WORKBOOK: &str =
    "This is a workbook. In the spreadsheet choose Save As, CSV UTF-8 (comma delimited), and drop that file.";

const CHANGES: [&str; 3] = ["csv", "tsv", "txt"];
/// Uploads, downloads and saves that are not finished: they get their name at the end.
const ON_ITS_WAY: [&str; 9] =
    ["tmp", "temp", "part", "partial", "filepart", "crdownload", "download", "opdownload", "swp"];
const WORKBOOKS: [&str; 11] =
    ["xlsx", "xls", "xlsm", "xlsb", "xltx", "xltm", "xlt", "ods", "fods", "numbers", "gsheet"];
const PACKED: [&str; 14] =
    ["zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tar", "gpg", "pgp", "asc", "age", "cab"];
const DOCUMENTS: [&str; 16] = [
    "pdf", "doc", "docx", "odt", "rtf", "json", "xml", "yaml", "yml", "htm", "html", "eml", "msg", "parquet",
    "md", "url",
];

pub(super) fn read(name: &str) -> Name {
    if name.starts_with('.') {
        return Name::Hidden;
    }
    let small = name.to_lowercase();
    // The lock of an open workbook, folders' own files, and the mark that Windows puts on what came from elsewhere.
    let is_litter = name.starts_with("~$")
        || matches!(small.as_str(), "thumbs.db" | "desktop.ini" | "lost+found" | "@eadir" | "$recycle.bin")
        || small.ends_with(":zone.identifier")
        || small.contains(".sb-"); // a Mac's editor, while it saves
    if is_litter {
        return Name::Passed;
    }
    if let Some(stem) = name.strip_suffix(".approved").or_else(|| name.strip_suffix(".approved.txt")) {
        return Name::Approval(stem.to_owned());
    }
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return Name::Refused(format!(
            "Its name has no extension, and only files that end in .csv, .tsv or .txt are taken. If it is a change file, rename it \
             to {name}.csv."
        ));
    };
    let ending = ending.to_lowercase();
    let is = |endings: &[&str]| endings.contains(&ending.as_str());
    if is(&CHANGES) {
        return Name::Change;
    }
    if is(&ON_ITS_WAY) {
        return Name::Passed;
    }
    if is(&WORKBOOKS) {
        return Name::Workbook;
    }
    Name::Refused(if is(&PACKED) {
        "This file is compressed or encrypted. Unpack it, and drop the CSV file inside.".to_owned()
    } else if is(&DOCUMENTS) {
        "Only CSV files are taken (.csv, .tsv or .txt). Drop the change file itself.".to_owned()
    } else if let Some(better) = change_name_in(name) {
        format!(
            "Its name does not end in .csv, .tsv or .txt, and only such files are taken. If it is a change file, rename it to \
             {better}."
        )
    } else {
        format!(
            "Files that end in .{ending} are not taken, only .csv, .tsv and .txt. If it is a change file, rename it to {}.csv.",
            stem.trim_end_matches([' ', '.'])
        )
    })
}

/// The name that a copy or a backup of a change file was made of: `quotas.csv` of `quotas.csv.bak`, `quotas.csv (1)` or
/// `quotas.csv `.
fn change_name_in(name: &str) -> Option<&str> {
    let small = name.to_ascii_lowercase();
    CHANGES.iter().find_map(|kind| {
        let ending = format!(".{kind}");
        let end = small.rfind(&ending)? + ending.len();
        let goes_on = small[end..].starts_with(|next: char| next.is_ascii_alphanumeric());
        name.get(..end).filter(|_| !goes_on)
    })
}

#[cfg(test)]
mod tests;
