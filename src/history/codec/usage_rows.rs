//! What an organization's lines say of usage alone: a report of ten thousand targets looks at a million rows.
//!
//! Plain lines are read here, cell by cell and nothing else of them, in a third of the time; a test compares. Whatever is odd is
//! read as every row is, which says what is wrong.

use memchr::memchr;

use super::commas::Commas;
use super::lines::quoted_cell_ends;
use super::reader::{moment, split};
use super::{AID, COLUMNS, PERIOD_START, USAGE};
use crate::domain::quota::{Aid, OrgId, Units, Usage};
use crate::domain::usage_rows::UsageRows;

/// Of the wanted ones among lines with our columns, each without the moment of the snapshot. None where anything in them is odd.
pub(super) fn of_lines(
    id: &OrgId,
    lines: &[u8],
    mut is_wanted: impl FnMut(Option<&Aid>) -> bool,
) -> Option<UsageRows> {
    let has_quotes = memchr(b'"', lines).is_some();
    let mut reader = Reader {
        read: UsageRows { id: id.clone(), period_start: None, rows: Vec::new() },
        knows_cycle: false,
        lines: 0,
        last: None,
    };
    for line in lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        if has_quotes {
            reader.add(line, quoted_cell_ends(line), &mut is_wanted)?;
        } else {
            reader.add(line, Commas::of(line), &mut is_wanted)?;
        }
    }
    Some(reader.read)
}

struct Reader {
    read: UsageRows,
    knows_cycle: bool,
    /// How many were looked at, and the last one's.
    lines: usize,
    last: Option<Aid>,
}

impl Reader {
    /// Takes a line over: nothing behind the id of one that is not wanted is looked at.
    fn add(
        &mut self,
        line: &[u8],
        mut ends: impl Iterator<Item = usize>,
        is_wanted: impl FnOnce(Option<&Aid>) -> bool,
    ) -> Option<()> {
        let (aid, end) = aid(line, &mut ends)?;
        if self.lines > 0 && self.last >= aid {
            return None; // not in our order
        }
        if is_wanted(aid.as_ref()) {
            let mut cells = [""; COLUMNS.len()];
            let rest = str::from_utf8(&line[end + 1..]).ok()?;
            let ends = ends.map(|place| place - (end + 1));
            let column = |place: usize| Some(AID + 1 + place).filter(|column| *column < COLUMNS.len());
            if AID + 1 + split(rest, ends, column, &mut cells) != cells.len() {
                return None;
            }
            let [start, end] = [cells[PERIOD_START], cells[PERIOD_START + 1]];
            let says_cycle = !start.is_empty() || !end.is_empty();
            if says_cycle && !self.knows_cycle {
                self.read.period_start = if start.is_empty() { None } else { Some(moment(start).ok()?) };
                self.knows_cycle = true;
            }
            self.read.rows.push((aid.clone(), usage(&cells[USAGE..])?));
        }
        (self.lines, self.last) = (self.lines + 1, aid);
        Some(())
    }
}

/// The account group of a line, none of an organization's own, and where its cell ends. Nothing where it has no
/// such cell.
fn aid(line: &[u8], ends: &mut impl Iterator<Item = usize>) -> Option<(Option<Aid>, usize)> {
    let begin = ends.nth(AID - 1)? + 1;
    let end = ends.next()?;
    let aid = str::from_utf8(&line[begin..end]).ok()?;
    Some((Some(aid).filter(|aid| !aid.is_empty()).map(Aid::new), end))
}

fn usage(cells: &[&str]) -> Option<Usage> {
    let units = |cell: usize| -> Result<Option<Units>, std::num::ParseIntError> {
        if cells[cell].is_empty() { Ok(None) } else { cells[cell].parse().map(Some) }
    };
    Some(Usage {
        cloud_used: units(0).ok()?,
        cloud_projected: units(1).ok()?,
        enterprise_used: units(2).ok()?,
        enterprise_projected: units(3).ok()?,
        device_used: units(4).ok()?,
        device_projected: units(5).ok()?,
    })
}
