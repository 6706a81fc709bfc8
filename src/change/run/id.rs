//! How runs are named, and which names are those of runs: names of files that others drop become ids nowhere else.
//!
//! `20261122T180500Z-raise-emea` is the run of a dropped file; runs that were split off from it add `.held`,
//! `.20261201T000000Z` or `.20261201T000000Z-held`. The name of a file's run holds no dot.

use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};

const TIME: &str = "%Y%m%dT%H%M%SZ";
const LONGEST_SLUG: usize = 40;
/// A run is split off from one that was split off; more than this nobody makes.
const MOST_SUFFIXES: usize = 8;

/// The run of a file that came at this second.
pub(crate) fn of_file(file: &str, at: DateTime<Utc>) -> String {
    format!("{}-{}", at.format(TIME), slug(file))
}

/// The run of the held rows of a run.
pub(crate) fn of_held(id: &str) -> String {
    format!("{id}.held")
}

/// The run of the rows of a run that wait for a moment.
pub(crate) fn of_later(id: &str, due: DateTime<Utc>, held: bool) -> String {
    format!("{id}.{}{}", due.format(TIME), if held { "-held" } else { "" })
}

/// The id of the run of the dropped file that a run belongs to.
pub(crate) fn root_of(id: &str) -> &str {
    id.split_once('.').map_or(id, |(root, _)| root)
}

/// Whether a name is one that the functions above make.
pub(crate) fn is_id(name: &str) -> bool {
    let mut parts = name.split('.');
    parts.next().is_some_and(is_id_of_file)
        && name.split('.').count() <= 1 + MOST_SUFFIXES
        && parts.all(|suffix| suffix == "held" || is_time(suffix.strip_suffix("-held").unwrap_or(suffix)))
}

/// Whether a name is one of [`of_file`].
pub(crate) fn is_id_of_file(name: &str) -> bool {
    time_of_file(name).is_some()
}

/// The second in a name of [`of_file`]; none of another name.
pub(crate) fn time_of_file(name: &str) -> Option<DateTime<Utc>> {
    let (time, slug) = name.split_once('-')?;
    time_in(time).filter(|_| is_slug(slug))
}

fn is_time(text: &str) -> bool {
    time_in(text).is_some()
}

fn time_in(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, TIME).ok()?;
    (time.format(TIME).to_string() == text).then(|| time.and_utc())
}

fn is_slug(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= LONGEST_SLUG && text.split('-').all(is_word)
}

/// The part of a file's name that fits any file system and any shell.
fn slug(file: &str) -> String {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("file");
    let mut slug = String::new();
    for character in stem.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == LONGEST_SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "file".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests;
