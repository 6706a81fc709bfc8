//! Rows into the bytes of a snapshot's file.
//!
//! Written by hand, because a snapshot may have a million rows of many cells: the same bytes as by the crate `csv`, which a
//! test compares, in a third of the time.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};

use super::columns::{COLUMNS, Cell, for_each_column};
use crate::domain::quota::{Organization, SnapshotRow};
use crate::files::csv_cell::{inert, push};

/// So many bytes are written at a time.
const CHUNK: usize = 1 << 16;

/// Writes a snapshot's file, and says how many rows it has.
pub(crate) fn encode(
    mut out: impl Write,
    taken_at: DateTime<Utc>,
    organizations: &[Organization],
) -> io::Result<usize> {
    let mut writer = Writer::new(time(taken_at));
    let mut text = Vec::with_capacity(2 * CHUNK);
    text.extend_from_slice(COLUMNS.map(|(name, _)| name).join(",").as_bytes());
    text.push(b'\n');
    let mut rows = 0;
    for organization in organizations {
        organization.for_each_row(|row| {
            rows += 1;
            writer.row(row, &mut text);
            if text.len() < CHUNK {
                return Ok(());
            }
            let written = out.write_all(&text);
            text.clear();
            written
        })?;
    }
    out.write_all(&text)?;
    Ok(rows)
}

/// Makes lines of rows.
struct Writer {
    taken_at: String,
    /// The same moment stands in many rows, one below the other.
    moments: [(Option<DateTime<Utc>>, String); COLUMNS.len()],
}

impl Writer {
    fn new(taken_at: String) -> Self {
        Self { taken_at, moments: COLUMNS.map(|_| (None, String::new())) }
    }

    fn row(&mut self, row: &mut SnapshotRow<'_>, text: &mut Vec<u8>) {
        for_each_column!(self.cell(row, text));
        text.pop(); // the comma behind the last cell
        text.push(b'\n');
    }

    /// Of a column that the compiler knows: what it holds is not asked a million times then.
    fn cell<const COLUMN: usize>(&mut self, row: &mut SnapshotRow<'_>, text: &mut Vec<u8>) {
        match const { COLUMNS[COLUMN].1 } {
            Cell::TakenAt => text.extend_from_slice(self.taken_at.as_bytes()),
            Cell::Level => text.extend_from_slice(row.target.level().as_bytes()),
            Cell::OrgId => push(text, row.target.org_id.as_bytes()),
            Cell::OrgName => push(text, inert(&row.org_name).as_bytes()),
            Cell::Aid => push(text, row.target.aid.as_ref().map_or(b"", |aid| aid.as_bytes())),
            Cell::AccountGroupName => push(text, inert(&row.account_group_name).as_bytes()),
            Cell::Units(units) => {
                if let Some(units) = *units(row) {
                    text.extend_from_slice(itoa::Buffer::new().format(units).as_bytes());
                }
            }
            Cell::Moment(at) => {
                if let Some(at) = *at(row) {
                    let moment = &mut self.moments[COLUMN];
                    if moment.0 != Some(at) {
                        *moment = (Some(at), time(at));
                    }
                    text.extend_from_slice(moment.1.as_bytes());
                }
            }
        }
        text.push(b',');
    }
}

fn time(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
