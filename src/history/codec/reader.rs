//! The bytes of a snapshot's file into rows, one by one.

use std::io::Read;

use anyhow::Context;
use chrono::{DateTime, SubsecRound, Utc};

use super::columns::{AID, COLUMNS, Cell, NEEDED, QUOTA, for_each_column};
use super::commas::Commas;
use super::lines::{Line, Lines};
use crate::domain::quota::{Aid, Builder, OrgId, Organization, Snapshot, SnapshotRow, Target, Units};
use crate::files::csv_cell::without_inert_mark;

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
        Ok(Self::from_rows(Rows::new(file)?))
    }

    pub(super) fn from_rows(rows: Rows<R>) -> Self {
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
    order: Order,
    /// Whether the row is a plain line.
    is_plain: bool,
    /// The cells of one that is none.
    record: csv::StringRecord,
    /// The last text of each column of moments, and what it means: it stands in many rows, one below the other.
    moments: Moments,
}

type Moments = [(String, Option<DateTime<Utc>>); COLUMNS.len()];

impl<R: Read> Rows<R> {
    fn new(file: R) -> anyhow::Result<Self> {
        let mut lines = Lines::of_file(file);
        let order = order(&mut lines)?;
        Ok(Self::in_order(lines, order))
    }

    /// Of lines that have our columns in our order, without a header.
    pub(super) fn with_our_columns(lines: Lines<R>) -> Self {
        Self::in_order(lines, Order::Ours)
    }

    /// Of the lines behind a header.
    pub(super) fn in_order(lines: Lines<R>, order: Order) -> Self {
        let moments = COLUMNS.map(|_| (String::new(), None));
        Self { lines, order, is_plain: true, record: csv::StringRecord::new(), moments }
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<SnapshotRow<'_>>> {
        if self.advance()? { self.row().map(Some) } else { Ok(None) }
    }

    /// Goes on to the next row; false at the end.
    pub(super) fn advance(&mut self) -> anyhow::Result<bool> {
        loop {
            match self.lines.next()? {
                None => return Ok(false),
                Some(Line::Plain) if self.lines.bytes().is_empty() => continue,
                Some(Line::Plain) => self.is_plain = true,
                Some(Line::Quoted) => {
                    self.lines.read_quoted(&mut self.record)?;
                    self.is_plain = false;
                }
            }
            return Ok(true);
        }
    }

    /// The account group of the row; none of an organization itself.
    pub(super) fn aid(&self) -> anyhow::Result<Option<&str>> {
        let record = (!self.is_plain).then_some(&self.record);
        let mut cells = [""; COLUMNS.len()];
        read_cells(&self.lines, record, &self.order, &mut cells)?;
        Ok(Some(cells[AID]).filter(|aid| !aid.is_empty()))
    }

    #[inline]
    pub(super) fn row(&mut self) -> anyhow::Result<SnapshotRow<'_>> {
        let record = (!self.is_plain).then_some(&self.record);
        let mut cells = [""; COLUMNS.len()];
        read_cells(&self.lines, record, &self.order, &mut cells)?;
        let mut row = SnapshotRow::new(Target::organization(""));
        let read = read_row(&cells, &mut self.moments, &mut row);
        read.with_context(|| format!("line {}", self.lines.number()))?;
        Ok(row)
    }
}

/// The texts of a row's cells in the order of our columns; empty where the file has no such column.
pub(super) type Cells<'a> = [&'a str; COLUMNS.len()];

/// Which of our columns stands in each column of a file.
pub(super) enum Order {
    /// All of them in our order, as in nearly all files.
    Ours,
    Other(Vec<Option<usize>>),
}

impl Order {
    fn column(&self, place: usize) -> Option<usize> {
        match self {
            Self::Ours => our_column(place),
            Self::Other(columns) => columns.get(place).copied().flatten(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Ours => COLUMNS.len(),
            Self::Other(columns) => columns.len(),
        }
    }
}

fn our_column(place: usize) -> Option<usize> {
    (place < COLUMNS.len()).then_some(place)
}

fn read_cells<'a, R: Read>(
    lines: &'a Lines<R>,
    record: Option<&'a csv::StringRecord>,
    order: &Order,
    cells: &mut Cells<'a>,
) -> anyhow::Result<()> {
    let count = if let Some(record) = record {
        let texts = record.iter().enumerate().filter_map(|(place, text)| Some((order.column(place)?, text)));
        texts.for_each(|(column, text)| cells[column] = text);
        record.len()
    } else {
        let line = lines.text()?;
        let commas = Commas::new(line.as_bytes());
        match order {
            Order::Ours => split(line, commas, our_column, cells), // each cell of a million rows passes here
            other @ Order::Other(_) => split(line, commas, |place| other.column(place), cells),
        }
    };
    let (line, width) = (lines.number(), order.width());
    anyhow::ensure!(count == width, "line {line}: it has {count} cells, and the first line {width}");
    Ok(())
}

/// Puts what stands between the commas of a line where it belongs, and says how many cells there are.
pub(super) fn split<'a>(
    line: &'a str,
    commas: impl Iterator<Item = usize>,
    column: impl Fn(usize) -> Option<usize>,
    cells: &mut Cells<'a>,
) -> usize {
    let (mut begin, mut count) = (0, 0);
    for end in commas.chain([line.len()]) {
        if let Some(column) = column(count) {
            cells[column] = &line[begin..end];
        }
        (begin, count) = (end + 1, count + 1);
    }
    count
}

/// Which of our columns stands in each column of the file, as its header says: the first line that is not empty.
pub(super) fn order<R: Read>(lines: &mut Lines<R>) -> anyhow::Result<Order> {
    let header: Vec<String> = loop {
        match lines.next()? {
            Some(Line::Plain) if lines.bytes().is_empty() => {}
            Some(Line::Plain) => break lines.text()?.split(',').map(str::to_owned).collect(),
            Some(Line::Quoted) => {
                let mut record = csv::StringRecord::new();
                lines.read_quoted(&mut record)?;
                break record.iter().map(str::to_owned).collect();
            }
            None => break Vec::new(),
        }
    };
    if header.iter().eq(COLUMNS.iter().map(|(name, _)| name)) {
        return Ok(Order::Ours);
    }
    let mut order = vec![None; header.len()];
    for (column, (name, _)) in COLUMNS.iter().enumerate() {
        match header.iter().position(|header| header == name) {
            Some(place) => order[place] = Some(column),
            None => anyhow::ensure!(!NEEDED.contains(name), "the column {name} is missing"),
        }
    }
    Ok(Order::Other(order))
}

fn read_row<'a>(cells: &Cells<'a>, moments: &mut Moments, row: &mut SnapshotRow<'a>) -> anyhow::Result<()> {
    let mut source = Source { cells, moments };
    for_each_column!(source.read(row)?);
    Ok(())
}

/// To the second, as it is written.
pub(super) fn moment(text: &str) -> chrono::ParseResult<DateTime<Utc>> {
    text.parse().map(|moment: DateTime<Utc>| moment.trunc_subsecs(0))
}

/// From where the cells of a row are taken.
struct Source<'a, 'c> {
    cells: &'c Cells<'a>,
    moments: &'c mut Moments,
}

impl<'a> Source<'a, '_> {
    /// Takes a column that the compiler knows: what it holds is not asked a million times then.
    fn read<const COLUMN: usize>(&mut self, row: &mut SnapshotRow<'a>) -> anyhow::Result<()> {
        let (name, cell) = const { COLUMNS[COLUMN] };
        let text = self.cells[COLUMN];
        match cell {
            Cell::TakenAt | Cell::Level => {}
            Cell::OrgId => {
                anyhow::ensure!(!text.is_empty(), "org_id is empty");
                row.target.org_id = OrgId::new(text);
            }
            Cell::Aid | Cell::Units(_) | Cell::Moment(_) if text.is_empty() => {}
            Cell::Aid => row.target.aid = Some(Aid::new(text)),
            Cell::OrgName => row.org_name = without_inert_mark(text),
            Cell::AccountGroupName => row.account_group_name = without_inert_mark(text),
            Cell::Units(units) => {
                let number: Units =
                    text.parse().with_context(|| format!("{name} is `{text}`, not a number"))?;
                // Never written; what is restored or compared would send it, or call it a change.
                anyhow::ensure!(
                    COLUMN != QUOTA || number >= 0,
                    "{name} is `{text}`, and no quota is below 0"
                );
                *units(row) = Some(number);
            }
            Cell::Moment(at) => {
                let known = &mut self.moments[COLUMN];
                if known.1.is_none() || known.0 != text {
                    let moment = moment(text).with_context(|| format!("{name} is `{text}`, not a time"))?;
                    *known = (text.to_owned(), Some(moment));
                }
                *at(row) = known.1;
            }
        }
        Ok(())
    }
}
