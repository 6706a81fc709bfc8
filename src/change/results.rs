//! A plan and how its rows ended → the files that people open: `plan.csv`, `success.csv`, `error.csv`, `undo.csv`.
//!
//! `success.csv` and `error.csv` keep the input's columns and hold every input row exactly once between them.
//! `error.csv` can be fixed and dropped again, `undo.csv` can be dropped to restore what was.

mod kept;
mod plan_file;

use std::collections::{BTreeSet, HashMap};

use self::kept::KeptColumns;
pub(crate) use self::plan_file::{plan_csv, plan_from_csv};
use super::parse::{ChangeFile, ERROR, Fields, PREFIX, SUCCESS, trim_cell};
use super::plan::plain_quota;
use super::propose::COLUMNS;
use crate::change::codes::Code;
use crate::change::outcome::{Outcome, RowResult};
use crate::change::plan::{Plan, PlanRow};
use crate::domain::diff::Change;
use crate::domain::quota::{Target, Units};
use crate::files::csv_cell::{inert_clean, inert_input};

/// The rows that are as they were asked to be: sent and read back (`applied`), or already so (`unchanged`); and those that
/// wait for their time (`scheduled`).
pub(crate) fn success_csv(file: &ChangeFile, results: &[RowResult]) -> Vec<u8> {
    let outcomes = by_row(results);
    let ours = own_names(&file.headers, &SUCCESS);
    lines(file, &ours, |csv| {
        for record in &file.records {
            let (status, before, after, message) = match outcomes.get(&record.row) {
                Some(Outcome::Applied { before, after }) => ("applied", before, after, ""),
                Some(Outcome::Unchanged { quota, message }) => ("unchanged", quota, quota, message.as_str()),
                Some(Outcome::Scheduled { before, after, message, .. }) => {
                    ("scheduled", before, after, message.as_str())
                }
                Some(Outcome::Failed(_)) | None => continue,
            };
            let (before, after) = (plain_quota(*before), plain_quota(*after));
            csv.push_beside_input(
                &record.fields,
                &[&record.row.to_string(), status, &before, &after, message],
            );
        }
    })
}

/// All other rows, each with its code and what to do.
pub(crate) fn error_csv(file: &ChangeFile, results: &[RowResult]) -> Vec<u8> {
    let outcomes = by_row(results);
    // A row that nobody reports on must not vanish.
    let forgotten = "its outcome is unknown.";
    let ours = own_names(&file.headers, &ERROR);
    lines(file, &ours, |csv| {
        for record in &file.records {
            let (code, message) = match outcomes.get(&record.row) {
                Some(Outcome::Failed(problem)) => (problem.code, problem.message.as_str()),
                None => (Code::NotConfirmed, forgotten),
                Some(Outcome::Applied { .. } | Outcome::Unchanged { .. } | Outcome::Scheduled { .. }) => {
                    continue;
                }
            };
            csv.push_beside_input(&record.fields, &[&record.row.to_string(), code.as_str(), message]);
        }
    })
}

/// The input's own columns, for some of its rows: the file of a run that was split off.
pub(crate) fn input_csv(file: &ChangeFile, rows: &BTreeSet<usize>) -> Vec<u8> {
    // Nothing stands behind its rows, so none is filled up.
    table(&file.headers.iter().map(|header| inert_input(header)).collect::<Vec<_>>(), |csv| {
        for record in file.records.iter().filter(|record| rows.contains(&record.row)) {
            csv.push_all(record.fields.iter().map(inert_input));
        }
    })
}

/// What whoever opens the results of a file has to know of them.
pub(crate) fn note(file: &ChangeFile) -> Option<String> {
    KeptColumns::of(file).sentence(file)
}

/// A change file that restores what the applied rows changed, as long as nobody changed it since. The ids decide, and the names
/// beside them are for people.
pub(crate) fn undo_csv(plan: &Plan, results: &[RowResult]) -> Vec<u8> {
    let outcomes = by_row(results);
    table(&COLUMNS, |csv| {
        for row in &plan.rows {
            let Some(Outcome::Applied { before, after }) = outcomes.get(&row.row) else { continue };
            let Some(target) = &row.target else { continue };
            csv.set_back(&SetBack {
                target,
                org_name: &row.org_name,
                account_group_name: &row.account_group_name,
                before: *before,
                after: *after,
                comment: &undo_comment(row),
            });
        }
    })
}

/// A change file that sets back what somebody changed outside quotakeeper, as long as nobody changed it again.
pub(crate) fn restore_csv<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<u8> {
    table(&COLUMNS, |csv| {
        for Change { target, org_name, account_group_name, before, after, .. } in changes {
            let comment = "restores a quota that was changed outside quotakeeper";
            csv.set_back(&SetBack {
                target,
                org_name,
                account_group_name,
                before: *before,
                after: *after,
                comment,
            });
        }
    })
}

fn undo_comment(row: &PlanRow) -> String {
    match row.comment.as_str() {
        "" => format!("undo of row {}", row.row),
        comment => format!("undo of row {}: {comment}", row.row),
    }
}

fn by_row(results: &[RowResult]) -> HashMap<usize, &Outcome> {
    results.iter().map(|result| (result.row, &result.outcome)).collect()
}

/// Our columns behind the input's own. A name that one of those has gets a prefix: whoever wrote it keeps it.
fn own_names(headers: &[String], ours: &[&str]) -> Vec<String> {
    let is_taken = |name: &str| headers.iter().any(|header| trim_cell(header).eq_ignore_ascii_case(name));
    let free = |name: &&str| {
        let mut name = (*name).to_owned();
        while is_taken(&name) {
            name.insert_str(0, PREFIX);
        }
        name
    };
    ours.iter().map(free).collect()
}

/// The row that gives a target the quota that it had `before`, if it still has the one of `after`.
struct SetBack<'a> {
    target: &'a Target,
    org_name: &'a str,
    account_group_name: &'a str,
    before: Option<Units>,
    after: Option<Units>,
    comment: &'a str,
}

/// Lines of a CSV that a spreadsheet shows and never runs.
struct Lines {
    csv: csv::Writer<Vec<u8>>,
    /// The columns of the input that are kept.
    kept: Vec<usize>,
}

impl Lines {
    /// The cells of the input, as they were written but inert, and ours.
    fn push_beside_input(&mut self, fields: &Fields, ours: &[&str]) {
        let kept = std::mem::take(&mut self.kept);
        let ours = ours.iter().map(|cell| inert_clean(cell).into_owned());
        self.push_all(kept.iter().map(|index| inert_input(fields.get(*index))).chain(ours));
        self.kept = kept;
    }

    fn push_all(&mut self, cells: impl Iterator<Item = String>) {
        self.csv.write_record(cells).expect("memory takes every line");
    }

    fn set_back(&mut self, row: &SetBack<'_>) {
        let SetBack { target, org_name, account_group_name, before, after, comment } = row;
        self.push(&[
            if before.is_some() { "assign" } else { "unassign" },
            target.org_id.as_str(),
            org_name,
            target.aid.as_ref().map_or("", |aid| aid.as_str()),
            account_group_name,
            &before.map_or_else(String::new, |units| units.to_string()),
            &plain_quota(*after),
            comment,
        ]);
    }

    fn push(&mut self, cells: &[&str]) {
        self.push_all(cells.iter().map(|cell| inert_clean(cell).into_owned()));
    }

    fn new(kept: Vec<usize>) -> Self {
        Self { csv: csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()), kept }
    }

    fn into_bytes(self) -> Vec<u8> {
        self.csv.into_inner().expect("memory takes every line")
    }
}

fn table(header: &[impl AsRef<str>], push_rows: impl FnOnce(&mut Lines)) -> Vec<u8> {
    let mut lines = Lines::new(Vec::new());
    lines.push_all(header.iter().map(|name| name.as_ref().to_owned()));
    push_rows(&mut lines);
    lines.into_bytes()
}

/// The columns of a change file, and ours behind them.
fn lines(file: &ChangeFile, ours: &[String], push_rows: impl FnOnce(&mut Lines)) -> Vec<u8> {
    let kept = KeptColumns::of(file).kept;
    let headers = kept.iter().map(|index| inert_input(&file.headers[*index])).chain(ours.iter().cloned());
    let header: Vec<String> = headers.collect();
    let mut lines = Lines::new(kept);
    lines.push_all(header.into_iter());
    push_rows(&mut lines);
    lines.into_bytes()
}

#[cfg(test)]
mod tests;
