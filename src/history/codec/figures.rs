//! What an organization's lines say of usage alone: a report of ten thousand targets looks at a million rows.
//!
//! Plain lines are read here, cell by cell and nothing else of them, in a third of the time; a test compares. Whatever is odd is
//! read as every row is, which says what is wrong.

use chrono::{DateTime, Utc};
use memchr::{memchr, memchr_iter};

use super::{AID, COLUMNS, PERIOD_START, USAGE};
use crate::domain::quota::{Aid, OrgId, Organization, Place, Units, Usage};

/// What an organization and its account groups used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub id: OrgId,
    /// Start of the billing cycle that the usage belongs to.
    pub period_start: Option<DateTime<Utc>>,
    /// The organization's own row, then those of its account groups, sorted by id as numbers.
    pub rows: Vec<(Option<Aid>, Usage)>,
}

impl From<&Organization> for Figures {
    fn from(organization: &Organization) -> Self {
        let row = |place: Place<'_>| (place.aid().cloned(), place.usage());
        Self {
            id: organization.id.clone(),
            period_start: organization.period_start,
            rows: organization.places().map(row).collect(),
        }
    }
}

/// Of lines with our columns, each without the moment of the snapshot. None where anything in them is odd.
pub(super) fn of_lines(id: &OrgId, lines: &[u8]) -> Option<Figures> {
    if memchr(b'"', lines).is_some() {
        return None;
    }
    let mut figures = Figures { id: id.clone(), period_start: None, rows: Vec::new() };
    let mut knows_cycle = false;
    for line in lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        let cells = cells(std::str::from_utf8(line).ok()?)?;
        let aid = Some(cells[AID]).filter(|aid| !aid.is_empty()).map(Aid::new);
        if figures.rows.last().is_some_and(|(last, _)| *last >= aid) {
            return None; // not in our order
        }
        let [start, end] = [cells[PERIOD_START], cells[PERIOD_START + 1]];
        let says_cycle = !start.is_empty() || !end.is_empty();
        if says_cycle && !knows_cycle {
            figures.period_start = if start.is_empty() { None } else { Some(start.parse().ok()?) };
            knows_cycle = true;
        }
        figures.rows.push((aid, usage(&cells[USAGE..])?));
    }
    Some(figures)
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

/// The cells of a plain line; none where they are not as many as our columns.
fn cells(line: &str) -> Option<[&str; COLUMNS.len()]> {
    let mut cells = [""; COLUMNS.len()];
    let (mut begin, mut count) = (0, 0);
    for end in memchr_iter(b',', line.as_bytes()).chain([line.len()]) {
        *cells.get_mut(count)? = &line[begin..end];
        (begin, count) = (end + 1, count + 1);
    }
    (count == COLUMNS.len()).then_some(cells)
}
