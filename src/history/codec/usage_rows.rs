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
    let mut reader = Reader { wanted, read, knows_cycle: false, lines: 0, last: b"", head: b"", tail: None };
    let mut begin = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let row = &text[begin..end];
        if has_quotes {
            reader.add(row, quoted_cell_ends)?;
        } else {
            reader.add(row, Commas::new)?;
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
    /// What the last line has before its id: most begin as the one before.
    head: &'t [u8],
    /// What the last wanted line has behind its figures: most end as the one before.
    tail: Option<&'t [u8]>,
}

impl<'t, 'a, I: Iterator<Item = Option<&'a Aid>>> Reader<'t, I> {
    /// Takes a line over: nothing behind the id of one that is not wanted is looked at. `ends_of` gives the comma behind each cell but
    /// the last.
    fn add<C: Iterator<Item = usize>>(
        &mut self,
        line: &'t [u8],
        ends_of: impl Fn(&'t [u8]) -> C,
    ) -> Option<()> {
        let is_alike = !self.head.is_empty() && line.starts_with(self.head);
        let head = if is_alike { self.head.len() } else { ends_of(line).nth(AID - 1)? + 1 };
        let (head, line) = line.split_at(head);
        let mut ends = ends_of(line);
        let aid = &line[..ends.next()?];
        if self.is_next(aid) || self.is_wanted(aid)? {
            let mut begin = ends.nth(USAGE - AID - 2)? + 1;
            let mut next = || {
                let end = ends.next()?;
                let cell = &line[begin..end];
                begin = end + 1;
                units(cell).ok()
            };
            let usage = Usage {
                cloud_used: next()?,
                cloud_projected: next()?,
                enterprise_used: next()?,
                enterprise_projected: next()?,
                device_used: next()?,
                device_projected: next()?,
            };
            let tail = &line[begin..];
            if self.tail != Some(tail) {
                self.look_at_tail(tail, ends_of(tail))?;
            }
            self.read.rows.push(Some(usage));
            self.wanted.next();
        }
        (self.head, self.lines, self.last) = (head, self.lines + 1, aid);
        Some(())
    }

    /// The cells behind the figures: the cycle, and three that no report shows.
    fn look_at_tail(&mut self, tail: &'t [u8], mut ends: impl Iterator<Item = usize>) -> Option<()> {
        const { assert!(PERIOD_START == USAGE + 6, "nothing stands between them") };
        let (start, end) = (ends.next()?, ends.next()?);
        if ends.count() != COLUMNS.len() - PERIOD_START - 3 {
            return None;
        }
        let (start, end) = (&tail[..start], &tail[start + 1..end]);
        if !self.knows_cycle && (!start.is_empty() || !end.is_empty()) {
            self.read.period_start =
                if start.is_empty() { None } else { Some(moment(str::from_utf8(start).ok()?).ok()?) };
            self.knows_cycle = true;
        }
        self.tail = Some(tail);
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
