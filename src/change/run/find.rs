//! Finds the run that a person names: by its id, or by as much of it as no other run has.

use std::io;
use std::path::Path;

use super::{Run, id};
use crate::text::clean::visible;
use crate::text::words::{listed, number};

/// An error lists so many runs that could be meant.
const LISTED: usize = 5;

impl Run {
    /// Opens the run that a person means by `written`: the one with this id, else the only one of a file with this name, else
    /// the only one whose id has this part. The error lists the runs that could be meant, newest first.
    pub(crate) fn find(runs: &Path, written: &str) -> anyhow::Result<Self> {
        let ids = all_ids(runs)?;
        let fitting = matching_ids(&ids, written);
        match fitting.as_slice() {
            [] => Self::open(runs, written), // which says what is wrong
            [id] => Self::open(runs, id),
            several => anyhow::bail!(
                "`{}` is part of {} runs: {}",
                visible(written),
                number(several.len()),
                listed(&several.iter().rev().map(|id| with_state(runs, id)).collect::<Vec<_>>(), LISTED)
            ),
        }
    }
}

/// The ids that `written` can mean, in the order that they have.
fn matching_ids<'i>(ids: &'i [String], written: &str) -> Vec<&'i String> {
    let all = |fits: &dyn Fn(&str) -> bool| ids.iter().filter(|id| fits(id)).collect::<Vec<_>>();
    let name_of = |id: &str| id.split_once('-').is_some_and(|(_, name)| name == written);
    let exact = all(&|id| id == written);
    let named = if exact.is_empty() { all(&name_of) } else { exact };
    if !named.is_empty() || written.is_empty() { named } else { all(&|id| id.contains(written)) }
}

/// All ids, oldest first. Whether their runs can be read is not asked.
fn all_ids(runs: &Path) -> io::Result<Vec<String>> {
    let entries = match fs_err::read_dir(runs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry?;
        let is_run = || fs_err::exists(entry.path().join("run.json")).unwrap_or(true);
        if let Some(id) = entry.file_name().to_str().filter(|name| id::is_id(name) && is_run()) {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    Ok(ids)
}

fn with_state(runs: &Path, id: &str) -> String {
    match Run::open(runs, id) {
        Ok(run) => format!("{id} ({})", run.record.state),
        Err(_) => format!("{id} (cannot be read)"),
    }
}

#[cfg(test)]
mod tests;
