//! The bytes of a snapshot's file into rows, one by one.

use std::collections::VecDeque;
use std::io::Read;

use anyhow::Context;
use chrono::{DateTime, Utc};
use memchr::memchr_iter;

use super::lines::{Line, Lines};
use super::{AID, COLUMNS, Cell, NEEDED};
use crate::domain::quota::{Aid, Builder, OrgId, Organization, Snapshot, SnapshotRow, Target};
use crate::files::csv_cell::plain;

pub(super) const UNSORTED: &str = "its organizations are not in the order of their ids";

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
        Ok(Self::of(Rows::new(file)?))
    }

    pub(super) fn of(rows: Rows<R>) -> Self {
        Self { rows, begun: None, ended: false }
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
                    anyhow::ensure!(is_sorted, UNSORTED);
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
pub(super) struct Rows<R> {
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
    moments: Moments,
}

type Moments = [(String, Option<DateTime<Utc>>); COLUMNS.len()];

impl<R: Read> Rows<R> {
    fn new(file: R) -> anyhow::Result<Self> {
        let mut lines = Lines::new(file, 0);
        let header = header(&mut lines)?;
        Self::of(lines, &header)
    }

    /// Of the lines behind a header.
    pub(super) fn of(lines: Lines<R>, header: &csv::StringRecord) -> anyhow::Result<Self> {
        let place = |name: &str| header.iter().position(|header| header == name);
        for needed in NEEDED {
            anyhow::ensure!(place(needed).is_some(), "the column {needed} is missing");
        }
        Ok(Self::with_columns(lines, |_, name| place(name), header.len()))
    }

    /// Of lines that have our columns in our order, without a header.
    pub(super) fn ours(lines: Lines<R>) -> Self {
        Self::with_columns(lines, |index, _| Some(index), COLUMNS.len())
    }

    fn with_columns(lines: Lines<R>, place: impl Fn(usize, &str) -> Option<usize>, width: usize) -> Self {
        Self {
            lines,
            columns: std::array::from_fn(|index| place(index, COLUMNS[index].0)),
            width,
            ends: Vec::new(),
            records: VecDeque::new(),
            record: csv::StringRecord::new(),
            moments: COLUMNS.map(|_| (String::new(), None)),
        }
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<SnapshotRow<'_>>> {
        self.next_if(|_| true)
    }

    /// The next row of an account group that is wanted, or of an organization itself, which has none.
    pub(super) fn next_if(
        &mut self,
        is_wanted: impl Fn(Option<&str>) -> bool,
    ) -> anyhow::Result<Option<SnapshotRow<'_>>> {
        let is_plain = loop {
            let is_plain = match self.records.pop_front() {
                Some(record) => {
                    self.record = record;
                    false
                }
                None => match self.lines.next()? {
                    None => return Ok(None),
                    Some(Line::Plain) if self.lines.bytes().is_empty() => continue,
                    Some(Line::Plain) => {
                        self.ends.clear();
                        self.ends.extend(memchr_iter(b',', self.lines.bytes()));
                        true
                    }
                    Some(Line::Quoted) => {
                        self.records = self.lines.records()?;
                        continue;
                    }
                },
            };
            let cells = cells(is_plain, &self.lines, &self.ends, &self.record)?;
            let aid = self.columns[AID].map_or("", |place| cells.get(place));
            if is_wanted(Some(aid).filter(|aid| !aid.is_empty())) {
                break is_plain;
            }
        };
        let cells = cells(is_plain, &self.lines, &self.ends, &self.record)?;
        row(&cells, &self.columns, self.width, &mut self.moments)
            .with_context(|| format!("line {}", self.lines.number()))
            .map(Some)
    }
}

fn cells<'a, R: Read>(
    is_plain: bool,
    lines: &'a Lines<R>,
    ends: &'a [usize],
    record: &'a csv::StringRecord,
) -> anyhow::Result<Cells<'a>> {
    Ok(if is_plain { Cells::Plain { line: lines.text()?, ends } } else { Cells::Record(record) })
}

/// The cells of the first line that has any.
pub(super) fn header<R: Read>(lines: &mut Lines<R>) -> anyhow::Result<csv::StringRecord> {
    loop {
        match lines.next()? {
            Some(Line::Plain) if lines.text()?.is_empty() => {}
            Some(_) => return Ok(lines.records()?.pop_front().unwrap_or_default()),
            None => return Ok(csv::StringRecord::new()),
        }
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
    moments: &mut Moments,
) -> anyhow::Result<SnapshotRow<'a>> {
    anyhow::ensure!(cells.count() == width, "it has {} cells, and the first line {width}", cells.count());
    let mut row = SnapshotRow::new(Target::organization(""));
    let mut source = Source { cells, columns, moments };
    for_each_column!(source.read(&mut row)?);
    Ok(row)
}

/// From where the cells of a row are taken.
struct Source<'a, 'c> {
    cells: &'c Cells<'a>,
    columns: &'c [Option<usize>; COLUMNS.len()],
    moments: &'c mut Moments,
}

impl<'a> Source<'a, '_> {
    /// Takes a column that the compiler knows: what it holds is not asked a million times then.
    fn read<const COLUMN: usize>(&mut self, row: &mut SnapshotRow<'a>) -> anyhow::Result<()> {
        let (name, cell) = const { COLUMNS[COLUMN] };
        let text = self.columns[COLUMN].map_or("", |place| self.cells.get(place));
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
                *units(row) = Some(number);
            }
            Cell::Moment(at) => {
                let known = &mut self.moments[COLUMN];
                if known.1.is_none() || known.0 != text {
                    let moment = text.parse().with_context(|| format!("{name} is `{text}`, not a time"))?;
                    *known = (text.to_owned(), Some(moment));
                }
                *at(row) = known.1;
            }
        }
        Ok(())
    }
}
