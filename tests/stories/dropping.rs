//! What falls together, what comes back, and where the answers lie, for somebody who only drops files.

use std::os::unix::fs::MetadataExt;

use crate::standin::{Key, World, key};
use crate::testbed::{Bench, Run, assigns, counts, table};

/// A good row of organization 20, a good and a bad one of organization 10.
const ONE_BAD: &str = "org_id,aid,value\n20,201,4500\n10,101,6000\n10,102,many\n";

fn quota(bench: &Bench, org_id: &str, aid: &str) -> Option<i64> {
    bench.standin.world(|world| world.quota(&key(org_id, aid)))
}

#[test]
fn a_bad_row_takes_with_it_what_the_mode_says() {
    for (mode, applied, not_sent) in [("organization", 1, 1), ("file", 0, 2), ("row", 2, 0)] {
        let bench = Bench::new(World::small()).with("QUOTAKEEPER__INBOX__MODE", mode);
        bench.drop_file("a.csv", ONE_BAD);
        bench.run(&["inbox"]).ends_with(4);
        let all = [("applied", applied), ("bad_row", 1), ("not_sent", not_sent)];
        let expected = all.into_iter().filter(|(_, count)| *count > 0).map(|(word, n)| (word.to_owned(), n));
        assert_eq!(bench.only_run().counts(), expected.collect(), "{mode}");
    }
}

#[test]
fn one_doubtful_customer_does_not_block_399_others() {
    let bench = Bench::new(World { limit: 100_000, ..World::wide(400, 2) })
        .with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000");
    let targets: Vec<Key> = bench.quotas().into_keys().filter(|key| key.1.is_some()).collect();
    // One account group of the first customer goes to 0 units.
    let value = |index: usize| if index == 0 { 0 } else { 1_050 };
    bench.drop_file("all.csv", assigns(targets.iter().enumerate().map(|(index, key)| (key, value(index)))));
    bench.run(&["inbox"]).ends_with(5);
    let runs = bench.runs();
    assert_eq!(runs.iter().map(Run::state).collect::<Vec<_>>(), ["done", "held"]);
    assert_eq!(runs[0].counts(), counts([("applied", 798), ("held", 2)]));
    assert_eq!(runs[1].record()["rows"], serde_json::json!([2, 3]), "its other row waits with it");
}

#[test]
fn the_file_dropped_last_wins_among_files_that_wait_together() {
    let bench = Bench::new(World::small());
    bench.drop_file("quotas.csv", "org_id,aid,value\n10,101,6100\n");
    let changed = |name: &str| {
        let file = fs_err::metadata(bench.data().join("inbox").join(name)).unwrap();
        (file.ctime(), file.ctime_nsec())
    };
    while !bench.data().join("inbox/correction.csv").exists()
        || changed("correction.csv") <= changed("quotas.csv")
    {
        bench.drop_file("correction.csv", "org_id,aid,value\n10,101,6200\n");
    }
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(quota(&bench, "10", "101"), Some(6_200));
}

#[test]
fn the_same_file_again_under_any_name_is_recognized_and_changes_nothing() {
    let bench = Bench::new(World::small());
    let text = "org_id,aid,value\n20,201,4500\n10,101,6000\n";
    for name in ["raise.csv", "raise.csv", "renamed.csv"] {
        bench.drop_file(name, text);
        bench.run(&["inbox"]).ends_with(0);
    }
    let runs = bench.runs();
    assert_eq!((runs.len(), bench.posts()), (3, 1));
    for run in &runs[1..] {
        assert_eq!(run.counts(), counts([("unchanged", 2)]));
        let note = run.record()["notes"][0].as_str().unwrap().to_owned();
        assert!(note.contains("The same content was run before"), "{note}");
    }
}

#[test]
fn the_same_file_again_does_what_was_undone_by_somebody_since() {
    let bench = Bench::new(World::small());
    let text = "org_id,aid,value\n20,201,4500\n10,101,6000\n";
    bench.drop_file("raise.csv", text);
    bench.run(&["inbox"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(5_000)));
    bench.drop_file("raise.csv", text);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.runs()[1].counts(), counts([("applied", 1), ("unchanged", 1)]));
    assert_eq!(quota(&bench, "10", "101"), Some(6_000));
}

#[test]
fn an_expectation_that_is_out_of_date_refuses_its_row_and_an_unedited_row_is_neither_sent_nor_stale() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__INBOX__MODE", "row");
    bench.drop_file(
        "a.csv",
        "org_id,aid,value,expected_value\n10,101,6000,4999\n10,102,1,1\n20,201,4500,none\n",
    );
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.counts(), counts([("stale", 2), ("unchanged", 1)]));
    assert_eq!(bench.posts(), 0);
    let message = &run.errors()[0]["message"];
    assert!(message.contains("`4999`") && message.contains("`5000`"), "{message}");
}

#[test]
fn the_droppers_own_headers_are_understood_and_come_back_in_the_answers_folder() {
    let answers = tempfile::tempdir().unwrap();
    let bench = Bench::new(World::small())
        .with(
            "QUOTAKEEPER__INBOX__COLUMNS",
            r#"{ "Kunde" = "org_id", "Gruppe" = "aid", "Neues Limit" = "value" }"#,
        )
        .with("QUOTAKEEPER__INBOX__ANSWERS_DIR", answers.path().to_str().unwrap());
    bench.drop_file("limits.csv", "Kunde;Gruppe;Neues Limit;Ticket\n10;101;6000;CHG-1\n10;999;6000;CHG-2\n");
    bench.run(&["inbox"]).ends_with(4);
    let folder = answers.path().join("limits.csv");
    let rows = table(&fs_err::read(folder.join("error.csv")).unwrap());
    assert_eq!(rows.len(), 2, "the rows of an organization fall together");
    assert_eq!((rows[1]["Gruppe"].as_str(), rows[1]["Ticket"].as_str()), ("999", "CHG-2"));
    let status = fs_err::read_to_string(folder.join("status.txt")).unwrap();
    assert!(status.contains("Row 3"), "{status}");
    assert!(!bench.data().join("inbox/answers").exists());
}

#[test]
fn a_workbook_that_was_renamed_to_csv_gets_the_sentence_that_helps() {
    let bench = Bench::new(World::small());
    bench.drop_file("book.csv", b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml xl/workbook.xml");
    bench.run(&["inbox"]).ends_with(1);
    let run = bench.only_run();
    assert_eq!(run.state(), "failed");
    let note = run.record()["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("Excel") && note.contains("CSV UTF-8"), "{note}");
}
