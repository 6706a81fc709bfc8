//! Somebody who may write into the inbox and nowhere else: names that look like ours, files exchanged while they are taken,
//! writers that pause, and what is no change file. Nothing outside the inbox is read or changed, and nothing hangs.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Place, Simulator, files};

const SECRET: &str = "aid,value\nSECRET-OF-SOMEBODY-ELSE,5\n";

/// A raise of the nth account group that has a quota.
fn raise(place: &Place, nth: usize) -> String {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let mut rows = reader.records().map(Result::unwrap).filter(|row| !row[3].is_empty() && &row[5] != "none");
    let row = rows.nth(nth).unwrap();
    format!("org_id,aid,value\n{},{},{}\n", &row[1], &row[3], row[5].parse::<u64>().unwrap() + 10)
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Every file of the data folder that does not lie in the inbox itself.
fn outside(place: &Place) -> Vec<(PathBuf, Vec<u8>)> {
    let inbox = place.inbox();
    files(&place.data()).into_iter().filter(|(path, _)| path.parent() != Some(&inbox)).collect()
}

/// What the answer to a dropped file says.
fn answer(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.inbox().join("answers").join(file).join("status.txt")).unwrap_or_default()
}

#[test]
fn a_name_that_looks_like_a_claim_leads_nowhere_and_fails_no_later_pass() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.drop_file("first.csv", raise(&place, 0));
    assert_eq!(place.run(&["inbox"]).code, Some(0));
    place.run(&["snapshot"]);
    let before: Vec<PathBuf> = outside(&place).into_iter().map(|(path, _)| path).collect();
    let first = place.runs().remove(0).0;
    let split = format!(".{}.held.claimed", first.file_name().unwrap().to_str().unwrap());
    let names = [
        "....claimed",
        "...claimed",
        "..claimed",
        ".claimed",
        ".foo.held.claimed",
        ".history.claimed",
        &split,
    ];
    for name in names {
        place.drop_file(name, "aid,value\n1,1\n");
    }
    let odd = ".20261122T180500Z-odd.claimed";
    mkfifo(&place.inbox().join(odd));
    symlink(place.data().join("state.json"), place.inbox().join(".20261122T180501Z-odd.claimed")).unwrap();
    for nth in 1..3 {
        place.drop_file("later.csv", raise(&place, nth));
        let ran = place.run(&["inbox"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let times =
            |name: &str| ran.stderr.lines().filter(|line| line.contains(&format!("\"{name}\""))).count();
        assert_eq!(times("....claimed"), 1, "{}", ran.stderr);
    }
    assert_eq!(place.runs().len(), 3);
    for path in before {
        assert!(path.exists(), "{} is gone", path.display());
    }
    for name in names.iter().chain([&odd]) {
        assert!(place.inbox().join(name).symlink_metadata().is_ok(), "{name} is left");
    }
}

#[test]
fn a_file_that_is_exchanged_while_it_is_taken_is_read_as_what_it_was_or_not_at_all() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let secret = place.path().join("te_token");
    std::fs::write(&secret, SECRET).unwrap();
    let (inbox, harmless) = (place.inbox(), raise(&place, 0));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // One after the other under the name that is being taken, and under what it is claimed as.
            for round in 0_usize.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let target = inbox.join("x.csv");
                let made = inbox.join(".made");
                let _ = std::fs::remove_file(&made);
                match round % 4 {
                    0 => std::fs::write(&made, &harmless).unwrap(),
                    1 => symlink(&secret, &made).unwrap(),
                    2 => mkfifo(&made),
                    _ => std::fs::hard_link(&secret, &made).unwrap(),
                }
                let _ = std::fs::rename(&made, &target);
                for entry in std::fs::read_dir(&inbox).unwrap().flatten() {
                    let name = entry.file_name().into_string().unwrap_or_default();
                    if round % 4 != 0 && name.ends_with("-x.claimed") {
                        let _ = std::fs::remove_file(&made);
                        symlink(&secret, &made).unwrap();
                        let _ = std::fs::rename(&made, entry.path());
                    }
                }
            }
        });
        for _ in 0..40 {
            place.run(&["inbox"]);
        }
        stop.store(true, Ordering::Relaxed);
    });
    for (path, content) in outside(&place) {
        let listed = String::from_utf8_lossy(&content).contains("SECRET");
        assert!(!listed, "{} holds the secret", path.display());
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), SECRET);
    // And everything goes on.
    let _ = std::fs::remove_file(place.inbox().join("x.csv"));
    place.drop_file("good.csv", raise(&place, 1));
    let ran = place.run(&["inbox"]);
    assert!(answer(&place, "good.csv").contains("1 applied"), "{}", ran.stderr);
}

#[test]
fn a_file_that_a_program_has_open_is_taken_when_it_is_closed_and_whole() {
    use std::io::Write;

    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let text = raise(&place, 0);
    let log = std::fs::File::create(place.path().join("daemon.log")).unwrap();
    let mut daemon = place.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let log = || std::fs::read_to_string(place.path().join("daemon.log")).unwrap();
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        for _ in 0..12_000 {
            if is() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10)); // how soon it is seen
        }
        panic!("{what} never came: {}", log());
    };
    wait("the start", &|| log().contains("\"running\""));
    let (half, rest) = text.split_at(text.len() - 2);
    let mut file = std::fs::File::create(place.inbox().join("slow.csv")).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    wait("the answer that it is open", &|| answer(&place, "slow.csv").contains("open for writing"));
    assert!(place.runs().is_empty());
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    wait("the run", &|| answer(&place, "slow.csv").contains("1 applied"));
    let (folder, _) = place.runs().remove(0);
    assert_eq!(std::fs::read_to_string(folder.join("input.csv")).unwrap(), text);
    Command::new("kill").arg(daemon.id().to_string()).status().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn everything_odd_has_its_own_answer_once_and_what_is_on_its_way_has_none() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let listed = [
        "quotas",
        "q.csv.bak",
        "q.csv ",
        "q.csv~",
        "q.csv (1)",
        "q.dat",
        "q.xlsb",
        "q.numbers",
        "q.csv.gz",
        "q.pdf",
        "october",
    ];
    let silent = ["q.csv.part", "q.csv.filepart", "q.crdownload", "q.tmp", ".q.csv", "~$q.csv", "Thumbs.db"];
    for name in listed.iter().chain(&silent).filter(|name| **name != "october") {
        place.drop_file(name, "aid,value\n1,1\n");
    }
    std::fs::create_dir(place.inbox().join("october")).unwrap();
    place.drop_file("october/q.csv", "aid,value\n1,1\n");
    std::fs::create_dir(place.inbox().join("empty")).unwrap();
    place.drop_file("taken.CSV", raise(&place, 0));
    let first = place.run(&["inbox"]);
    let second = place.run(&["inbox"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(first.stderr.matches("\"not taken\"").count(), listed.len(), "{}", first.stderr);
    assert_eq!(second.stderr.matches("\"not taken\"").count(), 0, "{}", second.stderr);
    for name in listed {
        assert!(answer(&place, name).contains(": not taken"), "{name}");
        assert!(place.inbox().join(name).exists(), "{name}");
    }
    for name in silent.iter().chain(&["empty", "answers"]) {
        assert_eq!(answer(&place, name), "", "{name}");
    }
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn who_dropped_a_file_is_recorded_and_shown() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.drop_file("a.csv", raise(&place, 0));
    let uid = std::fs::metadata(place.inbox().join("a.csv")).unwrap().uid();
    place.run(&["inbox"]);
    let (folder, record) = place.runs().remove(0);
    assert_eq!(record["dropped_by"]["uid"], uid);
    let id = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let (list, one) = (place.run(&["runs"]).stdout, place.run(&["runs", &id]).stdout);
    assert!(list.contains("dropped by"), "{list}");
    assert!(one.contains("Dropped by ") && one.contains(&format!("uid {uid}")), "{one}");
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["runs", "--format", "json"]).stdout).unwrap();
    assert_eq!(json[0]["dropped_by"]["uid"], uid);
}

#[test]
fn only_old_leftovers_of_killed_writes_are_removed() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.run(&["snapshot"]);
    place.drop_file("a.csv", raise(&place, 0));
    place.run(&["inbox"]);
    let run = place.runs().remove(0).0;
    let mut history = files(&place.data().join("history")).into_iter().map(|(path, _)| path);
    let month = history.find(|path| path.extension().is_some_and(|is| is == "csv")).unwrap();
    let data = place.data();
    let folders = [
        data.as_path(),
        month.parent().unwrap(),
        &run,
        &data.join("outbox/new"),
        &place.inbox().join("answers/a.csv"),
    ];
    let old = std::fs::metadata(&month).unwrap().modified().unwrap() - std::time::Duration::from_secs(3600);
    let make = |path: PathBuf, is_old: bool| {
        let file = std::fs::File::create(&path).unwrap();
        if is_old {
            file.set_modified(old).unwrap();
        }
        path
    };
    let mut gone: Vec<PathBuf> =
        folders.iter().map(|folder| make(folder.join(".new-0123456789abcdef"), true)).collect();
    let empty = data.join("runs/20261122T180500Z-cut");
    std::fs::create_dir(&empty).unwrap();
    std::fs::File::open(&empty).unwrap().set_modified(old).unwrap();
    gone.push(empty);
    let stay = [
        make(data.join("runs/.new-of-somebody"), true),
        make(run.join(".new-fedcba9876543210"), false),
        make(place.inbox().join(".new-0123456789abcdef"), true),
    ];
    let ran = place.run(&["prune"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for path in gone {
        assert!(!path.exists(), "{}", path.display());
    }
    for path in stay {
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn check_reports_a_read_only_inbox_without_a_place_for_answers_and_the_log_warns_once() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).with("QUOTAKEEPER__INBOX__READ_ONLY", "true");
    place.drop_file("q.xlsx", "PK");
    let ran = place.run(&["inbox"]);
    assert_eq!(ran.stderr.lines().filter(|line| line.contains("WARN")).count(), 1, "{}", ran.stderr);
    let check = place.run(&["check"]).stdout;
    assert!(check.contains("Set inbox.answers_dir"), "{check}");
}
