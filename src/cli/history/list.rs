//! `history list`: every snapshot with its rows, its size, and the quota changes that it was the first to show.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::cli::plan::Style;
use crate::cli::table::{Side, Table};
use crate::daemon::status::{bytes, zone_place};
use crate::domain::diff::{Diff, MadeBy};
use crate::history::{STEM, changes};
use crate::jobs::report_inputs::ReportInputs;
use crate::text::words::{self, counted, number};

/// The rows of so many snapshots are counted, the newest first: a history may have a hundred thousand,
const COUNTED_FILES: usize = 366;
/// and no more than these are read for it.
const COUNTED_BYTES: u64 = 256 << 20;

/// One snapshot in the list.
#[derive(Debug)]
struct Line {
    taken_at: DateTime<Utc>,
    rows: Rows,
    size: String,
    changed: String,
}

/// How many targets a snapshot shows.
#[derive(Clone, Copy, Debug)]
enum Rows {
    Counted(usize),
    /// Beyond what is counted.
    NotCounted,
    Unreadable,
}

impl Rows {
    fn text(self, write: impl Fn(usize) -> String) -> String {
        match self {
            Self::Counted(rows) => write(rows),
            Self::NotCounted => "–".to_owned(),
            Self::Unreadable => "unreadable".to_owned(),
        }
    }
}

/// One line for each snapshot, earliest first.
pub(super) fn list(inputs: &ReportInputs<'_>, style: Style, now: DateTime<Utc>) -> anyhow::Result<String> {
    let kept = inputs.history;
    let all = kept.list()?;
    let until = all.last().map_or(now, |last| now.max(*last));
    let diffs = changes::between(&inputs.config.data.dir, DateTime::UNIX_EPOCH, until)?;
    let mut budget = CountBudget { files: COUNTED_FILES, bytes: COUNTED_BYTES };
    let mut lines = Vec::with_capacity(all.len());
    for (taken_at, shown) in all.iter().zip(first_shown(&all, &diffs)).rev() {
        let size = fs_err::metadata(kept.path(*taken_at)).map(|file| file.len()).ok();
        let rows = match size {
            Some(size) if budget.take(size) => {
                kept.row_count(*taken_at).map_or(Rows::Unreadable, Rows::Counted)
            }
            _ => Rows::NotCounted,
        };
        lines.push(Line {
            taken_at: *taken_at,
            rows,
            // One that was pruned meanwhile has no size.
            size: size.map_or_else(String::new, bytes),
            changed: changes_in_words(&diffs[shown]),
        });
    }
    lines.reverse();
    Ok(table(&lines, style))
}

/// What may still be read to count rows.
struct CountBudget {
    files: usize,
    bytes: u64,
}

impl CountBudget {
    /// Whether a snapshot of this size is counted. None before it is, once one was too large.
    fn take(&mut self, size: u64) -> bool {
        let left = self.files.checked_sub(1).zip(self.bytes.checked_sub(size));
        (self.files, self.bytes) = left.unwrap_or_default();
        left.is_some()
    }
}

/// The first word of a line is the name of its file, without `.csv`. Scripts read a pipe: it has no headings, and no moment or
/// number of several words. A person gets both.
fn table(lines: &[Line], style: Style) -> String {
    let name = |line: &Line| line.taken_at.format(STEM).to_string();
    if lines.is_empty() || style.paint.is_piped() {
        let mut table =
            Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Right), ("", Side::Left)]);
        for line in lines {
            table.row([
                name(line),
                line.rows.text(|rows| rows.to_string()),
                line.size.clone(),
                line.changed.clone(),
            ]);
        }
        return table.render(0, style.paint);
    }
    let taken = format!("taken ({})", zone_place(style.zone));
    let mut table = Table::new(&[
        ("snapshot", Side::Left),
        (taken.as_str(), Side::Left),
        ("rows", Side::Right),
        ("size", Side::Right),
        ("changed", Side::Left),
    ]);
    for line in lines {
        table.row([
            name(line),
            words::moment(line.taken_at, style.zone),
            line.rows.text(number),
            line.size.clone(),
            line.changed.clone(),
        ]);
    }
    table.render(0, style.paint)
}

/// Which of the changes each snapshot was the first to show. Those of snapshots that retention removed belong to the next one that
/// is left; what was seen before the first one that is left belongs to none.
fn first_shown(all: &[DateTime<Utc>], diffs: &[Diff]) -> Vec<Range<usize>> {
    let until = |at: &DateTime<Utc>| diffs.partition_point(|diff| diff.to <= *at);
    let before_all = all.first().map_or(0, |first| diffs.partition_point(|diff| diff.to < *first));
    let ends = all.iter().map(until);
    let begins = std::iter::once(before_all).chain(all.iter().map(until));
    begins.zip(ends).map(|(begin, end)| begin..end).collect()
}

/// `3 quota changes, 1 of them outside quotakeeper`; nothing where none was seen.
fn changes_in_words(diffs: &[Diff]) -> String {
    let changes = || diffs.iter().flat_map(|diff| &diff.changes);
    let outside = changes().filter(|change| change.made_by == MadeBy::Outside).count();
    match (changes().count(), outside) {
        (0, _) => String::new(),
        (all, 0) => counted(all, "quota change"),
        (all, outside) if all == outside => format!("{} outside quotakeeper", counted(all, "quota change")),
        (all, outside) => {
            format!("{}, {} of them outside quotakeeper", counted(all, "quota change"), number(outside))
        }
    }
}

#[cfg(test)]
mod tests;
