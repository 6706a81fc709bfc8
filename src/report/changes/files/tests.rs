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
