//! The mail about several files of one pass.

use super::*;
use crate::report::fixtures::{context, done_summary};
use crate::report::run_report;

#[test]
fn the_mail_about_several_files_says_why_the_first_row_was_not_done() {
    let mut files = GatheredFiles::default();
    for _ in 0..2 {
        files.add(run_report(&done_summary(), None, &context()), RunState::Done);
    }
    let report = files.report(&context()).unwrap();
    let line = &report.files[0].files[0];
    let (row, why) = line.why.split_once(": ").unwrap();
    assert!(row.starts_with("Row ") && !why.is_empty(), "{}", line.why);
}

#[test]
fn one_reason_of_all_rows_is_said_of_all() {
    let mut report = run_report(&done_summary(), None, &context());
    let section = report.sections.iter_mut().find(|section| section.level > Level::Fine).unwrap();
    let mut row = section.rows[0].clone();
    row.why = vec!["not sent. Nobody approved it.".to_owned()];
    let (mut other, number) = (row.clone(), row.row.unwrap());
    other.falls_with_others = true;
    section.rows = vec![row, other];
    section.more = 0;
    report.sections.retain(|section| section.rows.len() == 2 && section.level > Level::Fine);
    assert_eq!(first_row(&report).unwrap(), "2 rows: not sent. Nobody approved it.");
    report.sections[0].rows[1].why = vec!["not sent with row 2".to_owned()];
    assert_eq!(first_row(&report).unwrap(), format!("Row {number}: not sent. Nobody approved it."));
}
