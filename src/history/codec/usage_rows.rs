//! What an organization's lines say of usage alone: a report of ten thousand targets looks at a million rows.
//!
//! Plain lines are read here, cell by cell and nothing else of them, in less than a third of the time; a test compares. Whatever is odd is
//! read as every row is, which says what is wrong.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::num::ParseIntError;

use memchr::{memchr, memchr_iter};

use super::columns::{AID, COLUMNS, PERIOD_START, USAGE};
use super::commas::Commas;
use super::lines::quoted_cell_ends;
use super::reader::moment;
use crate::domain::quota::{Aid, OrgId, Organization, Place, Units, Usage};
use crate::domain::usage_rows::UsageRows;

/// Of the rows that `like` has, among lines with our columns, each without the moment of the snapshot. None where anything in them is
/// odd.
pub(super) fn of_lines(id: &OrgId, text: &[u8], like: &Organization) -> Option<UsageRows> {
    let text = str::from_utf8(text.strip_suffix(b"\n")?).ok()?;
    let has_quotes = memchr(b'"', text.as_bytes()).is_some();
    let rows = Vec::with_capacity(like.row_count());
    let wanted = like.places().map(Place::aid).peekable();
    let read = UsageRows { id: id.clone(), period_start: None, rows };
    let mut reader = Reader { wanted, read, knows_cycle: false, lines: 0, last: None };
    let mut begin = 0;
    for end in memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let row = &text[begin..end];
        if has_quotes {
            reader.add(row, quoted_cell_ends(row.as_bytes()))?;
        } else {
            reader.add(row, Commas::new(row.as_bytes()))?;
        }
        begin = end + 1;
    }
    reader.read.rows.resize(like.row_count(), None);
    Some(reader.read)
}

struct Reader<I: Iterator> {
    /// The rows that are not found yet.
    wanted: Peekable<I>,
    /// Those before them.
    read: UsageRows,
    knows_cycle: bool,
    /// How many were looked at, and the last one's.
    lines: usize,
    last: Option<Aid>,
}

impl<'a, I: Iterator<Item = Option<&'a Aid>>> Reader<I> {
    /// Takes a line over: nothing behind the id of one that is not wanted is looked at.
    fn add(&mut self, line: &str, mut commas: impl Iterator<Item = usize>) -> Option<()> {
        // The comma behind each cell but the last.
        let mut ends = [0; COLUMNS.len() - 1];
        let (until_aid, behind) = ends.split_at_mut(AID + 1);
        for end in until_aid.iter_mut() {
            *end = commas.next()?;
        }
        let aid = &line[until_aid[AID - 1] + 1..until_aid[AID]];
        let aid = (!aid.is_empty()).then(|| Aid::new(aid));
        if self.lines > 0 && self.last >= aid {
            return None; // not in our order
        }
        while let Some(wanted) = self.wanted.peek() {
            match wanted.cmp(&aid.as_ref()) {
                Ordering::Less => self.read.rows.push(None),
                Ordering::Equal => {
                    for end in behind.iter_mut() {
                        *end = commas.next()?;
                    }
                    if commas.next().is_some() {
                        return None;
                    }
                    let cell = |column: usize| &line[ends[column - 1] + 1..ends[column]];
                    let [start, end] = [cell(PERIOD_START), cell(PERIOD_START + 1)];
                    if !self.knows_cycle && (!start.is_empty() || !end.is_empty()) {
                        self.read.period_start =
                            if start.is_empty() { None } else { Some(moment(start).ok()?) };
                        self.knows_cycle = true;
                    }
                    self.read.rows.push(Some(usage(cell)?));
                    self.wanted.next();
                    break;
                }
                Ordering::Greater => break,
            }
            self.wanted.next();
        }
        (self.lines, self.last) = (self.lines + 1, aid);
        Some(())
    }
}

fn usage<'a>(cell: impl Fn(usize) -> &'a str) -> Option<Usage> {
    let units = |place: usize| units(cell(USAGE + place)).ok();
    Some(Usage {
        cloud_used: units(0)?,
        cloud_projected: units(1)?,
        enterprise_used: units(2)?,
        enterprise_projected: units(3)?,
        device_used: units(4)?,
        device_projected: units(5)?,
    })
}

/// The figure in a cell.
fn units(cell: &str) -> Result<Option<Units>, ParseIntError> {
    /// So many digits fit, whatever they are.
    const SURE: usize = 18;
    let digits = || cell.bytes().map(|byte| byte.wrapping_sub(b'0'));
    match cell.len() {
        0 => Ok(None),
        1..=SURE if digits().all(|digit| digit < 10) => {
            Ok(Some(digits().fold(0, |number, digit| number * 10 + Units::from(digit))))
        }
        _ => cell.parse().map(Some),
    }
}
