//! Which runs are known to be finished, so that nobody opens ten thousand records to find the two that are not.
//!
//! `finished_runs.csv` names them. It is a memory and no record: without it, or where it does not name a run, that run is opened. A finished
//! run does not change, so an old one misleads nobody but whoever puts back an earlier record from a backup. So it is believed for an hour
//! after all records were read; then, and when the daemon starts, all are read again.
//!
//! It lies beside the folder of the runs: inside that folder, each write of it would look as if a run had come or gone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};

use super::{Opened, Run, RunRecord, Unreadable};
use crate::change::codes::RunState;
use crate::files::{self, durable};

const FILE: &str = "finished_runs.csv";
/// Begins the first line, before the time at which all records were read.
const READ_AT: &str = "read_at,";

const BELIEVED_FOR: TimeDelta = TimeDelta::hours(1);

/// Whole seconds, rounded down.
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// To open so few records takes less time than to write down that they need not be.
const WORTH_WRITING: usize = 32;

/// Far more than what any file system rounds its times to.
const TICK: TimeDelta = TimeDelta::seconds(3);

/// What a line says, behind the inode of the run's folder. Nothing in it needs quotes.
struct Finished<'l> {
    run: &'l str,
    state: RunState,
    /// When it came to its state.
    updated: &'l str,
}

impl<'l> Finished<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut cells = line.split(',');
        let mut next = || cells.next();
        Some(Self { run: next()?, state: next()?.parse().ok()?, updated: next()? })
    }

    fn is_before(&self, time: DateTime<Utc>) -> bool {
        let updated = NaiveDateTime::parse_from_str(self.updated, TIME);
        updated.is_ok_and(|updated| updated.and_utc() < time.trunc_subsecs(0))
    }
}

/// What a listing depends on beside the records that it opens.
#[derive(Debug, PartialEq)]
struct Source {
    /// When the last folder was made or removed.
    changed: DateTime<Utc>,
    /// Which file says what is finished, and when it was written.
    finished: Option<(u64, SystemTime)>,
}

impl Source {
    fn of(runs: &Path) -> Option<Self> {
        let changed = fs_err::metadata(runs).and_then(|folder| folder.modified()).ok()?.into();
        let finished = fs_err::metadata(path(runs)).ok();
        let finished = finished.and_then(|file| Some((file.ino(), file.modified().ok()?)));
        Some(Self { changed, finished })
    }
}

/// The runs that may have something to do, or to tell, and how many others there are.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listing {
    /// Those that were opened, oldest first.
    pub runs: Vec<Run>,
    pub broken: Vec<Unreadable>,
    /// What may become a run.
    empty: Vec<String>,
    /// How many were not opened.
    left_out: BTreeMap<RunState, usize>,
    /// What it was made of, if it is sure to have seen all of that.
    source: Option<Source>,
    /// What the file says.
    text: String,
}

impl Listing {
    /// How many runs there are in each state, also of those that were not opened.
    pub(crate) fn counts(&self) -> BTreeMap<RunState, usize> {
        let mut counts = self.left_out.clone();
        for run in &self.runs {
            *counts.entry(run.record.state).or_default() += 1;
        }
        counts
    }

    fn looked_at(&self) -> impl Iterator<Item = &String> {
        let opened = self.runs.iter().map(|run| &run.record.id);
        opened.chain(self.broken.iter().map(|run| &run.id)).chain(&self.empty)
    }

    /// Writes down which runs are finished, where enough of them are not known yet, or forgets it, where that is too old. For the holder
    /// of the lock.
    pub(crate) fn remember(&self, runs: &Path, now: DateTime<Utc>) -> anyhow::Result<()> {
        if !self.text.is_empty() && !is_believed(&self.text, now) {
            return Run::forget_finished(runs);
        }
        let new: Vec<&Run> = self.runs.iter().filter(|run| run.is_finished()).collect();
        if new.len() < WORTH_WRITING {
            return Ok(());
        }
        let mut text = self.text.clone();
        if text.is_empty() {
            writeln!(text, "{READ_AT}{}", now.format(TIME))?;
        }
        for Run { folder, record: RunRecord { state, updated, .. } } in new {
            let inode = fs_err::symlink_metadata(folder)?.ino(); // as the listing shows it
            let name = folder.file_name().unwrap_or_default().display();
            writeln!(text, "{inode},{name},{state},{}", updated.format(TIME))?;
        }
        Ok(durable::stage(&path(runs), text.as_bytes())?)
    }
}

impl Run {
    /// Nothing more becomes of it: it came to its end, its mail is queued, and its answers lie where they should.
    fn is_finished(&self) -> bool {
        self.record.state.is_final() && !self.record.mail_due && !self.owes_answers()
    }

    /// The runs that may have something to do, or to tell.
    pub(crate) fn list_unfinished(runs: &Path) -> anyhow::Result<Listing> {
        Self::list_known(runs, |_| true)
    }

    /// Those, and all that came to their state after `since`. Among them may be others.
    pub(crate) fn list_since(runs: &Path, since: DateTime<Utc>) -> anyhow::Result<Listing> {
        Self::list_known(runs, |finished| finished.is_before(since))
    }

    fn list_known(runs: &Path, is_left_out: impl Fn(&Finished<'_>) -> bool) -> anyhow::Result<Listing> {
        let text = read(runs);
        let known = by_inode(&text);
        let mut left_out = BTreeMap::new();
        let Opened { runs, broken, empty } = Self::list_where(runs, |id, inode| {
            let at = known.binary_search_by_key(&inode, |(inode, _)| *inode);
            let finished = at.ok().and_then(|at| Finished::parse(known[at].1));
            let Some(finished) = finished.filter(|known| known.run == id && is_left_out(known)) else {
                return true;
            };
            *left_out.entry(finished.state).or_default() += 1;
            false
        })?;
        Ok(Listing { runs, broken, empty, left_out, source: None, text })
    }

    /// The same as [`Self::list_unfinished`] after `before`: where no folder was made or removed since, and the same is known of finished
    /// runs, only what was opened then is opened. On a share that does not say so, runs may be missing, so this is for figures and not
    /// for work.
    pub(crate) fn list_again(
        runs: &Path,
        before: Option<&Listing>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Listing> {
        let source = Source::of(runs);
        let Some(before) = before.filter(|before| source.is_some() && before.source == source) else {
            let listing = Self::list_unfinished(runs)?;
            // What is made at once after this may leave the folder's time as it is.
            let source = source.filter(|source| now - source.changed > TICK);
            return Ok(Listing { source, text: String::new(), ..listing });
        };
        let mut opened = Opened::default();
        before.looked_at().try_for_each(|id| opened.look_at(runs, id))?;
        let Opened { runs, broken, empty } = opened;
        let left_out = before.left_out.clone();
        Ok(Listing { runs, broken, empty, left_out, source, text: String::new() })
    }

    /// The next listing opens all of them. For the holder of the lock.
    pub(crate) fn forget_finished(runs: &Path) -> anyhow::Result<()> {
        Ok(durable::remove(&path(runs))?)
    }
}

fn path(runs: &Path) -> PathBuf {
    runs.with_file_name(FILE)
}

/// The rest of each line behind the inode with which it begins.
fn by_inode(text: &str) -> Vec<(u64, &str)> {
    let parts = text.lines().filter_map(|line| line.split_once(','));
    let mut lines: Vec<(u64, &str)> =
        parts.filter_map(|(inode, rest)| Some((inode.parse().ok()?, rest))).collect();
    lines.sort_unstable();
    lines
}

/// Whether all records were read lately. A clock that was set back counts as a long time.
fn is_believed(text: &str, now: DateTime<Utc>) -> bool {
    let first = text.lines().next().and_then(|line| line.strip_prefix(READ_AT));
    let read_at = first.and_then(|time| NaiveDateTime::parse_from_str(time, TIME).ok());
    read_at.is_some_and(|read_at| (now - read_at.and_utc()).abs() < BELIEVED_FOR)
}

/// The file; nothing where it cannot be read, or is another program's.
fn read(runs: &Path) -> String {
    let text = files::read(&path(runs), files::ROWS).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| text.starts_with(READ_AT)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
