//! The bytes of a change file → its rows, each either a change or everything that is wrong with it.
//!
//! Spreadsheets write in many ways (`decode`, `header`, `rows`) and mangle numbers (`cells`). What can't be
//! understood for certain is refused with the fix: guessing here could switch off somebody's monitoring.

mod cells;
mod dates;
mod decode;
mod excerpt;
mod fields;
mod header;
mod model;
mod numbers;
mod percent;
mod rows;
pub(crate) mod sheet;

use std::collections::BTreeMap;

pub(super) use self::excerpt::{excerpt, trim_cell};
pub(crate) use self::fields::Fields;
use self::header::Header;
pub(crate) use self::header::{Columns, Field};
pub(super) use self::header::{ERROR, PREFIX, SUCCESS};
#[cfg(test)]
pub(crate) use self::model::BadRow;
pub(crate) use self::model::{
    Action, ChangeFile, EXPORTED, Effective, Record, RowChange, SkippedRows, TargetRef, Value,
};
use self::rows::{Row, Rows};
use crate::text::words::counted;

/// So many rows of a file with too many are looked at for what else is wrong.
const LOOKED_AT: usize = 1000;

/// So many rows say all of their mistakes in full: of hundreds of thousands, that would be a hundred megabytes of a small file.
const EXPLAINED: usize = 1000;

/// Reads a change file. `columns` are the configured headers (theirs → our field). An error is every reason, as full
/// sentences, why the file as a whole can't be used, and what else is wrong with its rows, as far as that can be known.
pub(crate) fn parse(
    bytes: &[u8],
    columns: &BTreeMap<String, String>,
    max_rows: usize,
) -> Result<ChangeFile, Vec<String>> {
    let text = decode::decode(bytes).map_err(|sentence| vec![sentence])?;
    let (delimiter, text) =
        header::separator_line(&text).unwrap_or_else(|| (header::detect_delimiter(&text, columns), &text));
    let mut comments = Comments::default();
    let mut rows = Rows::new(text, delimiter);
    let (header_row, header, mut problems) =
        read_header(&mut rows, columns, &mut comments).map_err(|sentence| vec![sentence])?;
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
    let (mut blanks, mut blanks_between) = (0, 0);
    for row in rows {
        match row {
            Ok(row) if row.is_blank() => blanks += 1,
            Ok(row) if header.is_comment(&row) => comments.add(&row),
            Err(sentence) => problems.push(sentence),
            Ok(_) if records.len() == most => break,
            Ok(row) => {
                blanks_between += std::mem::take(&mut blanks);
                records.push(record(row, &header));
            }
        }
    }
    if records.is_empty() && problems.is_empty() {
        problems.push(
            "The file has a header but no rows of data below it. Add a row for each change.".to_owned(),
        );
    }
    problems.extend(lacks_values(&header, &records));
    if problems.is_empty() {
        let Comments { count, approved, doubtful } = comments;
        let skipped = SkippedRows { comments: count, blanks: blanks_between };
        let bad = records.iter_mut().filter_map(|record| record.change.as_mut().err());
        bad.filter(|bad| bad.problems.len() > 1).skip(EXPLAINED).for_each(|bad| bad.shorten(&header.called));
        Ok(ChangeFile { headers: header.names, columns: header.called, records, approved, skipped, doubtful })
    } else {
        problems.extend(of_rows(&records));
        Err(problems)
    }
}

/// What comment rows say.
#[derive(Default)]
struct Comments {
    count: usize,
    approved: Vec<String>,
    doubtful: Vec<String>,
}

impl Comments {
    fn add(&mut self, row: &Row<'_>) {
        self.count += 1;
        match row.approves() {
            Some(Ok(plan)) => self.approved.push(plan),
            Some(Err(sentence)) => self.doubtful.push(sentence),
            None => {}
        }
    }
}

/// The header with the number of its row and what is wrong with it. An error is why there is none.
fn read_header(
    rows: &mut Rows<'_>,
    columns: &BTreeMap<String, String>,
    comments: &mut Comments,
) -> Result<(usize, Header, Vec<String>), String> {
    for row in rows {
        let row = row?;
        if row.is_blank() {
            continue;
        }
        if row.is_comment() && !header::is_header_with_sign(&row, columns) {
            comments.add(&row);
            continue;
        }
        let (header, problems) = Header::read(&row, columns);
        return Ok((row.number, header, problems));
    }
    Err("The file is empty. It needs a header row such as `action,org_id,aid,value`, and a row for each change."
        .to_owned())
}

/// A column of new quotas is missing, and a row needs it.
fn lacks_values(header: &Header, records: &[Record]) -> Option<String> {
    if header.column(Field::Value).is_some() || header.column(Field::Action).is_none() {
        return None;
    }
    let assigns =
        |record: &&Record| !matches!(&record.change, Ok(change) if change.action == Action::Unassign);
    let row = records.iter().find(assigns)?.row;
    Some(format!(
        "The column `value` (the new quota) is missing. You can leave it out only if every action is `unassign`, \
         and row {row} has another action."
    ))
}

/// Whether a file has more rows of data than are allowed.
fn has_more_rows(rows: Rows<'_>, header_row: usize, header: &Header, most: usize) -> bool {
    let is_data = |row: &Row<'_>| row.number > header_row && !row.is_blank() && !header.is_comment(row);
    rows.flatten().filter(is_data).nth(most).is_some()
}

/// What is wrong with the rows of a file that can't be used anyway, so that it can be fixed in one go.
fn of_rows(records: &[Record]) -> Vec<String> {
    const MOST: usize = 50;
    let bad = records.iter().filter_map(|record| Some((record.row, record.change.as_ref().err()?)));
    let mut problems =
        bad.flat_map(|(row, bad)| bad.problems.iter().map(move |(_, problem)| problem.of_row(row)));
    let mut listed: Vec<String> = problems.by_ref().take(MOST).collect();
    let more = problems.count();
    if more > 0 {
        listed.push(format!("And {} in the rows below.", counted(more, "more problem")));
    }
    listed
}

fn record(row: Row<'_>, header: &Header) -> Record {
    let Row { number, cells, torn } = row;
    let change = cells::change(&cells, torn.as_deref(), header);
    let carried = header.carried.iter().map_while(|index| cells.get(*index).map(|cell| &**cell));
    Record { row: number, fields: Fields::new(carried), change }
}

#[cfg(test)]
mod tests;
