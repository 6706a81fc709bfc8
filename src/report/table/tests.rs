//! Names and numbers in attached tables.

use super::*;
use crate::report::fixtures::{group, report_of};

#[test]
fn a_long_name_is_whole_in_the_table_and_cut_where_people_read() {
    let long = "Regional office ".repeat(12);
    let report = report_of(vec![group("7", &long, Some(100), 60, 130)]);
    let table = String::from_utf8(usage_table(&report)).unwrap();
    assert!(table.contains(long.trim()) && report.worst[0].name.ends_with('…'), "{table}");
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_made_inert_and_numbers_stay_numbers() {
    let report = report_of(vec![group("7", "=HYPERLINK(\"http://x\")", Some(100), 60, 130)]);
    let table = String::from_utf8(usage_table(&report)).unwrap();
    assert!(table.starts_with("\u{feff}org_id,"), "{table}");
    assert!(table.contains(",7,\"'=HYPERLINK(\"\"http://x\"\")\",100,60,130,-30,130,"), "{table}");
}
