//! Names and numbers in attached tables.

use super::*;
use crate::mail::Templates;
use crate::report::fixtures::{group, report_of};
use crate::report::{Report, words};

#[test]
fn a_long_name_is_whole_in_the_table_and_cut_where_people_read() {
    let long = "Regional office ".repeat(12);
    let report = report_of(vec![group("7", &long, Some(100), 60, 130)]);
    let table = String::from_utf8(report.attached.clone()).unwrap();
    assert!(table.contains(long.trim()) && report.worst[0].name.ends_with('…'), "{table}");
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_made_inert_and_numbers_stay_numbers() {
    let report = report_of(vec![group("7", "=HYPERLINK(\"http://x\")", Some(100), 60, 130)]);
    let table = String::from_utf8(report.attached.clone()).unwrap();
    assert!(table.starts_with("\u{feff}org_id,"), "{table}");
    assert!(table.contains(",7,\"'=HYPERLINK(\"\"http://x\"\")\",100,60,130,-30,130,"), "{table}");
}

#[test]
fn a_table_that_is_too_large_for_a_mail_ends_with_a_whole_row() {
    let rows = |most| table(["id", "name"], (0..4).map(|id| [id.to_string(), "a \"b\", c".to_owned()]), most);
    let whole = rows(usize::MAX);
    assert!(whole.is_whole && whole.rows == 4);
    for most in whole.bytes.len() - 1..=whole.bytes.len() + 1 {
        assert_eq!(rows(most).is_whole, most >= whole.bytes.len(), "{most}");
    }
    for most in "\u{feff}id,name\n".len()..whole.bytes.len() {
        let part = rows(most);
        assert!(!part.is_whole && part.bytes.len() <= most && whole.bytes.starts_with(&part.bytes));
        assert_eq!(String::from_utf8(part.bytes).unwrap().lines().count(), 1 + part.rows);
    }
}

#[test]
fn the_attached_table_has_the_worst_and_the_mail_says_how_many_of_how_many() {
    let name = "Regional office ".repeat(20);
    let rows = (0..30_000).map(|aid| group(&aid.to_string(), &name, Some(100), 60, aid));
    let report = report_of(rows.collect());
    assert!(report.attached.len() <= ATTACHED && report.attached.len() > ATTACHED - 1000);
    assert!(report.in_table > 10_000 && report.in_table < 20_000, "{}", report.in_table);
    let table = String::from_utf8(report.attached.clone()).unwrap();
    assert_eq!(table.lines().count(), 1 + report.in_table);
    assert!(table.lines().nth(1).unwrap().contains(",29999,"), "the worst first");
    let (in_table, report) = (words::number(report.in_table), Report::Usage(Box::new(report)));
    let said = format!("The worst {in_table} of 30 000 are in the attached usage.csv;");
    let (text, html) = (
        Templates::load(None).text(&report, &["usage.csv".to_owned()]).unwrap(),
        Templates::load(None).html(&report, &["usage.csv".to_owned()]).unwrap(),
    );
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&said), "{text}");
    assert!(text.contains("`quotakeeper report usage --out usage.csv` writes all."), "{text}");
    assert!(html.contains("The worst ") && html.contains("usage.csv</code> writes all."), "{html}");
}
