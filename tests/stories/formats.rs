//! Upgrades: a data folder of every released format is read by this program, and a newer one is refused with the reason.
//!
//! `tests/formats/vN` are whole data folders as the program of that format wrote them; they are copied and never changed in
//! place. Before a release that changes a format, `NEW_FORMAT=v2 cargo test --test stories formats::` writes the files of the
//! new one.

use std::path::{Path, PathBuf};

use crate::standin::{World, key};
use crate::testbed::{Bench, Run, files};

const NEWEST: &str = "v1";

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

/// The world that the files are of, and what they were written with.
fn bench() -> Bench {
    Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__GUARD__EXPIRE", "36500d")
        .with("QUOTAKEEPER__DATA__KEEP_RUNS", "36500d")
        .with("QUOTAKEEPER__DATA__KEEP_MAIL", "36500d")
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs_err::create_dir_all(copy.parent().unwrap()).unwrap();
        fs_err::copy(file, copy).unwrap();
    }
}

#[test]
fn every_released_format_is_read_and_worked_on() {
    let mut versions: Vec<PathBuf> =
        fs_err::read_dir(formats()).unwrap().map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    assert!(versions.iter().any(|path| path.ends_with(NEWEST)));
    for version in versions {
        is_read_and_worked_on(&version);
    }
}

#[test]
fn what_is_written_today_is_read_and_worked_on_years_later() {
    let folder = tempfile::tempdir().unwrap();
    write_files_of_this_format(folder.path());
    is_read_and_worked_on(folder.path());
    if let Some(version) = std::env::var_os("NEW_FORMAT") {
        let kept = formats().join(version);
        assert!(!kept.exists(), "{} is there already: nobody changes it", kept.display());
        copy(folder.path(), &kept);
    }
}

fn is_read_and_worked_on(version: &Path) {
    let bench = bench();
    copy(version, &bench.data());
    bench.standin.world(|world| world.set(&key("10", "101"), Some(6_000))); // as its runs left it
    let status = bench.run(&["status"]).ends_with(0).out;
    for part in ["held", "scheduled", "snapshot job has been failing since", "not allowed (403"] {
        assert!(status.contains(part), "{part}: {status}");
    }
    assert!(!status.contains("cannot be read") && !status.contains("newer"), "{status}");
    let runs = bench.runs();
    let of_runs: Vec<String> = runs.iter().map(Run::state).collect();
    assert_eq!(of_runs, ["done", "held", "failed", "scheduled"], "{}", version.display());
    for run in &runs {
        bench.run(&["runs", &run.id()]).ends_with(0);
    }
    let history = bench.run(&["history", "list"]).ends_with(0).out;
    let times: Vec<&str> =
        history.lines().filter_map(|line| line.split_whitespace().find(|word| word.ends_with('Z'))).collect();
    assert_eq!(times.len(), 3, "{history}");
    bench.run(&["history", "diff", times[0], times[2]]).ends_with(0);
    bench.run(&["report", "usage", "--out", bench.data().join("usage.html").to_str().unwrap()]).ends_with(0);
    let changes = bench.data().join("changes.html");
    bench.run(&["report", "changes", "--since", "36500d", "--out", changes.to_str().unwrap()]).ends_with(0);
    assert!(fs_err::read_to_string(changes).unwrap().contains("Helpdesk"));

    let sent = bench.delivered().len();
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.posts(), 0, "nothing is sent again");
    let new_mails: Vec<String> = bench.delivered().into_iter().skip(sent).collect();
    assert!(new_mails.iter().all(|mail| !mail.contains("has been failing")), "{new_mails:#?}");
    assert_eq!(bench.csv_files("history").len(), 2, "a new one, and what retention keeps of one hour");
    bench.run(&["approve", &runs[1].id()]).ends_with(0);
    assert_eq!((runs[1].state().as_str(), bench.posts()), ("done", 1));
    bench.run(&["reject", &runs[3].id()]).ends_with(0);
}

#[test]
fn an_older_program_refuses_what_a_newer_one_wrote_and_changes_nothing() {
    for (file, newer, command, code) in [
        ("state.json", "{\"version\": 99, \"jobs\": []}", "once", 1),
        // The snapshot needs no alerts.
        ("alerts.json", "{\"version\": 99}", "snapshot", 0),
        ("history/_VERSION", "99\n", "snapshot", 1),
        ("history/VERSION", "99\n", "history list", 1),
    ] {
        let bench = bench();
        copy(&formats().join(NEWEST), &bench.data());
        let path = bench.data().join(file);
        fs_err::write(&path, newer).unwrap();
        let refusal = format!(
            "{file} was written by a newer quotakeeper (format 99, this one knows 1): use that version"
        );
        let ran = bench.run(&command.split(' ').collect::<Vec<_>>()).ends_with(code);
        assert!(ran.log.contains(&refusal), "{command}: {}", ran.log);
        let status = bench.run(&["status"]).ends_with(0).out;
        assert!(status.split_whitespace().collect::<Vec<_>>().join(" ").contains(&refusal), "{status}");
        assert_eq!(fs_err::read_to_string(&path).unwrap(), newer);
        assert_eq!(bench.posts(), 0);
    }
}

#[test]
fn a_run_of_a_newer_version_is_left_alone_and_the_others_continue() {
    let bench = bench();
    copy(&formats().join(NEWEST), &bench.data());
    let held = bench.data().join("runs").join(bench.runs()[1].id()).join("run.json");
    let newer = fs_err::read_to_string(&held).unwrap().replace("\"version\": 1", "\"version\": 99");
    fs_err::write(&held, &newer).unwrap();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,102,9000\n");
    let ran = bench.run(&["inbox"]).ends_with(0);
    assert!(ran.log.contains("run.json was written by a newer quotakeeper (format 99"), "{}", ran.log);
    assert_eq!((fs_err::read_to_string(&held).unwrap(), bench.posts()), (newer, 1));
}

/// The data folder that this program leaves behind after a bit of everything, as it would be found years later.
fn write_files_of_this_format(to: &Path) {
    let bench = bench();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", "org_id,aid,value,comment\n10,101,6000,CHG-1: more\n");
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    for (name, content, code) in [
        ("tcut.csv", "org_id,aid,value\n10,101,3000\n", 5),
        ("u-bad.csv", "no header\n", 1),
        ("v-later.csv", "org_id,aid,value,effective\n10,102,9000,2199-01-01\n", 0),
    ] {
        bench.drop_file(name, content);
        let ran = bench.run(&["inbox"]);
        assert!(ran.code == Some(code) || code == 0, "{name}: {}", ran.log);
    }
    bench.run(&["once"]);
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
    bench.run(&["snapshot"]).ends_with(1);
    bench.run(&["outbox"]).ends_with(0);

    // Of a time that is past wherever the tests run; midnight may have come in between.
    let first = chrono::NaiveDate::parse_from_str(&bench.runs()[0].id()[..8], "%Y%m%d").unwrap();
    let days = [(first, 14), (first + chrono::TimeDelta::days(1), 15)];
    let past = |text: &str| {
        days.into_iter().fold(text.to_owned(), |text, (today, day)| {
            text.replace(&today.format("%Y-%m-%d").to_string(), &format!("2021-03-{day}"))
                .replace(&today.format("%Y%m%d").to_string(), &format!("202103{day}"))
                .replace(&today.format("year=%Y/month=%m").to_string(), "year=2021/month=03")
        })
    };
    for file in files(&bench.data()) {
        let name = file.strip_prefix(bench.data()).unwrap().to_str().unwrap().to_owned();
        if name == "lock" || name == "reserve" {
            continue; // of a process, and of a disk
        }
        let copy = to.join(past(&name));
        fs_err::create_dir_all(copy.parent().unwrap()).unwrap();
        fs_err::write(copy, past(&fs_err::read_to_string(&file).unwrap())).unwrap();
    }
}
