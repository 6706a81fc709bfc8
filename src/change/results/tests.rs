//! What the result files hold, and that they can be dropped again.

mod undo;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::change::fixtures::{group, own, parsed, planned, snapshot};
use crate::change::parse::parse;
use crate::change::{Problem, Verdict};
use crate::config::{Guards, Mode};
use crate::domain::quota::Snapshot;

fn world() -> Snapshot {
    let mut named = group("7", "2", Some(2000), 100, 500);
    named.account_group_name = "=EMEA · \"North\"".into();
    snapshot([
        own("7", Some(9000), 0, 0),
        group("7", "1", Some(1000), 100, 500),
        named,
        group("7", "3", None, 100, 500),
        group("7", "4", Some(1000), 100, 500),
    ])
}

const FILE: &str = "Action;Org ID;aid;New value;expected;Owner;comment;row;message\n\
    ;7;1;1100;;=Ann();launch;9;old\n\
    ;7;2;1500;2000;-12;;;\n\
    ;7;3;700;;\"Bo; \"\"B\"\"\";=why;;\n\
    unassign;7;4;;;;;;\n\
    ;7;;9000;;;;;\n\
    ;7;5;1,5;;;;;\n";

/// All that is pending was applied, and the rest is as the plan says.
fn results(plan: &Plan) -> Vec<RowResult> {
    let outcome = |row: &PlanRow| match &row.verdict {
        Verdict::Send | Verdict::Held(_) => Outcome::Applied { before: row.before, after: row.after },
        Verdict::Unchanged(why) => Outcome::Unchanged { quota: row.before, message: why.message(row.before) },
        Verdict::Refused(problem) => Outcome::Failed(problem.clone()),
    };
    plan.rows.iter().map(|row| RowResult { row: row.row, outcome: outcome(row) }).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn short_rows_below_many_columns_fill_neither_the_results_nor_the_file_of_rows_that_are_split_off() {
    let (columns, rows) = (",further".repeat(990), "1,2\n".repeat(20_000));
    let text = format!("aid,value{columns}\n{rows}");
    let file = parse(text.as_bytes(), &BTreeMap::new(), 20_000).unwrap();
    assert!(
        note(&file).unwrap().contains("leave out 490 of the 992 columns, from column 503, `further`, on")
    );
    let all = file.records.iter().map(|record| record.row).collect();
    assert_eq!(input_csv(&file, &all), text.as_bytes());
}

#[test]
fn the_files_of_a_run_as_people_open_them() {
    let file = parsed(FILE);
    let plan = planned(FILE, &world(), Mode::Row, &Guards::default());
    let results = results(&plan);
    insta::assert_snapshot!("success", text(success_csv(&file, &results)));
    insta::assert_snapshot!("error", text(error_csv(&file, &results)));
    insta::assert_snapshot!("undo", text(undo_csv(&plan, &results)));
    insta::assert_snapshot!("plan", text(plan_csv(&plan)));
}

#[test]
fn what_became_of_a_short_row_stands_below_its_headers() {
    let file = parsed("aid,value,Owner,Why\n1,5\n2,5,Ann,\n");
    assert_eq!(
        text(error_csv(&file, &[])),
        "aid,value,Owner,Why,row,code,message\n1,5,,,2,not_confirmed,its outcome is unknown.\n\
         2,5,Ann,,3,not_confirmed,its outcome is unknown.\n"
    );
}

#[test]
fn a_plan_comes_back_from_its_file() {
    for mode in [Mode::Row, Mode::Organization] {
        let mut plan = planned(FILE, &world(), mode, &Guards::default());
        let mut read = plan_from_csv(&plan_csv(&plan)).unwrap();
        for (row, read) in plan.rows.iter_mut().zip(&mut read.rows) {
            row.after = row.after.filter(|_| row.target.is_some());
            read.after = read.after.filter(|_| row.target.is_some());
        }
        assert_eq!(read, plan);
    }
}

#[test]
fn a_plan_file_that_somebody_damaged_says_where() {
    let plan = text(plan_csv(&planned(FILE, &world(), Mode::Row, &Guards::default())));
    let sentence = plan_from_csv(plan.replace("held", "perhaps").as_bytes()).unwrap_err();
    assert!(sentence.starts_with("plan.csv can't be read: `perhaps` is none of bad_row, "), "{sentence}");
    assert!(plan_from_csv(b"row,action\n2,assign\n").is_err());
}

#[test]
fn an_error_file_that_is_dropped_again_carries_the_same_columns_once() {
    let file = parsed(FILE);
    let failed = |row: usize| RowResult {
        row,
        outcome: Outcome::Failed(Problem { code: Code::Refused, message: "=no".into() }),
    };
    let all: Vec<_> = file.records.iter().map(|record| failed(record.row)).collect();
    let once = error_csv(&file, &all);
    let again = parse(&once, &BTreeMap::new(), 1000).unwrap();
    assert_eq!(again.headers, file.headers);
    let changes = |file: &ChangeFile| -> Vec<_> {
        file.records.iter().map(|record| record.change.clone().map_err(|bad| bad.whose)).collect()
    };
    assert_eq!(changes(&again), changes(&file));
    assert_eq!(error_csv(&again, &all), once);
}

#[test]
fn the_droppers_text_comes_back_without_hidden_characters_and_means_the_same() {
    let written = "action,org_id,aid,org_name,value,comment,Own\u{1b}er\n\
        assign,7,1,Ac\u{200b}me,1100,\"first\u{1b}[2J\nsecond\u{202e}\",\u{7}=1\n\
        unassign,7,4\u{200b},,,,\u{9b}31m\n";
    let file = parsed(written);
    let failed = |row: usize| RowResult {
        row,
        outcome: Outcome::Failed(Problem { code: Code::Refused, message: "no".into() }),
    };
    let all: Vec<_> = file.records.iter().map(|record| failed(record.row)).collect();
    let unchanged =
        |row: usize| RowResult { row, outcome: Outcome::Unchanged { quota: None, message: String::new() } };
    let done: Vec<_> = file.records.iter().map(|record| unchanged(record.row)).collect();
    for bytes in [error_csv(&file, &all), success_csv(&file, &done)] {
        let shown = text(bytes.clone());
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{shown:?}");
        assert!(shown.contains("first [2J\nsecond"), "{shown:?}");
        let again = parse(&bytes, &BTreeMap::new(), 1000).unwrap();
        let meant = |file: &ChangeFile| -> Vec<_> {
            let change = |record: &super::super::parse::Record| record.change.clone().unwrap();
            let cells = |record| {
                let change = change(record);
                (change.action, change.whose.org_id, change.whose.aid, change.value)
            };
            file.records.iter().map(cells).collect()
        };
        assert_eq!(meant(&again), meant(&file));
        assert_eq!(again.records.len(), 2);
    }
}

#[test]
fn an_undo_restores_what_was_where_nobody_changed_it_since() {
    let plan = planned(FILE, &world(), Mode::Row, &Guards::default());
    let undo = text(undo_csv(&plan, &results(&plan)));
    let asked = |plan: &Plan| -> BTreeMap<_, _> {
        plan.rows
            .iter()
            .filter(|row| row.is_pending())
            .map(|row| (row.target.clone().unwrap(), row.after))
            .collect()
    };
    let applied = asked(&plan);
    let live = world();
    let after = live.rows().map(|mut row| {
        row.quota = applied.get(&row.target).copied().unwrap_or(row.quota);
        row
    });
    let restored = asked(&planned(&undo, &snapshot(after), Mode::Row, &Guards::default()));
    let expected: BTreeMap<_, _> =
        applied.keys().map(|target| (target.clone(), live.row(target).unwrap().quota)).collect();
    assert_eq!(restored, expected);

    let unapplied = planned(&undo, &world(), Mode::Row, &Guards::default());
    assert!(unapplied.is_empty(), "where the quota is what it was already there is nothing to undo");
}

proptest! {
    #[test]
    fn every_input_row_stands_in_exactly_one_result_file(outcomes in prop::collection::vec(0..4_u8, 1..30)) {
        let rows: Vec<_> = (0..outcomes.len()).map(|aid| format!("{aid},5\n\n")).collect();
        let file = parsed(&format!("aid,value\n{}", rows.concat()));
        let results: Vec<_> = file.records.iter().zip(&outcomes).filter_map(|(record, outcome)| {
            let outcome = match outcome {
                0 => Outcome::Applied { before: None, after: Some(5) },
                1 => Outcome::Unchanged { quota: Some(5), message: "already 5".into() },
                2 => Outcome::Failed(Problem { code: Code::Refused, message: "no".into() }),
                _ => return None,
            };
            Some(RowResult { row: record.row, outcome })
        }).collect();
        let rows_of = |bytes: Vec<u8>| -> Vec<usize> {
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            let rows = reader.records().map(|record| record.unwrap()[2].parse().unwrap());
            rows.collect()
        };
        let mut seen = rows_of(success_csv(&file, &results));
        seen.extend(rows_of(error_csv(&file, &results)));
        seen.sort_unstable();
        let expected: Vec<_> = file.records.iter().map(|record| record.row).collect();
        prop_assert_eq!(seen, expected);
    }
}
