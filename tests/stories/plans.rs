//! What `plan` shows, and what its exit codes mean to scripts.

use serde_json::Value;

use crate::standin::{Fault, World};
use crate::testbed::{Bench, Ran, assigns, table};

const RAISE: &str = "org_id,aid,value\n10,101,6000\n";
/// Below the helpdesk's 3 400 projected units.
const CUT: &str = "org_id,aid,value\n10,101,3000\n";
const TRUE_ALREADY: &str = "org_id,aid,value\n10,101,5000\n";
const BAD_AND_GOOD: &str = "org_id,aid,value\n10,101,\"6,000\"\n20,201,4500\n";

fn plan(bench: &Bench, file: &str, more: &[&str]) -> Ran {
    let path = bench.data().join("plan.csv");
    fs_err::write(&path, file).unwrap();
    let ran = bench.run(&[&["plan", path.to_str().unwrap()], more].concat());
    assert_eq!(bench.posts(), 0, "a plan sends nothing");
    ran
}

#[test]
fn without_the_detail_only_refused_rows_are_a_code_of_their_own() {
    let bench = Bench::new(World::small());
    for (file, code) in [(TRUE_ALREADY, 0), (RAISE, 0), (CUT, 0), (BAD_AND_GOOD, 4), ("no header\n", 1)] {
        plan(&bench, file, &[]).ends_with(code);
    }
}

#[test]
fn with_the_detail_changes_are_3_and_refused_rows_come_before_them() {
    let bench = Bench::new(World::small());
    for (file, code) in [(TRUE_ALREADY, 0), (RAISE, 3), (CUT, 3), (BAD_AND_GOOD, 4), ("no header\n", 1)] {
        for format in ["text", "json", "markdown"] {
            plan(&bench, file, &["--detailed-exitcode", "--format", format]).ends_with(code);
        }
    }
}

#[test]
fn the_problems_of_a_file_are_said_while_the_api_does_not_answer() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__API__TIMEOUT", "1d");
    bench.standin.at("GET /quotas", 0, Fault::Stall);
    let ran = plan(&bench, "org_id,aid,quota_limit\n10,101,6000\n", &[]).ends_with(1);
    assert!(ran.log.contains("plan.csv: "), "{}", ran.log);
}

#[test]
fn a_plan_as_a_table_lists_each_row_with_its_outcome_and_reason() {
    let bench = Bench::new(World::small());
    let rows = "org_id,aid,value\n10,101,3000\n20,201,\"4,500\"\n9,,2000\n";
    let ran = plan(&bench, rows, &["--format", "csv"]).ends_with(4);
    let said: Vec<_> = table(ran.out.as_bytes())
        .into_iter()
        .map(|row| {
            ["row", "aid", "before", "after", "verdict", "guards"].map(|name| row[name].clone()).join(" ")
        })
        .collect();
    assert_eq!(said, ["2 101 5000 3000 held below_use", "3 201 4000  bad_row ", "4  2000 2000 unchanged "]);
    let without_reason = table(ran.out.as_bytes()).into_iter().filter(|row| row["message"].is_empty());
    assert_eq!(without_reason.map(|row| row["verdict"].clone()).collect::<Vec<_>>(), [] as [&str; 0]);
}

#[test]
fn rows_that_change_nothing_are_one_line_unless_all_are_asked_for() {
    let bench = Bench::new(World::small());
    for format in ["text", "markdown"] {
        let few = plan(&bench, TRUE_ALREADY, &["--format", format]).ends_with(0).out;
        assert!(few.contains("Unchanged: 1 already so") && !few.contains("Helpdesk"), "{few}");
        let all = plan(&bench, TRUE_ALREADY, &["--format", format, "--all"]).ends_with(0).out;
        assert!(all.contains("Helpdesk 101"), "{all}");
    }
}

#[test]
fn a_plan_through_a_pipe_says_why_a_row_is_held_and_how_to_send_it_anyway() {
    let bench = Bench::new(World::small());
    let output = plan(&bench, CUT, &[]).ends_with(0).out;
    let value: Value =
        serde_json::from_str(&plan(&bench, CUT, &["--format", "json"]).ends_with(0).out).unwrap();
    let hash = value["plan_sha256"].as_str().unwrap();
    for part in ["Held: Northwind", "Helpdesk 101", "below the 3 400 projected", "-400"] {
        assert!(output.contains(part), "{part}: {output}");
    }
    assert_eq!(value["rows"][0]["reasons"][0]["guard"], "below_use");
    assert!(!output.contains("below_use"), "a code is for scripts: {output}");
    assert!(output.contains(&format!("plan.csv --approve {hash}\n")), "{output}");
    assert!(!output.contains('\u{1b}'), "{output}");
    let colours = plan(&bench, CUT, &["--color", "always"]).ends_with(0).out;
    assert!(colours.contains("\u{1b}["), "{colours}");
}

#[test]
fn ten_thousand_rows_are_planned_in_two_screens() {
    let bench = Bench::new(World::wide(50, 200));
    let quotas = bench.quotas();
    let rows = quotas.keys().filter(|key| key.1.is_some()).enumerate();
    let file = assigns(rows.map(|(index, key)| (key, if index.is_multiple_of(4) { 990 } else { 1_050 })));
    let output = plan(&bench, &file, &[]).ends_with(0).out;
    assert!(output.contains("10 000 rows would be applied in 4 requests (4 assign)"), "{output}");
    assert!(output.lines().count() < 60, "{output}");
    let value: Value =
        serde_json::from_str(&plan(&bench, &file, &["--format", "json"]).ends_with(0).out).unwrap();
    assert_eq!(value["rows"].as_array().unwrap().len(), 10_000);
    assert_eq!(value["organizations"].as_array().unwrap().len(), 50);
}

#[test]
fn a_held_run_shows_the_plan_its_full_hash_and_the_command_and_later_its_outcome() {
    let bench = Bench::new(World::small());
    bench.drop_file("cut.csv", CUT);
    bench.run(&["inbox"]).ends_with(5);
    let run = bench.only_run();
    let hash = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    let output = bench.run(&["runs", &run.id()]).ends_with(0).out;
    let command = format!("quotakeeper approve {} --plan {}", run.id(), &hash[..8]);
    for part in [
        command.as_str(),
        "Northwind",
        "40 000",
        "below the 3 400 projected",
        "Nothing was sent",
        "(guard.expire)",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
    assert!(!output.contains("below_use"), "a code is for scripts: {output}");
    let typed: Vec<&str> = command.split(' ').skip(1).collect();
    bench.run(&typed).ends_with(0);
    let output = bench.run(&["runs", &run.id()]).ends_with(0).out;
    assert!(
        output.contains("Applied · 1") && output.contains("3 000") && !output.contains("quotakeeper approve"),
        "{output}"
    );
}
