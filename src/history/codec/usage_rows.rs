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
    let text = str::from_utf8(text.strip_suffix(b"\n")?).ok()?.as_bytes();
    let has_quotes = memchr(b'"', text).is_some();
    let rows = Vec::with_capacity(like.row_count());
    let wanted = like.places().map(Place::aid).peekable();
    let read = UsageRows { id: id.clone(), period_start: None, rows };
    let mut reader = Reader { wanted, read, knows_cycle: false, lines: 0, last: b"" };
    let mut begin = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let row = &text[begin..end];
        if has_quotes {
            reader.add(row, quoted_cell_ends(row))?;
        } else {
            reader.add(row, Commas::new(row))?;
        }
        begin = end + 1;
    }
    reader.read.rows.resize(like.row_count(), None);
    Some(reader.read)
}

struct Reader<'t, I: Iterator> {
    /// The rows that are not found yet.
    wanted: Peekable<I>,
    /// Those before them.
    read: UsageRows,
    knows_cycle: bool,
    /// How many were looked at, and the last one's id, which is lower than that of the next wanted one.
    lines: usize,
    last: &'t [u8],
}

impl<'t, 'a, I: Iterator<Item = Option<&'a Aid>>> Reader<'t, I> {
    /// Takes a line over: nothing behind the id of one that is not wanted is looked at.
    fn add(&mut self, line: &'t [u8], mut commas: impl Iterator<Item = usize>) -> Option<()> {
        // The comma behind each cell but the last.
        let mut ends = [0; COLUMNS.len() - 1];
        let (until_aid, behind) = ends.split_at_mut(AID + 1);
        for end in until_aid.iter_mut() {
            *end = commas.next()?;
        }
        let aid = &line[until_aid[AID - 1] + 1..until_aid[AID]];
        if self.is_next(aid) || self.is_wanted(aid)? {
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
                    if start.is_empty() { None } else { Some(moment(str::from_utf8(start).ok()?).ok()?) };
                self.knows_cycle = true;
            }
            self.read.rows.push(Some(usage(cell)?));
            self.wanted.next();
        }
        (self.lines, self.last) = (self.lines + 1, aid);
        Some(())
    }

    /// Whether it is the row that comes next, as nearly each is.
    fn is_next(&mut self, aid: &[u8]) -> bool {
        self.wanted.peek().is_some_and(|wanted| wanted.map_or(&b""[..], Aid::as_bytes) == aid)
    }

    /// The same when those before it are left out, which the snapshot does not have; none where rows are not in our order.
    fn is_wanted(&mut self, aid: &[u8]) -> Option<bool> {
        let id = |bytes| str::from_utf8(bytes).ok().filter(|id| !id.is_empty()).map(Aid::new);
        let (last, aid) = (id(self.last), id(aid));
        if self.lines > 0 && last >= aid {
            return None;
        }
        while let Some(wanted) = self.wanted.peek() {
            match wanted.cmp(&aid.as_ref()) {
                Ordering::Less => self.read.rows.push(None),
                Ordering::Equal => return Some(true),
                Ordering::Greater => break,
            }
            self.wanted.next();
        }
        Some(false)
    }
}

fn usage<'t>(cell: impl Fn(usize) -> &'t [u8]) -> Option<Usage> {
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
#[inline]
fn units(cell: &[u8]) -> Result<Option<Units>, ParseIntError> {
    /// So many digits fit, whatever they are.
    const SURE: usize = 18;
    if cell.is_empty() {
        return Ok(None);
    }
    let mut number = 0;
    for byte in cell {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || cell.len() > SURE {
            return str::from_utf8(cell).unwrap_or_default().parse().map(Some);
        }
        number = number * 10 + Units::from(digit);
    }
    Ok(Some(number))
}
