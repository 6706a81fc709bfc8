//! `history list`: every snapshot with its size and the quota changes that it was the first to show.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::cli::plan::Style;
use crate::cli::table::{Side, Table};
use crate::daemon::status::{bytes, zone_place};
use crate::domain::diff::{Diff, MadeBy};
use crate::history::{STEM, changes};
use crate::jobs::report_inputs::ReportInputs;
use crate::text::words::{self, counted, number};

/// One snapshot in the list.
#[derive(Debug)]
struct Line {
    taken_at: DateTime<Utc>,
    size: String,
    changed: String,
}

/// One line for each snapshot, earliest first. No snapshot is opened, however many there are.
pub(super) fn list(inputs: &ReportInputs<'_>, style: Style, now: DateTime<Utc>) -> anyhow::Result<String> {
    let kept = inputs.history;
    let all = kept.list()?;
    let until = all.last().map_or(now, |last| now.max(*last));
    let diffs = changes::between(&inputs.config.data.dir, DateTime::UNIX_EPOCH, until)?;
    let line = |(taken, shown): (&DateTime<Utc>, Range<usize>)| Line {
        taken_at: *taken,
        // One that was pruned meanwhile has no size.
        size: fs_err::metadata(kept.path(*taken)).map_or_else(|_| String::new(), |file| bytes(file.len())),
        changed: changes_in_words(&diffs[shown]),
    };
    let lines: Vec<Line> = all.iter().zip(first_shown(&all, &diffs)).map(line).collect();
    Ok(table(&lines, style))
}

/// The first word of a line is the name of its file, without `.csv`. Scripts read a pipe: it has no headings, and no moment of
/// several words. A person gets both.
fn table(lines: &[Line], style: Style) -> String {
    let name = |line: &Line| line.taken_at.format(STEM).to_string();
    if lines.is_empty() || style.paint.is_piped() {
        let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left)]);
        for line in lines {
            table.row([name(line), line.size.clone(), line.changed.clone()]);
        }
        return table.render(0, style.paint);
    }
    let taken = format!("taken ({})", zone_place(style.zone));
    let mut table = Table::new(&[
        ("snapshot", Side::Left),
        (taken.as_str(), Side::Left),
        ("size", Side::Right),
        ("changed", Side::Left),
    ]);
    for line in lines {
        table.row([
            name(line),
            words::moment(line.taken_at, style.zone),
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
