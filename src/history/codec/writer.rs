//! Rows into the bytes of a snapshot's file.
//!
//! Written by hand, because a snapshot may have a million rows of eighteen cells: the same bytes as by the crate `csv`, which a
//! test compares, in a third of the time.

use std::convert::Infallible;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{COLUMNS, Cell};
use crate::domain::quota::{Organization, SnapshotRow};
use crate::files::csv_cell::inert;

/// So many bytes are written at a time.
const CHUNK: usize = 1 << 16;

/// Writes a snapshot's file, and says how many rows it has.
pub(crate) fn encode(
    mut out: impl Write,
    taken_at: DateTime<Utc>,
    organizations: &[Organization],
) -> io::Result<usize> {
    let mut writer = Writer::of(time(taken_at));
    let mut text = String::with_capacity(2 * CHUNK);
    text += &COLUMNS.map(|(name, _)| name).join(",");
    text.push('\n');
    let mut rows = 0;
    for organization in organizations {
        organization.for_each_row(|row| {
            rows += 1;
            writer.row(row, &mut text);
            if text.len() < CHUNK {
                return Ok(());
            }
            let written = out.write_all(text.as_bytes());
            text.clear();
            written
        })?;
    }
    out.write_all(text.as_bytes())?;
    Ok(rows)
}

/// Makes lines of rows.
pub(crate) struct Writer {
    taken_at: String,
    /// The same moment stands in many rows, one below the other.
    moments: [(Option<DateTime<Utc>>, String); COLUMNS.len()],
}

impl Writer {
    fn of(taken_at: String) -> Self {
        Self { taken_at, moments: COLUMNS.map(|_| (None, String::new())) }
    }

    /// Of lines that don't say when their snapshot was taken.
    pub(crate) fn without_time() -> Self {
        Self::of(String::new())
    }

    /// Adds the lines of an organization, and says how many there are.
    pub(super) fn organization(&mut self, organization: &Organization, text: &mut String) -> usize {
        let mut rows = 0;
        let Ok(()) = organization.for_each_row(|row| {
            rows += 1;
            self.row(row, text);
            Ok::<(), Infallible>(())
        });
        rows
    }

    fn row(&mut self, row: &mut SnapshotRow<'_>, text: &mut String) {
        for ((index, (_, cell)), moment) in COLUMNS.iter().enumerate().zip(&mut self.moments) {
            if index > 0 {
                text.push(',');
            }
            match cell {
                Cell::TakenAt => *text += &self.taken_at,
                Cell::Level => *text += row.target.level(),
                Cell::OrgId => push(text, row.target.org_id.as_str()),
                Cell::OrgName => push(text, &inert(&row.org_name)),
                Cell::Aid => push(text, row.target.aid.as_ref().map_or("", |aid| aid.as_str())),
                Cell::AccountGroupName => push(text, &inert(&row.account_group_name)),
                Cell::Units(units) => {
                    if let Some(units) = *units(row) {
                        *text += itoa::Buffer::new().format(units);
                    }
                }
                Cell::Moment(at) => {
                    if let Some(at) = *at(row) {
                        if moment.0 != Some(at) {
                            *moment = (Some(at), time(at));
                        }
                        *text += &moment.1;
                    }
                }
            }
        }
        text.push('\n');
    }
}

/// A cell, in quotes where its text needs them (RFC 4180).
pub(super) fn push(text: &mut String, cell: &str) {
    if cell.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        text.push('"');
        for part in cell.split_inclusive('"') {
            *text += part;
            if part.ends_with('"') {
                text.push('"');
            }
        }
        text.push('"');
    } else {
        *text += cell;
    }
}

fn time(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
