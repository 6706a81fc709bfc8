//! The folders below `inbox.answers_dir`: their names, and how a set of answers gets into one.

use std::ffi::OsStr;
use std::io;

use rustix::fs::FileType;

use crate::change::answer_place::Place;
use crate::change::run::RunRecord;
use crate::config::Config;
use crate::files::folder::{Folder, is_done};
use crate::files::leftovers::is_temporary;
use crate::files::sha256;
use crate::text::words::clean;

/// What a set may consist of, beside `status.txt`.
pub(in crate::change) const FILES: [&str; 4] = ["plan.csv", "success.csv", "error.csv", "undo.csv"];
pub(in crate::change) const STATUS: &str = "status.txt";

/// What a file system takes as a name, in bytes.
const LONGEST: usize = 255;

/// The name of the folder of a run's answers: the dropped file's, with a suffix for rows that were split off; the
/// second and later ones of that name have their number.
pub(in crate::change) fn folder_name(record: &RunRecord, number: usize) -> String {
    let part = record.id.strip_prefix(record.root_id()).unwrap_or_default();
    numbered_name(&record.file, part, number)
}

pub(in crate::change) fn numbered_name(file: &str, part: &str, number: usize) -> String {
    let end = if number == 1 { part.to_owned() } else { format!("{part} ({number})") };
    safe_name(file, &end)
}

/// One that nobody can have claimed before.
pub(in crate::change) fn last_resort(record: &RunRecord) -> String {
    safe_name(&record.file, &format!(" ({})", record.id))
}

/// A name that a file system takes and a terminal shows; where that is not the file's own, a part of its hash keeps it apart.
fn safe_name(file: &str, end: &str) -> String {
    let mut shown: String = file
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| *letter == ' ' || !clean(letter.encode_utf8(&mut [0; 4]), 1).is_empty())
        .collect();
    if shown.is_empty() || shown.starts_with('.') {
        shown.insert(0, '_');
    }
    if shown == file && file.len() + end.len() <= LONGEST {
        return format!("{file}{end}");
    }
    let mark = format!("~{}", &sha256(file.as_bytes())[..8]);
    let room = LONGEST.saturating_sub(mark.len() + end.len());
    let cut = (0..=room.min(shown.len())).rev().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
    shown.truncate(cut);
    format!("{shown}{mark}{end}")
}

/// Whether a set can be put there: a link or a file that somebody put there is left alone.
pub(in crate::change) fn is_free_or_folder(answers: &Folder, name: &str) -> io::Result<bool> {
    Ok(answers.stat(OsStr::new(name))?.is_none_or(|stat| kind(&stat) == FileType::Directory))
}

fn kind(stat: &rustix::fs::Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Puts a set in place of whatever set lies in the folder of that name, whole.
pub(in crate::change) fn put(answers: &Folder, name: &str, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    let name = OsStr::new(name);
    let (new, written) = answers.temporary_folder(files);
    let placed = written.and_then(|()| answers.put_in_place(&new, name));
    // What has the temporary name now is what was replaced, or what could not be put in place.
    if placed.as_ref().map_or_else(is_done, |replaced| *replaced) {
        carry_over(answers, &new, name);
    }
    if !matches!(placed, Ok(false)) {
        let _ = clear(answers, &new); // else the next start sweeps it
    }
    placed.map(drop)
}

/// What somebody put beside the old answers stays beside the new ones.
fn carry_over(answers: &Folder, from: &OsStr, to: &OsStr) {
    let carried = answers.open_folder(from).and_then(|old| {
        let new = answers.open_folder(to)?;
        for name in old.names()?.iter().filter(|name| !is_ours(name)) {
            if new.stat(name)?.is_none() {
                old.move_to(name, &new, name)?;
            }
        }
        Ok(())
    });
    if let Err(error) = carried {
        tracing::debug!(%error, "other files beside earlier answers stay where they are");
    }
}

/// Removes the answers in a folder, `status.txt` last, and the folder unless something else is in it.
pub(in crate::change) fn clear(answers: &Folder, name: &OsStr) -> io::Result<()> {
    let folder = match answers.open_folder(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        folder => folder?,
    };
    let mut ours: Vec<_> = folder.names()?.into_iter().filter(|name| is_ours(name)).collect();
    ours.sort_by_key(|name| name == STATUS);
    for name in ours {
        folder.remove(&name)?;
    }
    let _ = answers.remove_folder(name); // somebody may have put something of their own there
    Ok(())
}

fn is_ours(name: &OsStr) -> bool {
    name == STATUS || FILES.iter().any(|file| name == *file) || is_temporary(name)
}

/// Removes what a kill left of sets that were being put in place. Before the first of this process is written, so that none is
/// too young: a whole set must not lie there under a second name until the nightly sweep of single files.
pub(in crate::change) fn sweep(config: &Config) -> anyhow::Result<()> {
    let Some(answers) = Place::configured(config).open_existing()? else { return Ok(()) };
    for name in answers.names()?.iter().filter(|name| is_temporary(name)) {
        let is_folder = answers.stat(name)?.is_some_and(|stat| kind(&stat) == FileType::Directory);
        if is_folder {
            clear(&answers, name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
