//! What administrators ask of the history: who is over, how one target grew, and who changed its quota.

use crate::standin::{World, key};
use crate::testbed::{Bench, table};

/// A snapshot of a week ago, one of now, and between them a change by a dropped file and one by somebody else.
fn week() -> Bench {
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    bench.age_the_last_snapshot(7);
    bench.drop_file("raise.csv", "org_id,aid,value,comment\n10,101,6000,CHG-8841\n");
    bench.run(&["inbox"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "102"), Some(2_100)));
    bench.run(&["snapshot"]).ends_with(0);
    bench
}

fn names(csv: &str) -> Vec<String> {
    let rows = table(csv.as_bytes());
    rows.iter()
        .map(|row| {
            let id = if row["aid"].is_empty() { &row["org_id"] } else { &row["aid"] };
            id.clone()
        })
        .collect()
}

#[test]
fn everything_over_a_share_of_its_quota_is_one_command_worst_first() {
    let bench = week();
    let targets = |more: &[&str]| {
        let arguments = [&["targets", "--format", "csv"], more].concat();
        names(&bench.run(&arguments).ends_with(0).out)
    };
    assert_eq!(targets(&[]).len(), 10);
    assert_eq!(targets(&["--over", "90"]), ["102"], "2 000 of 2 100 are projected");
    assert_eq!(targets(&["--over", "50", "--org", "10"]), ["102", "101"]);
    assert_eq!(targets(&["--org", "contoso"]), targets(&["--org", "20"]), "an id or a name");
    assert_eq!(targets(&["--name", "*e*", "--org", "10"]), ["102", "101", "10", "103", "1004"]);
    let before = bench.run(&["targets", "--at", "2020-01-01"]).ends_with(1).log;
    assert!(before.contains("no snapshot is that old: the 2 snapshots go from"), "{before}");
}

#[test]
fn the_list_of_snapshots_says_how_many_rows_and_bytes_each_has_and_what_changed_before_it() {
    let bench = week();
    bench.run(&["snapshot"]).ends_with(0);
    let list = bench.run(&["history", "list"]).ends_with(0).out;
    let [first, second, third] = list.lines().collect::<Vec<_>>()[..] else { panic!("{list}") };
    let names = bench.snapshots();
    let files = bench.csv_files("history");
    for ((line, name), file) in [first, second, third].into_iter().zip(&names).zip(files) {
        let (written, rest) = line.split_once(' ').unwrap();
        assert_eq!(written, name);
        let rows = fs_err::read_to_string(file).unwrap().lines().count() - 1; // without the header
        assert!(rest.trim_start().starts_with(&format!("{rows}  ")), "{rows} rows: {line}");
        assert!(rest.contains(" kB") || rest.contains(" bytes"), "{line}");
    }
    assert!(!first.contains("change") && !third.contains("change"), "{list}");
    assert!(second.ends_with("2 quota changes, 1 of them outside quotakeeper"), "{list}");
}

#[test]
fn a_snapshot_of_earlier_says_how_targets_stood_then() {
    let bench = week();
    let then = bench.snapshots().remove(0);
    let quota = |at: &str| {
        let out = bench.run(&["targets", "--at", at, "--format", "json"]).ends_with(0).out;
        let said: serde_json::Value = serde_json::from_str(&out).unwrap();
        let its = said["targets"].as_array().unwrap().iter().find(|target| target["aid"] == "101").unwrap();
        its["quota"].as_i64().unwrap()
    };
    assert_eq!((quota(&then), quota("latest"), quota("now")), (5_000, 6_000, 6_000));
}

#[test]
fn one_target_over_time_says_who_changed_its_quota_and_why() {
    let bench = week();
    let rows = |target: &str| {
        table(bench.run(&["history", "of", target, "--format", "csv"]).ends_with(0).out.as_bytes())
    };
    let by_us = rows("10/101");
    assert_eq!(by_us, rows("101"), "an id that is unique needs no organization");
    assert_eq!(by_us, rows(" helpdesk "), "nor does a name");
    assert_eq!(by_us.len(), 2);
    assert_eq!((&*by_us[0]["quota"], &*by_us[0]["used"], &*by_us[0]["projected"]), ("5000", "1500", "3400"));
    assert_eq!((&*by_us[1]["quota"], &*by_us[1]["quota_before"]), ("6000", "5000"));
    assert!(by_us[1]["changed_by"].contains("of raise.csv, dropped by "), "{:?}", by_us[1]);
    assert_eq!(by_us[1]["comment"], "CHG-8841");
    let by_others = rows("102");
    assert!(by_others[1]["changed_by"].starts_with("outside quotakeeper, between "), "{:?}", by_others[1]);

    let text = bench.run(&["history", "of", "EMEA retail"]).ends_with(0).out;
    assert!(text.starts_with("EMEA retail 102 · Northwind"), "{text}");
    assert!(text.contains("8 000 → 2 100: outside quotakeeper"), "{text}");
    assert!(text.contains("\nprojected  "), "{text}");
    let since = bench.run(&["history", "of", "102", "--since", "1d", "--format", "csv"]).ends_with(0).out;
    assert_eq!(table(since.as_bytes()).len(), 1);
}

#[test]
fn a_target_that_nobody_knows_or_that_may_be_several_is_an_error_that_says_what_to_write() {
    let mut world = World::small();
    let ops = world.organizations["20"].groups["201"].clone();
    world.organizations.get_mut("10").unwrap().groups.insert("9".to_owned(), ops);
    let bench = Bench::new(world);
    let empty = bench.run(&["history", "of", "101"]).ends_with(1);
    assert!(empty.log.contains("the history is empty: `quotakeeper snapshot`"), "{}", empty.log);
    bench.run(&["snapshot"]).ends_with(0);
    let several = bench.run(&["history", "of", "Ops"]).ends_with(1).log;
    assert!(several.contains(" · Ops (10/9) and Contoso · Ops (20/201)"), "{several}");
    assert!(several.contains("use one of the ids in brackets, such as 10/9"), "{several}");
    let nobody = bench.run(&["history", "of", "10/201"]).ends_with(1).log;
    assert!(nobody.contains("no snapshot shows 10/201: `quotakeeper targets` lists"), "{nobody}");
    let mistyped = bench.run(&["history", "of", "Helpdeks"]).ends_with(1).log;
    assert!(mistyped.contains("no snapshot shows Helpdeks. Did you mean Helpdesk?"), "{mistyped}");
    for printed in ["Contoso · Ops 201", "contoso/ops", "Contoso · Ops", "20/Ops", "Ops 201"] {
        let text = bench.run(&["history", "of", printed]).ends_with(0).out;
        assert!(text.starts_with("Ops 201 · Contoso 20"), "{printed}: {text}");
    }
    let unknown = bench.run(&["targets", "--org", "Nobody"]).ends_with(1).log;
    assert!(unknown.contains("there is no organization Nobody. Known: Fabrikam 9, Northwind"), "{unknown}");
    for wrong in [&["targets", "--at", "tomorrow"][..], &["history", "of", "101", "--since", "soon"]] {
        let log = bench.run(wrong).ends_with(2).log;
        assert!(log.contains("2026-12-01"), "{log}");
    }
}

#[test]
fn a_target_missing_from_the_newest_snapshot_is_still_found_in_the_history() {
    let bench = week();
    bench.standin.world(|world| world.organizations.remove("20"));
    bench.run(&["snapshot"]).ends_with(0);
    let text = bench.run(&["history", "of", "20/201"]).ends_with(0).out;
    assert!(text.contains("not visible in this snapshot"), "{text}");
}

#[test]
fn one_customers_report_is_a_file_of_every_target_and_of_nobody_else() {
    let bench = week();
    let table_of = |arguments: &[&str]| {
        let path = bench.data().join("report.csv");
        let ran = bench.run(&[arguments, &["--out", path.to_str().unwrap()]].concat()).ends_with(0);
        assert!(ran.log.contains("report.csv"), "{}", ran.log);
        table(fs_err::read_to_string(path).unwrap().trim_start_matches('\u{feff}').as_bytes())
    };
    assert_eq!(table_of(&["report", "usage"]).len(), 10);
    let contoso = table_of(&["report", "usage", "--org", "Contoso"]);
    assert_eq!(contoso.len(), 3);
    assert!(contoso.iter().all(|row| row["org_id"] == "20"), "{contoso:?}");
    assert_eq!(table_of(&["report", "changes", "--since", "30d"]).len(), 2);
    assert_eq!(table_of(&["report", "changes", "--since", "30d", "--org", "20"]).len(), 0);

    let page = bench.data().join("report.html");
    bench
        .run(&["report", "usage", "--org", "10", "--since", "30d", "--out", page.to_str().unwrap()])
        .ends_with(0);
    let page = fs_err::read_to_string(page).unwrap();
    assert!(page.contains("Helpdesk") && !page.contains("Contoso"));
    assert!(
        page.contains("<h2>Changed since ") && !page.contains("the last report"),
        "since when it was asked"
    );
    let sent = bench.run(&["report", "usage", "--org", "10"]).ends_with(2).log;
    assert!(sent.contains("--out"), "only a file is on a part: {sent}");
}

#[test]
fn an_export_shows_what_is_used_beside_each_quota_and_a_mail_about_it_does_not() {
    let world = World::small();
    let bench = Bench::new(world).with_mail();
    let exported = |bench: &Bench| {
        let rows = table(
            bench.run(&["export", "--org", "northwind träders, \"eu\"; köln"]).ends_with(0).out.as_bytes(),
        );
        let row = rows.into_iter().find(|row| row["aid"] == "101").unwrap();
        (row["used"].clone(), row["projected"].clone())
    };
    let asks_for_usage = |bench: &Bench| bench.standin.count("GET /usage");
    assert_eq!(exported(&bench), ("1500".to_owned(), "3400".to_owned()), "without a history it is asked for");
    assert!(asks_for_usage(&bench) > 0);
    bench.run(&["snapshot"]).ends_with(0);
    let before = asks_for_usage(&bench);
    assert_eq!(exported(&bench), ("1500".to_owned(), "3400".to_owned()));
    assert_eq!(asks_for_usage(&bench), before, "a recent snapshot knows it");

    let file = bench.run(&["export", "--org", "10"]).ends_with(0).out;
    bench.drop_file("edited.csv", file.replace(",5000,5000,", ",6000,5000,"));
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(bench.posts(), 1);
    let mails = bench.delivered().join("");
    assert!(mails.contains("edited.csv") && !mails.contains("used: 1500"), "{mails}");
}

#[test]
fn a_file_that_finds_no_room_is_named_with_what_to_do() {
    let bench = week();
    let full = || fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_parts().0;
    for command in [&["export"][..], &["targets"], &["targets", "--format", "csv"], &["history", "of", "101"]]
    {
        let ran = bench.command(command).stdout(full()).output().unwrap();
        let log = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{command:?}: {log}");
        assert!(log.contains("standard output cannot be written: the disk is full"), "{command:?}: {log}");
        assert!(log.contains("make room there") && !log.contains("data.dir"), "{command:?}: {log}");
    }
    let elsewhere = tempfile::tempdir().unwrap(); // the bench reads all that lies in its own folder
    let report = elsewhere.path().join("report.csv");
    fs_err::write(&report, "of yesterday").unwrap();
    let command = bench.command(&["report", "usage", "--out", report.to_str().unwrap()]);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let log = String::from_utf8(limited.output().unwrap().stderr).unwrap();
    assert!(log.contains("report.csv cannot be written: File too large"), "{log}");
    assert!(log.contains("allow larger files: `ulimit -f`") && !log.contains("SIGHUP"), "{log}");
    assert_eq!(fs_err::read_to_string(&report).unwrap(), "of yesterday", "what was there stays");
    assert_eq!(fs_err::read_dir(elsewhere.path()).unwrap().count(), 1, "nothing unfinished is left");
}

#[test]
fn a_system_that_allows_too_few_open_files_is_said_in_one_line() {
    let bench = week();
    let answer = bench.run(&["targets"]).ends_with(0).out;
    let mut refused = 0;
    for limit in 4..20 {
        let command = bench.command(&["targets"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = limited.output().unwrap();
        let log = String::from_utf8_lossy(&ran.stderr).into_owned();
        if ran.status.code() == Some(127) {
            continue; // the program could not even be loaded
        }
        if ran.status.success() {
            // How many it needs differs between systems: with enough, the answer is whole.
            assert_eq!(String::from_utf8_lossy(&ran.stdout), answer, "{limit}: {log}");
            continue;
        }
        refused += 1;
        assert_eq!(ran.status.code(), Some(1), "{limit}: {log}");
        assert_eq!(log.lines().count(), 1, "{limit}: {log}");
        assert!(log.contains("Too many open files: allow it to open at least 64"), "{limit}: {log}");
    }
    assert!(refused > 0, "no limit was too low");
}
