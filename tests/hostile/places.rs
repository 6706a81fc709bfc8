//! Places that can do less than a folder on a local disk: no modes, no locks, no watches, another user each time. `strace` plays
//! what a mount or a limit refuses.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::binary;

use crate::kill::{STOP_TRACED_ALONE, strace_works};
use crate::support::{Place, Ran, Simulator, files};

/// The command, of which each of these calls is refused. The command itself is the child, `strace` looks on.
fn refusing(place: &Place, calls: &str, error: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", STOP_TRACED_ALONE, "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:error={error}"), binary()]).args(arguments);
    place.prepare(&mut command);
    command.stdin(Stdio::null());
    command
}

/// A change file that raises the first quota by so much.
fn raise(place: &Place, by: u64) -> String {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let row =
        reader.records().map(Result::unwrap).find(|row| !row[3].is_empty() && &row[5] != "none").unwrap();
    format!("aid,value\n{},{}\n", &row[3], row[5].parse::<u64>().unwrap() + by)
}

fn status_text(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.inbox().join("answers").join(file).join("status.txt")).unwrap_or_default()
}

#[test]
fn a_mount_that_sets_no_modes_is_good_for_everything() {
    is_good_for_everything("chmod,fchmod,fchmodat", "EPERM");
}

#[test]
fn a_mount_where_files_have_one_name_and_renames_replace_is_good_for_everything() {
    is_good_for_everything("linkat,renameat2", "EOPNOTSUPP");
}

/// A mount on which each of these calls is refused.
fn is_good_for_everything(calls: &str, error: &str) {
    if !strace_works() {
        return;
    }
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.drop_file("a.csv", raise(&place, 10));
    for arguments in [&["inbox"][..], &["snapshot"], &["report", "usage"], &["outbox"], &["prune"], &["once"]]
    {
        let ran = Ran::from(refusing(&place, calls, error, arguments).output().unwrap());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("WARN") && !ran.stderr.contains("ERROR"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    assert_eq!(place.runs()[0].1["state"], "done");
    assert!(status_text(&place, "a.csv").contains("1 applied"), "{}", status_text(&place, "a.csv"));
    let is_snapshot =
        |(path, _): &(std::path::PathBuf, Vec<u8>)| path.extension().is_some_and(|kind| kind == "csv");
    let snapshots = files(&place.data().join("history")).into_iter().filter(is_snapshot);
    assert!(snapshots.count() >= 1, "there is a snapshot");
}

#[test]
fn a_mount_without_locks_is_named_with_what_to_do_and_nothing_is_done_there() {
    if !strace_works() {
        return;
    }
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.drop_file("a.csv", raise(&place, 10));
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        for arguments in [&["inbox"][..], &["snapshot"], &["once"], &["run"]] {
            let ran = Ran::from(refusing(&place, "flock", error, arguments).output().unwrap());
            assert_eq!(ran.code, Some(1), "{error} {arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("Put data.dir on a local disk"), "{}", ran.stderr);
            assert_eq!(
                ran.stderr.matches("Put data.dir on a local disk").count(),
                1,
                "it is said once: {}",
                ran.stderr
            );
        }
    }
    assert!(place.runs().is_empty() && place.inbox().join("a.csv").exists());
    let status = Ran::from(refusing(&place, "flock", "ENOLCK", &["status"]).output().unwrap());
    assert_eq!(status.code, Some(0), "who only looks needs no lock: {}", status.stderr);
}

#[test]
fn without_a_watcher_the_schedule_finds_dropped_files_and_that_is_logged_once() {
    if !strace_works() {
        return;
    }
    let simulator = Simulator::start();
    for (call, error) in [("inotify_init1", "EMFILE"), ("inotify_add_watch", "ENOSPC")] {
        let place = Place::new(&simulator).with("QUOTAKEEPER__SCHEDULE__INBOX", "* * * * * *");
        let log = std::fs::File::create(place.path().join("log")).unwrap();
        let mut daemon = refusing(&place, call, error, &["run"]).stderr(log).spawn().unwrap();
        let said = || std::fs::read_to_string(place.path().join("log")).unwrap();
        let end = Instant::now() + Duration::from_secs(120);
        for nth in 1..=3 {
            let name = format!("f{nth}.csv");
            place.drop_file(&name, raise(&place, nth));
            while !status_text(&place, &name).contains("1 applied") {
                assert!(Instant::now() < end && daemon.try_wait().unwrap().is_none(), "{}", said());
                std::thread::sleep(Duration::from_millis(50)); // how soon it is seen
            }
        }
        let _ = Command::new("kill").arg(daemon.id().to_string()).status();
        assert_eq!(daemon.wait().unwrap().code(), Some(0), "{}", said());
        assert_eq!(said().matches("the inbox cannot be watched").count(), 1, "{}", said());
    }
}

/// Where the tests run as root.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_user_without_access_to_the_data_folder_sees_who_has_it() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).owned_by_nobody();
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o000)).unwrap();
    for arguments in [&["runs"][..], &["status"], &["snapshot"], &["history", "list"]] {
        let ran = place.run(arguments);
        let said = ran.stdout + &ran.stderr;
        assert_eq!(said.matches("run this as root, or as the user").count(), 1, "{arguments:?}: {said}");
    }
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn each_start_may_be_another_user_of_the_same_group_as_openshift_does_it() {
    if !is_root() {
        return;
    }
    let simulator = Simulator::start();
    for mode in [0o2770, 0o770] {
        let place = Place::new(&simulator).with("TMPDIR", "/nonexistent").with("HOME", "/");
        let open = |path: &Path, mode: u32| {
            chown(path, Some(0), Some(0)).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        open(place.path(), 0o755);
        open(&place.data(), mode);
        open(&place.inbox(), mode);
        for (nth, user) in
            [1_000_650_000, 1_000_770_000, 1_000_880_000, 1_000_650_000].into_iter().enumerate()
        {
            let name = format!("f{nth}.csv");
            let run = |arguments: &[&str]| {
                let mut command = place.command(arguments);
                Ran::from(command.uid(user).gid(0).output().unwrap())
            };
            if run(&["--version"]).code != Some(0) {
                eprintln!("skipped: others may not run the binary where it lies");
                return;
            }
            let file = raise(&place, 10 + nth as u64);
            place.drop_file(&name, file);
            open(&place.inbox().join(&name), 0o640);
            for arguments in [&["once"][..], &["snapshot"], &["report", "usage"], &["prune"]] {
                let ran = run(arguments);
                assert_eq!(ran.code, Some(0), "{mode:o} {user} {arguments:?}: {}", ran.stderr);
                let is_well = !ran.stderr.contains("WARN") && !ran.stderr.contains("ERROR");
                assert!(is_well, "{mode:o} {user} {arguments:?}: {}", ran.stderr);
            }
            assert!(status_text(&place, &name).contains("1 applied"), "{mode:o} {user}: {name}");
            assert!(run(&["status"]).stdout.contains("all well"), "{mode:o} {user}");
        }
    }
}

#[test]
fn a_file_that_became_unreadable_is_set_aside_like_a_damaged_one() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).owned_by_nobody();
    if !place.command(&["--version"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: nobody may not run the binary where it lies");
        return;
    }
    for arguments in [&["once"][..], &["report", "closing"], &["once"]] {
        assert_eq!(place.run(arguments).code, Some(0));
    }
    let small = ["state.json", "alerts.json", "closings.json"];
    for file in small {
        let path = place.data().join(file);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    place.drop_file("a.csv", raise(&place, 10));
    for _ in 0..2 {
        let once = place.run(&["once"]);
        assert_eq!(once.code, Some(0), "{}", once.stderr);
    }
    assert_eq!(place.runs()[0].1["state"], "done");
    let status = place.run(&["status"]).stdout;
    let mails = files(&place.data().join("outbox/sent"));
    for file in small {
        assert!(status.contains(&format!("{file} was damaged")), "{file}: {status}");
        let says = |mail: &[u8]| {
            String::from_utf8_lossy(mail)
                .lines()
                .any(|line| line.contains(file) && line.starts_with("Subject:"))
        };
        assert_eq!(mails.iter().filter(|(_, mail)| says(mail)).count(), 1, "{file}");
    }
}

#[test]
fn files_that_any_command_writes_are_for_their_owner_and_group_alone_whatever_the_umask() {
    let simulator = Simulator::start();
    for umask in ["000", "077"] {
        let place = Place::new(&simulator);
        // Made by quotakeeper itself, all of it.
        std::fs::remove_dir_all(place.data()).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", binary()]).args(arguments);
            place.prepare(&mut command);
            Ran::from(command.output().unwrap())
        };
        assert_eq!(run(&["once"]).code, Some(0));
        let good = raise(&place, 10);
        let held = good.rsplit_once(',').unwrap().0.to_owned() + ",1\n";
        place.drop_file("good.csv", &good);
        place.drop_file("held.csv", &held);
        place.drop_file("bad.csv", "no header");
        run(&["inbox"]);
        let runs = place.runs();
        let waiting = runs.iter().find(|(_, record)| record["state"] == "held").unwrap();
        let id = waiting.0.file_name().unwrap().to_str().unwrap();
        std::fs::write(place.data().join("state.json"), "{").unwrap();
        let file = place.path().join("by-hand.csv");
        std::fs::write(&file, raise(&place, 20)).unwrap();
        for arguments in [
            &["approve", id][..],
            &["snapshot"],
            &["apply", file.to_str().unwrap()],
            &["report", "usage"],
            &["report", "changes"],
            &["report", "closing"],
            &["prune"],
            &["once"],
        ] {
            run(arguments);
        }
        let mut folders = vec![place.data()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
                // The test itself wrote these.
                if path.starts_with(place.inbox()) && !path.starts_with(place.inbox().join("answers")) {
                    folders.extend(metadata.is_dir().then_some(path));
                    continue;
                }
                let wanted = if metadata.is_dir() { 0o750 } else { 0o640 };
                assert_eq!(metadata.mode() & 0o7777, wanted, "{umask}: {}", path.display());
                folders.extend(metadata.is_dir().then_some(path));
                seen += 1;
            }
        }
        assert!(seen > 40, "{umask}: {seen}");
    }
}
