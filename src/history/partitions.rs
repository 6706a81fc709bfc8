//! Where the file of a moment lies, and of which moments a folder has files.
//!
//! Names are read by hand: a history of ten years has a hundred thousand, and reading their times by a format takes five times as long.

use std::fs::FileType;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, Utc};

/// How a moment becomes a file name: RFC 3339 with `-` for `:`, which no file system minds.
pub(crate) const STEM: &str = "%Y-%m-%dT%H-%M-%SZ";

/// Such a name: `d` is a digit.
const NAME: &[u8] = b"dddd-dd-ddTdd-dd-ddZ.csv";

/// `FOLDER/year=2026/month=11/2026-11-22T18-00-00Z.csv`: the partitions that Hive readers know.
pub(super) fn partition(folder: &Path, at: DateTime<Utc>) -> PathBuf {
    folder.join(at.format("year=%Y/month=%m").to_string()).join(format!("{}.csv", at.format(STEM)))
}

/// The moments of all files in a partitioned folder, earliest first.
pub(super) fn moments(folder: &Path) -> anyhow::Result<Vec<DateTime<Utc>>> {
    let mut found = Vec::new();
    for (year, months) in folders(folder, b"year=", 4)? {
        for (month, files) in folders(&months, b"month=", 2)? {
            for entry in fs_err::read_dir(&files)? {
                let entry = entry?;
                let at = moment(entry.file_name().as_encoded_bytes());
                // A copy in another partition is none of ours.
                if let Some(at) = at.filter(|at| (at.year(), at.month()) == (year.cast_signed(), month))
                    && kind(&entry)?.is_some_and(|kind| kind.is_file())
                {
                    found.push(at);
                }
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The moment whose file has this name, if one has.
fn moment(name: &[u8]) -> Option<DateTime<Utc>> {
    let is_at_place = |(letter, of_form): (&u8, &u8)| match of_form {
        b'd' => letter.is_ascii_digit(),
        other => letter == other,
    };
    if name.len() != NAME.len() || !name.iter().zip(NAME).all(is_at_place) {
        return None;
    }
    let part = |digits: Range<usize>| number(&name[digits]);
    let day = NaiveDate::from_ymd_opt(part(0..4).cast_signed(), part(5..7), part(8..10))?;
    Some(day.and_hms_opt(part(11..13), part(14..16), part(17..19))?.and_utc())
}

/// Of a few digits.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// The folders in a folder whose names are these letters and so many digits, and their numbers; none where the folder does not exist.
fn folders(folder: &Path, letters: &[u8], digits: usize) -> std::io::Result<Vec<(u32, PathBuf)>> {
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes().strip_prefix(letters);
        let name = name.filter(|name| name.len() == digits && name.iter().all(u8::is_ascii_digit));
        if let Some(name) = name
            && kind(&entry)?.is_some_and(|kind| kind.is_dir())
        {
            found.push((number(name), entry.path()));
        }
    }
    Ok(found)
}

/// What an entry is, or leads to; none where that is not there. What cannot be looked at is an error: passed over, it would
/// look like a history without it.
fn kind(entry: &fs_err::DirEntry) -> std::io::Result<Option<FileType>> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(Some(kind));
    }
    match fs_err::metadata(entry.path()) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
