//! Rows into the bytes of a snapshot's file.
//!
//! Written by hand, because a snapshot may have a million rows of eighteen cells: the same bytes as by the crate `csv`, which a
//! test compares, in a third of the time.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{COLUMNS, Cell};
use crate::domain::quota::SnapshotRow;
use crate::files::csv_cell::inert;

/// So many bytes are written at a time.
const CHUNK: usize = 1 << 16;

/// Writes a snapshot's file, row by row, and says how many there were.
pub(crate) fn encode<'r>(
    mut out: impl Write,
    taken_at: DateTime<Utc>,
    rows: impl Iterator<Item = SnapshotRow<'r>>,
) -> io::Result<usize> {
    let taken_at = time(taken_at);
    // The same moment stands in many rows, one below the other.
    let mut moments = COLUMNS.map(|_| (None, String::new()));
    let mut text = String::with_capacity(CHUNK + (CHUNK >> 2));
    text += &COLUMNS.map(|(name, _)| name).join(",");
    text.push('\n');
    let mut count = 0;
    for mut row in rows {
        count += 1;
        for ((index, (_, cell)), moment) in COLUMNS.iter().enumerate().zip(&mut moments) {
            if index > 0 {
                text.push(',');
            }
            match cell {
                Cell::TakenAt => text += &taken_at,
                Cell::Level => text += row.target.level(),
                Cell::OrgId => push(&mut text, row.target.org_id.as_str()),
                Cell::OrgName => push(&mut text, &inert(&row.org_name)),
                Cell::Aid => push(&mut text, row.target.aid.as_ref().map_or("", |aid| aid.as_str())),
                Cell::AccountGroupName => push(&mut text, &inert(&row.account_group_name)),
                Cell::Units(units) => {
                    if let Some(units) = *units(&mut row) {
                        text += itoa::Buffer::new().format(units);
                    }
                }
                Cell::Moment(at) => {
                    if let Some(at) = *at(&mut row) {
                        if moment.0 != Some(at) {
                            *moment = (Some(at), time(at));
                        }
                        text += &moment.1;
                    }
                }
            }
        }
        text.push('\n');
        if text.len() >= CHUNK {
            out.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    out.write_all(text.as_bytes())?;
    Ok(count)
}

/// A cell, in quotes where its text needs them (RFC 4180).
fn push(text: &mut String, cell: &str) {
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
