//! The bytes of a change file → its rows, each either a change or everything that is wrong with it.
//!
//! Spreadsheets write in many ways (`decode`, `header`, `rows`) and mangle numbers (`cells`). What can't be
//! understood for certain is refused with the fix: guessing here could switch off somebody's monitoring.

mod cells;
mod dates;
mod decode;
mod header;
mod model;
mod numbers;
mod percent;
mod rows;
pub(crate) mod sheet;
mod shown;

use std::collections::BTreeMap;

use self::header::Header;
pub(crate) use self::header::{Columns, Field};
pub(super) use self::header::{ERROR, PREFIX, SUCCESS};
#[cfg(test)]
pub(crate) use self::model::BadRow;
pub(crate) use self::model::{
    Action, ChangeFile, EXPORTED, Effective, Record, RowChange, Skipped, TargetRef, Value,
};
use self::rows::{Row, Rows};
pub(super) use self::shown::{shown, trimmed};
use crate::text::words::counted;

/// So many rows of a file with too many are looked at for what else is wrong.
const LOOKED_AT: usize = 1000;

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
    let (header_row, (header, mut problems)) = loop {
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
            Some(Ok(row)) => break (row.number, Header::read(&row, columns)),
        }
    };
    if !header.is_understood() {
        return Err(problems);
    }
    let ends = |byte| memchr::memchr_iter(byte, text.as_bytes()).count();
    let lines = ends(b'\n').max(ends(b'\r'));
    let mut most = max_rows;
    // Counted before they are kept: the rows of a file that is far too large take many times its size.
    if lines > max_rows && has_more_rows(Rows::new(text, delimiter), header_row, &header, max_rows) {
        problems.push(format!(
            "The file has more than {max_rows} rows of data. Split it into several files, or raise inbox.max_rows."
        ));
        most = max_rows.min(LOOKED_AT);
    }
    let mut records = Vec::with_capacity(most.min(lines));
    let mut blanks = 0;
    for row in rows {
        match row {
            Ok(row) if row.is_blank() => blanks += 1,
            Ok(row) if header.is_comment(&row) => {
                skipped.comments += 1;
                comment(&row);
            }
            Err(sentence) => problems.push(sentence),
            Ok(_) if records.len() == most => break,
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

/// Whether a file has more rows of data than are allowed.
fn has_more_rows(rows: Rows<'_>, header_row: usize, header: &Header, most: usize) -> bool {
    let is_data = |row: &Row| row.number > header_row && !row.is_blank() && !header.is_comment(row);
    rows.flatten().filter(is_data).nth(most).is_some()
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

#[cfg(test)]
mod tests;
