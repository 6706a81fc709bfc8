//! The bytes of a snapshot's file into rows, one by one.
//!
//! Nearly every line is plain: it is split at its commas, which takes half the time of a CSV parser. What has a quote goes through
//! the crate `csv`, with the lines that belong to it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::{COLUMNS, Cell, NEEDED};
use crate::domain::quota::{Aid, Builder, OrgId, Organization, Snapshot, SnapshotRow, Target};
use crate::files::csv_cell::plain;

/// The snapshot of a file, taken at the time that the file's name says.
pub(crate) fn decode(taken_at: DateTime<Utc>, file: impl Read) -> anyhow::Result<Snapshot> {
    let mut rows = Rows::new(file)?;
    let mut builder = Builder::default();
    while let Some(row) = rows.next()? {
        builder.add(row);
    }
    Ok(builder.finish(taken_at))
}

/// The organizations of a file, one after the other in the order of their ids: no more than one of them is in memory.
pub(crate) struct Organizations<R> {
    rows: Rows<R>,
    /// Of which the next rows are.
    begun: Option<Organization>,
    /// Nothing comes after the end, or after an error.
    ended: bool,
}

impl<R: Read> Organizations<R> {
    pub(crate) fn new(file: R) -> anyhow::Result<Self> {
        Ok(Self { rows: Rows::new(file)?, begun: None, ended: false })
    }

    fn read(&mut self) -> anyhow::Result<Option<Organization>> {
        while let Some(row) = self.rows.next()? {
            match &mut self.begun {
                Some(organization) if organization.id == row.target.org_id => organization.add(row),
                begun => {
                    let mut next = Organization::new(row.target.org_id.clone());
                    next.add(row);
                    let whole = begun.replace(next);
                    let is_sorted = whole.as_ref().zip(begun.as_ref()).is_none_or(|(a, b)| a.id < b.id);
                    anyhow::ensure!(is_sorted, "its organizations are not in the order of their ids");
                    if let Some(whole) = whole {
                        return Ok(Some(whole.sorted()));
                    }
                }
            }
        }
        self.ended = true;
        Ok(self.begun.take().map(Organization::sorted))
    }
}

impl<R: Read> Iterator for Organizations<R> {
    type Item = anyhow::Result<Organization>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended |= matches!(read, Some(Err(_)));
        read
    }
}

/// The rows of a file, one by one.
struct Rows<R> {
    lines: Lines<R>,
    /// In which column of the file each of ours stands.
    columns: [Option<usize>; COLUMNS.len()],
    /// How many cells every row has.
    width: usize,
    /// The cells of the line end here.
    ends: Vec<usize>,
    /// Records of lines that are not plain, which come next.
    records: VecDeque<csv::StringRecord>,
    record: csv::StringRecord,
    /// The last text of each column of moments, and what it means: it stands in many rows, one below the other.
    moments: [(String, Option<DateTime<Utc>>); COLUMNS.len()],
}

impl<R: Read> Rows<R> {
    fn new(file: R) -> anyhow::Result<Self> {
        let mut lines =
            Lines { file: BufReader::with_capacity(1 << 16, file), bytes: Vec::new(), number: 0, before: 0 };
        let header = loop {
            match lines.next()? {
                Some(Line::Plain) if lines.text()?.is_empty() => {}
                Some(_) => break lines.records()?.pop_front().unwrap_or_default(),
                None => break csv::StringRecord::new(),
            }
        };
        let place = |name: &str| header.iter().position(|header| header == name);
        for needed in NEEDED {
            anyhow::ensure!(place(needed).is_some(), "the column {needed} is missing");
        }
        Ok(Self {
            lines,
            columns: COLUMNS.map(|(name, _)| place(name)),
            width: header.len(),
            ends: Vec::new(),
            records: VecDeque::new(),
            record: csv::StringRecord::new(),
            moments: COLUMNS.map(|_| (String::new(), None)),
        })
    }

    /// The next row; none at the end.
    fn next(&mut self) -> anyhow::Result<Option<SnapshotRow<'_>>> {
        let is_plain = loop {
            if let Some(record) = self.records.pop_front() {
                self.record = record;
                break false;
            }
            match self.lines.next()? {
                None => return Ok(None),
                Some(Line::Plain) => {
                    self.ends.clear();
                    let commas = self.lines.bytes.iter().enumerate().filter(|(_, byte)| **byte == b',');
                    self.ends.extend(commas.map(|(index, _)| index));
                    if !self.lines.bytes.is_empty() {
                        break true;
                    }
                }
                Some(Line::Quoted) => self.records = self.lines.records()?,
            }
        };
        let number = self.lines.before + 1;
        let cells = if is_plain {
            Cells::Plain { line: self.lines.text()?, ends: &self.ends }
        } else {
            Cells::Record(&self.record)
        };
        row(&cells, &self.columns, self.width, &mut self.moments)
            .with_context(|| format!("line {number}"))
            .map(Some)
    }
}

enum Line {
    /// Its cells are what stands between its commas.
    Plain,
    /// It has quotes; all the lines are there that belong to it.
    Quoted,
}

struct Lines<R> {
    file: BufReader<R>,
    /// The line, without its end; with quotes all the lines of the record.
    bytes: Vec<u8>,
    number: usize,
    /// How many lines came before it.
    before: usize,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> anyhow::Result<Option<Line>> {
        self.bytes.clear();
        self.before = self.number;
        if !self.more()? {
            return Ok(None);
        }
        let is_strange = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'"' | b'\r'));
        let end = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let end = end.strip_suffix(b"\r").unwrap_or(end);
        if !is_strange(end) {
            let end = end.len();
            self.bytes.truncate(end);
            return Ok(Some(Line::Plain));
        }
        loop {
            match quotes(&self.bytes) {
                Quotes::Closed => return Ok(Some(Line::Quoted)),
                Quotes::Open => {
                    anyhow::ensure!(self.more()?, "line {}: a quote is never closed", self.before + 1);
                }
                Quotes::Astray => {
                    anyhow::bail!("line {}: a quote or a line break is astray", self.before + 1)
                }
            }
        }
    }

    fn more(&mut self) -> anyhow::Result<bool> {
        self.number += 1;
        Ok(self.file.read_until(b'\n', &mut self.bytes)? > 0)
    }

    fn text(&self) -> anyhow::Result<&str> {
        std::str::from_utf8(&self.bytes).with_context(|| format!("line {} is not UTF-8", self.before + 1))
    }

    fn records(&self) -> anyhow::Result<VecDeque<csv::StringRecord>> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&self.bytes[..]);
        let records: Result<_, _> = reader.records().collect();
        records.with_context(|| format!("line {}", self.before + 1))
    }
}

/// How the quotes of some lines stand (RFC 4180).
enum Quotes {
    /// They are whole records.
    Closed,
    /// A cell goes on in the next line.
    Open,
    /// They are as no program writes them.
    Astray,
}

fn quotes(lines: &[u8]) -> Quotes {
    let mut rest = lines;
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            rest = quoted;
            // A doubled quote is part of the cell.
            loop {
                let Some(end) = rest.iter().position(|byte| *byte == b'"') else { return Quotes::Open };
                rest = &rest[end + 1..];
                match rest.strip_prefix(b"\"") {
                    Some(inside) => rest = inside,
                    None => break,
                }
            }
        } else {
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
            rest = &rest[end.unwrap_or(rest.len())..];
        }
        rest = match rest {
            [] | b"\n" | b"\r\n" => return Quotes::Closed,
            [b',', next @ ..] => next,
            _ => return Quotes::Astray,
        };
    }
}

/// The cells of one row.
enum Cells<'a> {
    Plain { line: &'a str, ends: &'a [usize] },
    Record(&'a csv::StringRecord),
}

impl<'a> Cells<'a> {
    fn count(&self) -> usize {
        match self {
            Self::Plain { ends, .. } => ends.len() + 1,
            Self::Record(record) => record.len(),
        }
    }

    fn get(&self, index: usize) -> &'a str {
        match self {
            Self::Plain { line, ends } => {
                let start = index.checked_sub(1).map_or(Some(0), |before| Some(ends.get(before)? + 1));
                let end = ends.get(index).copied().unwrap_or(line.len());
                start.and_then(|start| line.get(start..end)).unwrap_or_default()
            }
            Self::Record(record) => record.get(index).unwrap_or_default(),
        }
    }
}

fn row<'a>(
    cells: &Cells<'a>,
    columns: &[Option<usize>; COLUMNS.len()],
    width: usize,
    moments: &mut [(String, Option<DateTime<Utc>>); COLUMNS.len()],
) -> anyhow::Result<SnapshotRow<'a>> {
    anyhow::ensure!(cells.count() == width, "it has {} cells, and the first line {width}", cells.count());
    let mut row = SnapshotRow::new(Target::organization(""));
    for (((name, cell), place), known) in COLUMNS.iter().zip(columns).zip(moments) {
        let text = place.map_or("", |place| cells.get(place));
        match cell {
            Cell::TakenAt | Cell::Level => {}
            Cell::OrgId => {
                anyhow::ensure!(!text.is_empty(), "org_id is empty");
                row.target.org_id = OrgId::new(text);
            }
            Cell::Aid | Cell::Units(_) | Cell::Moment(_) if text.is_empty() => {}
            Cell::Aid => row.target.aid = Some(Aid::new(text)),
            Cell::OrgName => row.org_name = plain(text),
            Cell::AccountGroupName => row.account_group_name = plain(text),
            Cell::Units(units) => {
                let number = text.parse().with_context(|| format!("{name} is `{text}`, not a number"))?;
                *units(&mut row) = Some(number);
            }
            Cell::Moment(at) => {
                if known.1.is_none() || known.0 != text {
                    let moment = text.parse().with_context(|| format!("{name} is `{text}`, not a time"))?;
                    *known = (text.to_owned(), Some(moment));
                }
                *at(&mut row) = known.1;
            }
        }
    }
    Ok(row)
}
