//! The real binary is killed, or its disk fails, at one system call after the other; a normal run afterwards must end as if
//! nothing had happened. `strace` injects both; without it the tests are skipped.

use std::process::{Command, Stdio};

use chrono::Utc;
use testkit::binary;

use crate::support::{CountingProxy, Place, Ran, Simulator, files};

/// Lets `strace` stop the calls alone that it traces: to stop all takes most of the time. A signal that is injected is lost then.
pub(crate) const STOP_TRACED_ALONE: &str = "--seccomp-bpf";

pub(crate) fn strace_works() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: strace is absent or not allowed here");
    }
    works
}

/// The command with a fault at the nth call of these (`7+`: and at all later ones); and whether it came to that call.
fn with_fault(
    place: &Place,
    calls: &str,
    fault: &str,
    nth: impl std::fmt::Display,
    arguments: &[&str],
) -> (Ran, bool) {
    let log = place.path().join("strace.log");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq"])
        .args(fault.starts_with("error=").then_some(STOP_TRACED_ALONE))
        .arg("-o")
        .arg(&log)
        .args([
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:{fault}:when={nth}"),
            binary(),
        ])
        .args(arguments)
        .stdin(Stdio::null());
    place.prepare(&mut command);
    let ran = Ran::from(command.output().unwrap());
    let log = std::fs::read_to_string(log).unwrap();
    (ran, log.contains("INJECTED") || log.contains("killed by SIGKILL"))
}

/// A row that raises, one that is refused, so that success.csv, error.csv and undo.csv all have content.
fn change_file(place: &Place) -> (String, u64) {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let row =
        reader.records().map(Result::unwrap).find(|row| !row[3].is_empty() && &row[5] != "none").unwrap();
    let value = row[5].parse::<u64>().unwrap() + 10;
    let text = format!("org_id,aid,value\n{},{},{value}\n999999,,5\n", &row[1], &row[3]);
    place.drop_file("raise.csv", text);
    (row[3].to_owned(), value)
}

/// One run, its rows' truth, one mail, and nothing half written: whatever happened before.
fn assert_healed(place: &Place, (aid, value): &(String, u64), when: &str) {
    let again = place.run(&["inbox"]);
    let runs = place.runs();
    assert_eq!(runs.len(), 1, "{when}: {}", again.stderr);
    let (folder, record) = &runs[0];
    assert_eq!(record["state"], "done", "{when}: {}", again.stderr);
    assert_eq!(record["counts"]["applied"], 1, "{when}: {}", again.stderr);
    assert_eq!(record["counts"]["unknown_target"], 1, "{when}: {record}");
    let live = place.run(&["export"]).stdout;
    assert!(live.contains(&format!(",{aid},")) && live.contains(&format!(",{value},{value},")), "{when}");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text("success.csv").lines().count(), 2, "{when}");
    assert_eq!(text("error.csv").lines().count(), 2, "{when}");
    assert_eq!(text("undo.csv").lines().count(), 2, "{when}");
    place.run(&["outbox"]);
    let changes = |(path, content): &(std::path::PathBuf, Vec<u8>)| {
        path.extension().is_some_and(|extension| extension == "eml")
            && String::from_utf8_lossy(content).contains("ann@example.com")
    };
    let mails = files(&place.data().join("outbox/sent")).into_iter().filter(changes).count();
    assert_eq!(mails, 1, "{when}: one mail of the run");
    let left = std::fs::read_dir(place.inbox()).unwrap().map(|entry| entry.unwrap().path());
    let claimed: Vec<_> = left.filter(|path| *path != place.inbox().join("answers")).collect();
    assert!(claimed.is_empty(), "{when}: {claimed:?}");
}

/// Walks the nth call from the first to the last that an `inbox` run makes; how many there are. (strace counts each kind of
/// call by itself, so each is walked by itself.)
fn walk(call: &str, fault: &str) -> usize {
    for nth in 1.. {
        let simulator = Simulator::start();
        let proxy = CountingProxy::before(&simulator);
        let place = Place::new(&simulator).with("TE_BASE_URL", &proxy.base_url);
        let target = change_file(&place);
        let (ran, struck) = with_fault(&place, call, fault, nth, &["inbox"]);
        let when = format!("{fault} at {call} {nth}");
        if !struck {
            assert_eq!(ran.code, Some(4), "{when}: {}", ran.stderr);
            return nth - 1;
        }
        if matches!(ran.code, Some(0 | 4)) {
            assert_eq!(place.runs().len(), 1, "{when}: it ended as if all were done: {}", ran.stderr);
        }
        assert_healed(&place, &target, &when);
        assert_eq!(proxy.posts(), 1, "{when}: sent once");
    }
    panic!("{fault} at {call}: the walk comes to no end")
}

fn walk_all(calls: &[&str], fault: &str) {
    if !strace_works() {
        return;
    }
    let counts: Vec<_> = calls.iter().map(|call| (*call, walk(call, fault))).collect();
    let tried: usize = counts.iter().map(|(_, count)| count).sum();
    assert!(tried > 20, "too few calls were tried: {counts:?}");
    eprintln!("{fault}: {counts:?}");
}

#[test]
fn killed_at_any_sync_the_next_run_ends_it_once() {
    walk_all(&["fsync", "fdatasync"], "signal=SIGKILL");
}

#[test]
fn killed_at_any_rename_or_removal_or_new_folder_the_next_run_ends_it_once() {
    walk_all(
        &[
            "rename",
            "renameat",
            "renameat2",
            "link",
            "linkat",
            "unlink",
            "unlinkat",
            "mkdir",
            "mkdirat",
            "ftruncate",
            "chmod",
            "fchmod",
            "copy_file_range",
        ],
        "signal=SIGKILL",
    );
}

#[test]
fn killed_at_any_word_to_the_server_or_to_a_file_the_next_run_ends_it_once() {
    walk_all(&["write", "writev", "sendto", "recvfrom", "connect"], "signal=SIGKILL");
}

#[test]
fn a_sync_that_fails_anywhere_is_made_good_by_the_next_run() {
    walk_all(&["fsync", "fdatasync"], "error=EIO");
}

#[test]
fn a_pass_ends_when_no_write_works_any_more_and_the_next_one_finishes_the_file_once() {
    if !strace_works() {
        return;
    }
    let mut tried = 0;
    for nth in (1..).step_by(5) {
        let simulator = Simulator::start();
        let place = Place::new(&simulator);
        let target = change_file(&place);
        let (_, struck) = with_fault(&place, "write", "error=EROFS", format!("{nth}+"), &["inbox"]);
        assert_healed(&place, &target, &format!("no write works from the {nth}th on"));
        if !struck {
            break;
        }
        tried += 1;
    }
    eprintln!("no write works from {tried} moments on");
    assert!(tried > 5, "too few: {tried}");
}

/// Runs something until no minute begins while it runs: `once` has another job to do then, and another record to write.
fn within_a_minute<T>(run: impl Fn() -> T) -> T {
    #[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
    let minute = || Utc::now().timestamp() / 60;
    loop {
        let (began, ran) = (minute(), run());
        if minute() == began {
            return ran;
        }
    }
}

/// At which of its syncs `once` puts `state.json` on the disk.
fn syncs_of_state(place: &Place) -> Vec<usize> {
    let log = place.path().join("strace.log");
    let mut command = Command::new("strace");
    command.args(["-qq", "-e", "trace=fsync,renameat", "-o"]).arg(&log).args([binary(), "once"]);
    place.prepare(&mut command);
    assert!(command.output().unwrap().status.success());
    let (mut syncs, mut found) = (0, Vec::new());
    for line in std::fs::read_to_string(log).unwrap().lines() {
        if line.starts_with("fsync") {
            syncs += 1;
        } else if line.contains("\"state.json\"") {
            found.push(syncs);
        }
    }
    found
}

#[test]
fn a_success_that_could_not_be_recorded_does_not_look_failed_for_a_day() {
    if !strace_works() {
        return;
    }
    let simulator = Simulator::start();
    let syncs = within_a_minute(|| syncs_of_state(&Place::new(&simulator)));
    assert!(syncs.len() > 4, "one for each job: {syncs:?}");
    for nth in syncs {
        let (place, (ran, struck)) = within_a_minute(|| {
            let place = Place::new(&simulator);
            let ran = with_fault(&place, "fsync", "error=EIO", nth, &["once"]);
            (place, ran)
        });
        assert!(struck, "{nth}");
        assert!(ran.stderr.contains("was written on the second attempt"), "{nth}: {}", ran.stderr);
        assert_eq!(ran.code, Some(0), "{nth}: {}", ran.stderr);
        let status = place.run(&["status"]).stdout;
        assert!(status.contains("all well"), "{nth}: {status}");
    }
}

#[test]
fn a_disk_that_is_full_at_any_rename_or_new_folder_is_made_good_by_the_next_run() {
    walk_all(&["rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat"], "error=ENOSPC");
}

/// Four raises, of which the server refuses one without naming it, and the answer to the first half is lost.
#[test]
fn killed_at_any_line_of_the_journal_of_halved_batches_and_a_lost_answer_the_next_run_ends_it() {
    if !strace_works() {
        return;
    }
    let export = Place::new(&Simulator::start()).run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let rows = reader.records().map(Result::unwrap).filter(|row| !row[3].is_empty() && &row[5] != "none");
    let mut text = "org_id,aid,value\n".to_owned();
    let mut wanted = Vec::new();
    for row in rows.take(4) {
        let before = row[5].parse::<u64>().unwrap();
        text += &format!("{},{},{}\n", &row[1], &row[3], before + 10);
        wanted.push((row[3].to_owned(), before));
    }
    let bad = format!("bad-row:aid={}:silent", wanted[3].0);
    let mut tried = 0;
    for nth in 1.. {
        let simulator = Simulator::with_faults(&[&bad, "drop-after:path=POST:after=1:count=1"]);
        let place = Place::new(&simulator);
        place.drop_file("raise.csv", &text);
        let (ran, struck) = with_fault(&place, "fdatasync", "signal=SIGKILL", nth, &["inbox"]);
        let when = format!("killed at fdatasync {nth}");
        if struck {
            tried += 1;
            place.run(&["inbox"]);
        } else {
            assert_eq!(ran.code, Some(4), "{when}: {}", ran.stderr);
        }
        let runs = place.runs();
        let (folder, record) = &runs[0];
        assert_eq!((runs.len(), &record["state"]), (1, &"done".into()), "{when}");
        let counts = (&record["counts"]["applied"], &record["counts"]["refused"]);
        assert_eq!(counts, (&3.into(), &1.into()), "{when}: {record}");
        let live = place.run(&["export"]).stdout;
        for (index, (aid, before)) in wanted.iter().enumerate() {
            let value = if index == 3 { *before } else { before + 10 };
            assert!(
                live.contains(&format!(",{aid},")) && live.contains(&format!(",{value},{value},")),
                "{when}"
            );
        }
        let lines = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap().lines().count();
        assert_eq!([lines("success.csv"), lines("error.csv"), lines("undo.csv")], [4, 2, 4], "{when}");
        if !struck {
            break;
        }
    }
    eprintln!("killed at {tried} lines of the journal");
    assert!(
        tried >= 12,
        "five writes, each with its intent and its outcome, and how the rows ended: {tried}"
    );
}

/// A row for now, one for a later day, and one for that day that a guard holds.
fn now_and_later(place: &Place) {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let rows = reader.records().map(Result::unwrap).filter(|row| !row[3].is_empty() && &row[5] != "none");
    let rows: Vec<_> = rows.take(3).collect();
    let more = |index: usize| rows[index][5].parse::<u64>().unwrap() + 10;
    let text = format!(
        "action,org_id,aid,value,effective\nassign,{},{},{},\nassign,{},{},{},2099-12-01\nunassign,{},{},,2099-12-01\n",
        &rows[0][1],
        &rows[0][3],
        more(0),
        &rows[1][1],
        &rows[1][3],
        more(1),
        &rows[2][1],
        &rows[2][3],
    );
    place.drop_file("raise.csv", text);
}

/// One run for each part of the file, each row in one of them, whatever happened before.
fn assert_parts(place: &Place, when: &str) {
    let again = place.run(&["inbox"]);
    let mut runs = place.runs();
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    let outcomes: Vec<_> = runs.iter().map(|(_, record)| (&record["state"], &record["rows"])).collect();
    let null = serde_json::Value::Null;
    let (later, held) = (serde_json::json!([3]), serde_json::json!([4]));
    let expected = [(&"done".into(), &null), (&"scheduled".into(), &later), (&"held".into(), &held)];
    assert_eq!(outcomes, expected, "{when}: {}", again.stderr);
    let counts = serde_json::json!({"applied": 1, "held": 1, "scheduled": 1});
    assert_eq!(runs[0].1["counts"], counts, "{when}");
    let lines =
        |run: usize, name: &str| std::fs::read_to_string(runs[run].0.join(name)).unwrap().lines().count();
    assert_eq!([lines(0, "success.csv"), lines(0, "error.csv")], [3, 2], "{when}");
    for part in [1, 2] {
        assert_eq!([lines(part, "input.csv"), lines(part, "plan.csv")], [2, 2], "{when}");
    }
    place.run(&["outbox"]);
    let mails = files(&place.data().join("outbox/sent")).into_iter();
    let mails =
        mails.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "eml")).count();
    assert_eq!(mails, 2, "{when}: one mail of the file, one of what waits for approval");
}

#[test]
fn killed_at_any_write_of_what_waits_for_another_day_each_part_is_one_run() {
    if !strace_works() {
        return;
    }
    let mut tried = 0;
    for call in ["fsync", "fdatasync", "rename", "renameat", "mkdir", "mkdirat"] {
        for nth in 1.. {
            let simulator = Simulator::start();
            let proxy = CountingProxy::before(&simulator);
            let place = Place::new(&simulator)
                .with("TE_BASE_URL", &proxy.base_url)
                .with("QUOTAKEEPER__INBOX__MODE", "row");
            now_and_later(&place);
            let (ran, struck) = with_fault(&place, call, "signal=SIGKILL", nth, &["inbox"]);
            let when = format!("killed at {call} {nth}");
            if !struck {
                assert_eq!(ran.code, Some(5), "{when}: {}", ran.stderr);
            }
            assert_parts(&place, &when);
            assert_eq!(proxy.posts(), 1, "{when}: sent once");
            if !struck {
                break;
            }
            tried += 1;
        }
    }
    eprintln!("killed at {tried} writes of what waits");
    assert!(tried > 40, "too few: {tried}");
}

#[test]
fn a_system_that_allows_too_few_threads_is_said_in_one_line_and_nothing_is_begun() {
    if !strace_works() {
        return;
    }
    let simulator = Simulator::start();
    for nth in ["1", "2", "1+"] {
        let place = Place::new(&simulator);
        let (ran, met) = with_fault(&place, "clone,clone3", "error=EAGAIN", nth, &["once"]);
        assert!(met, "{nth}: {}", ran.stderr);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(1), 1), "{nth}: {}", ran.stderr);
        assert!(ran.stderr.contains("not enough threads can be started"), "{nth}: {}", ran.stderr);
        assert!(!place.data().join("history").exists(), "{nth}: {}", ran.stderr);
    }
}
