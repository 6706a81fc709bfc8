//! The bytes of a change file → its rows, each either a change or everything that is wrong with it.
//!
//! Spreadsheets write in many ways (`decode`, `header`, `rows`) and mangle numbers (`cells`). What can't be
//! understood for certain is refused with the fix: guessing here could switch off somebody's monitoring.

mod cells;
mod dates;
mod decode;
mod header;
mod numbers;
mod percent;
mod rows;
pub(crate) mod sheet;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use self::header::Header;
pub(crate) use self::header::{Columns, Field};
pub(super) use self::header::{ERROR, PREFIX, SUCCESS};
pub(crate) use self::percent::Percent;
use self::rows::{Row, Rows};
use super::{Action, Problem};
use crate::domain::quota::{Aid, OrgId, Units};
use crate::files::csv_cell;
use crate::text::clean::{clean, is_padding};
use crate::text::words::counted;

/// A change file as it was written and as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeFile {
    /// The column names as written, without those that our own results add.
    pub headers: Vec<String>,
    /// What its author calls our fields.
    pub columns: Columns,
    /// The rows of data in their order; blank rows and comments are not among them.
    pub records: Vec<Record>,
    /// The plans that comment rows approve (`# approved: SHA256`); what counts is whether `inbox.approvals` is set.
    pub approved: Vec<String>,
    /// How many rows were skipped.
    pub skipped: Skipped,
    /// A sentence for each comment row that looks meant to approve and does not.
    pub doubtful: Vec<String>,
}

impl ChangeFile {
    /// What stands in columns that are none of our fields, by row, each with its header; without empty cells.
    pub(crate) fn further(&self) -> BTreeMap<usize, Vec<(String, String)>> {
        let further = |(header, cell): (&String, &String)| {
            let (header, cell) = (trimmed(header), csv_cell::plain(trimmed(cell)).into_owned());
            let says_something = !header.is_empty() && !cell.is_empty() && !self.columns.hold(header);
            says_something.then(|| (header.to_owned(), cell))
        };
        let of = |record: &Record| -> Vec<_> {
            self.headers.iter().zip(&record.fields).filter_map(further).collect()
        };
        let rows = self.records.iter().map(|record| (record.row, of(record)));
        rows.filter(|(_, cells)| !cells.is_empty()).collect()
    }
}

/// Rows that are none of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub comments: usize,
    /// Between rows of data; not those at the end.
    pub blanks: usize,
}

impl Skipped {
    /// `1 comment and 2 blank rows were skipped.`; nothing where none was.
    pub(crate) fn sentence(self) -> Option<String> {
        let counts = [(self.comments, "comment"), (self.blanks, "blank row")];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| counted(*count, noun))
            .collect();
        let were = if self.comments + self.blanks == 1 { "was" } else { "were" };
        (!said.is_empty()).then(|| format!("{} {were} skipped.", said.join(" and ")))
    }
}

/// One row of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The row's number as a spreadsheet shows it.
    pub row: usize,
    /// The cells as written, one for each header.
    pub fields: Vec<String>,
    /// What the row asks for, or why that is not clear.
    pub change: Result<RowChange, BadRow>,
}

/// A quota that may be none: `none` in a cell.
pub(crate) type Quota = Option<Units>;

/// The new quota as a row writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Units(Units),
    /// What it is in units, only the organization's plan tells.
    OfPlan(Percent),
}

/// Whose quota a row is about, as far as it says. An empty name is none; names are as written, without blanks around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetRef {
    pub org_id: Option<OrgId>,
    pub org_name: String,
    pub aid: Option<Aid>,
    pub group_name: String,
}

/// What a row asks for. At least one id or name is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowChange {
    pub action: Action,
    pub whose: TargetRef,
    /// None for an unassign, and for an unedited row of a target without a quota.
    pub value: Option<Value>,
    /// What the editor saw: none if the row does not say, `Some(None)` for `none`.
    pub expected: Option<Quota>,
    pub comment: String,
    /// None: now.
    pub effective: Option<Effective>,
}

/// When a row is to take effect: its column `effective`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effective {
    /// From the beginning of this day, in the configured zone.
    On(NaiveDate),
    /// `next_cycle`: from the end of the organization's billing cycle.
    NextCycle,
}

/// A row that makes no change. What is known of its target stays known, so that it can refuse what it falls together with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub whose: TargetRef,
    /// Neither id was written in a way that can't be read: without this, a bad `aid` would look like none at all.
    pub ids_are_good: bool,
    /// At least one.
    pub problems: Vec<Problem>,
}

/// Reads a change file. `columns` are the configured headers (theirs → our field). An error is every reason, as full
/// sentences, why the file as a whole can't be used, and what else is wrong with its rows, as far as they can be told.
pub(crate) fn parse(
    bytes: &[u8],
    columns: &BTreeMap<String, String>,
    max_rows: usize,
) -> Result<ChangeFile, Vec<String>> {
    let text = decode::decode(bytes).map_err(|sentence| vec![sentence])?;
    let (delimiter, text) =
        header::separator_line(&text).unwrap_or_else(|| (header::detect_delimiter(&text, columns), &text));
    let (mut approved, mut doubtful, mut skipped) = (Vec::new(), Vec::new(), Skipped::default());
    let mut comment = |row: &Row| match row.approves() {
        Some(Ok(plan)) => approved.push(plan),
        Some(Err(sentence)) => doubtful.push(sentence),
        None => {}
    };
    let mut rows = Rows::new(text, delimiter);
    let (header, mut problems) = loop {
        match rows.next() {
            None => {
                return Err(vec![
                    "The file is empty. It needs a header row such as `action,org_id,aid,value`, and a row for each change."
                        .to_owned(),
                ]);
            }
            Some(Err(sentence)) => return Err(vec![sentence]),
            Some(Ok(row)) if row.is_blank() => {}
            Some(Ok(row)) if row.is_comment() && !header::is_header_with_sign(&row, columns) => {
                skipped.comments += 1;
                comment(&row);
            }
            Some(Ok(row)) => break Header::read(&row, columns),
        }
    };
    if !header.is_understood() {
        return Err(problems);
    }
    let mut records = Vec::new();
    let mut blanks = 0;
    for row in rows {
        match row {
            Ok(row) if row.is_blank() => blanks += 1,
            Ok(row) if header.is_comment(&row) => {
                skipped.comments += 1;
                comment(&row);
            }
            Err(sentence) => problems.push(sentence),
            Ok(_) if records.len() == max_rows => {
                problems.push(format!(
                    "The file has more than {max_rows} rows of data. Split it into several files, or raise \
                     inbox.max_rows."
                ));
                break;
            }
            Ok(row) => {
                skipped.blanks += std::mem::take(&mut blanks);
                records.push(record(row, &header));
            }
        }
    }
    if records.is_empty() && problems.is_empty() {
        problems.push(
            "The file has a header but no rows of data below it. Add a row for each change.".to_owned(),
        );
    }
    let assigns =
        |record: &Record| !matches!(&record.change, Ok(change) if change.action == Action::Unassign);
    if header.column(Field::Value).is_none()
        && header.column(Field::Action).is_some()
        && let Some(row) = records.iter().find(|record| assigns(record)).map(|record| record.row)
    {
        problems.push(format!(
            "The column `value` (the new quota) is missing. Only a file in which every action is `unassign` can do \
             without it, and row {row} is not one."
        ));
    }
    if problems.is_empty() {
        Ok(ChangeFile { headers: header.names, columns: header.called, records, approved, skipped, doubtful })
    } else {
        problems.extend(of_rows(&records));
        Err(problems)
    }
}

/// What is wrong with the rows of a file that can't be used anyway, so that it can be fixed in one go.
fn of_rows(records: &[Record]) -> Vec<String> {
    const MOST: usize = 50;
    let bad = records.iter().filter_map(|record| Some((record.row, record.change.as_ref().err()?)));
    let mut problems = bad.flat_map(|(row, bad)| bad.problems.iter().map(move |problem| problem.of_row(row)));
    let mut told: Vec<String> = problems.by_ref().take(MOST).collect();
    let more = problems.count();
    if more > 0 {
        told.push(format!("And {} in the rows below.", counted(more, "more problem")));
    }
    told
}

fn record(row: Row, header: &Header) -> Record {
    let Row { number, mut cells, torn } = row;
    let change = cells::change(&cells, torn.as_deref(), header);
    cells.resize(cells.len().max(header.width), String::new());
    let fields = header.carried.iter().map(|index| std::mem::take(&mut cells[*index])).collect();
    Record { row: number, fields, change }
}

/// A cell's text without the blanks around it, including those that nobody sees (no-break, zero-width, direction marks).
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_padding)
}

/// A cell's text as a message can show it: short, and with nothing hidden in it.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    clean(text, LONGEST)
}

/// At most a dozen, and how many more there are.
fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    const MOST: usize = 12;
    let more = items.len().saturating_sub(MOST);
    let list = items.take(MOST).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// A cell with text after its closing quote.
fn torn(text: &str) -> String {
    format!(
        "`{}` follows a closing quote (\"), so cells may have run together. Double the quotes inside a text, or take them \
         away.",
        shown(text)
    )
}

#[cfg(test)]
mod tests;
