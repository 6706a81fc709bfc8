//! What an organization's lines say of usage alone: a report of ten thousand targets looks at a million rows.
//!
//! Plain lines are read here, cell by cell and nothing else of them, in a third of the time; a test compares. Whatever is odd is
//! read as every row is, which says what is wrong.

use chrono::{DateTime, Utc};
use memchr::memchr;

use super::commas::Commas;
use super::lines::quoted_cell_ends;
use super::reader::{OURS, moment, split};
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

/// Of the wanted ones among lines with our columns, each without the moment of the snapshot. None where anything in them is odd.
pub(super) fn of_lines(
    id: &OrgId,
    lines: &[u8],
    mut is_wanted: impl FnMut(Option<&Aid>) -> bool,
) -> Option<Figures> {
    let has_quotes = memchr(b'"', lines).is_some();
    let mut figures = Figures { id: id.clone(), period_start: None, rows: Vec::new() };
    let (mut knows_cycle, mut last) = (false, None);
    for line in lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        let mut cells = [""; COLUMNS.len()];
        let text = std::str::from_utf8(line).ok()?;
        let count = if has_quotes {
            split(text, quoted_cell_ends(line), &OURS, &mut cells)
        } else {
            split(text, Commas::of(line), &OURS, &mut cells)
        };
        if count != cells.len() {
            return None;
        }
        let aid = Some(cells[AID]).filter(|aid| !aid.is_empty()).map(Aid::new);
        if last.as_ref().is_some_and(|last| *last >= aid) {
            return None; // not in our order
        }
        if is_wanted(aid.as_ref()) {
            let [start, end] = [cells[PERIOD_START], cells[PERIOD_START + 1]];
            let says_cycle = !start.is_empty() || !end.is_empty();
            if says_cycle && !knows_cycle {
                figures.period_start = if start.is_empty() { None } else { Some(moment(start).ok()?) };
                knows_cycle = true;
            }
            figures.rows.push((aid.clone(), usage(&cells[USAGE..])?));
        }
        last = Some(aid);
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
