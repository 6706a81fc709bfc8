//! What else lies in the folders, and what becomes of them: file managers, synchronization programs and mounts.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::standin::{World, key};
use crate::testbed::Bench;

/// What file managers, synchronization programs and volumes leave in any folder.
fn litter(folder: &Path) {
    fs_err::create_dir_all(folder).unwrap();
    for name in ["lost+found", ".Trash-1000", "@eaDir", ".snapshot"] {
        fs_err::create_dir_all(folder.join(name)).unwrap();
    }
    for name in [".DS_Store", "Thumbs.db", "desktop.ini", ".fuse_hidden0001", ".nfs0000001"] {
        fs_err::write(folder.join(name), "").unwrap();
    }
}

#[test]
fn foreign_files_in_the_data_folder_stop_no_command_and_are_no_snapshots() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["once"]).ends_with(0);
    bench.drop_file("a.csv", "org_id,aid,value\n10,101,5100\n");
    bench.run(&["inbox"]).ends_with(0);
    let before = bench.run(&["history", "list"]).ends_with(0).out;
    let snapshot = bench.csv_files("history").remove(0);
    let month = snapshot.parent().unwrap();
    let data = bench.data();
    for folder in
        ["", "history", "runs", "outbox", "outbox/new", "outbox/sent", "inbox", "inbox/answers", "changes"]
    {
        litter(&data.join(folder));
    }
    litter(month);
    litter(month.parent().unwrap());
    let stem = snapshot.file_stem().unwrap().to_str().unwrap();
    for copy in [format!("{stem} (1).csv"), format!("._{stem}.csv"), format!("{stem} (conflicted copy).csv")]
    {
        fs_err::copy(&snapshot, month.join(copy)).unwrap();
    }
    // What synchronization programs and people copy, and what another program keeps there.
    let run = bench.only_run().id();
    let copy = data.join("runs").join(format!("{run} (copy)"));
    fs_err::create_dir(&copy).unwrap();
    fs_err::copy(data.join("runs").join(&run).join("run.json"), copy.join("run.json")).unwrap();
    let mut strangers = vec![copy.join("run.json")];
    for place in ["outbox/new", "outbox/sent", "outbox/dead"] {
        for name in [
            "20261126T000000Z-0123456789abcdef (1).eml",
            "20261126T000000Z-0123456789abcdef (1).json",
            "notes.json",
            "Fwd.eml",
        ] {
            strangers.push(data.join(place).join(name));
        }
    }
    strangers.extend(["history/index.json", "runs/db.sqlite", "changes/x.csv"].map(|name| data.join(name)));
    for stranger in &strangers[1..] {
        fs_err::write(stranger, "of another program").unwrap();
    }
    for commands in [
        &["history", "list"][..],
        &["snapshot"],
        &["inbox"],
        &["outbox"],
        &["prune"],
        &["runs"],
        &["status"],
        &["export", "--at", stem],
        &["once"],
    ] {
        bench.run(commands).ends_with(0);
    }
    let after = bench.run(&["history", "list"]).ends_with(0).out;
    assert_eq!(after.lines().count(), before.lines().count() + 1, "{after}");
    let listed = bench.run(&["runs"]).ends_with(0).out;
    assert_eq!(listed.lines().count(), 2, "nothing that others left became a run: {listed}");
    for stranger in strangers {
        assert!(stranger.exists(), "{} is not ours to remove", stranger.display());
    }
    let status = bench.run(&["status"]).ends_with(0).out;
    assert!(status.contains("all well"), "{status}");
}

#[test]
fn an_inbox_that_goes_away_and_comes_back_is_watched_again() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = folder.path().join("share/in");
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__INBOX__DIR", inbox.to_str().unwrap())
        .with("QUOTAKEEPER__SCHEDULE__INBOX", "* * * * * *");
    let mut daemon = bench.start(&["run"]);
    let drop_and_wait = |name: &str, value: i64| {
        let deadline = Instant::now() + Duration::from_secs(120);
        // The daemon makes the folder where it is missing, at the same moment perhaps.
        fs_err::create_dir_all(&inbox).unwrap();
        fs_err::write(inbox.join(name), format!("org_id,aid,value\n10,101,{value}\n")).unwrap();
        while bench.quotas()[&key("10", "101")] != value {
            assert!(Instant::now() < deadline, "{name} was not taken: {}", bench.log());
            std::thread::sleep(Duration::from_millis(50)); // how soon it is seen
        }
    };
    drop_and_wait("first.csv", 5_101);
    fs_err::rename(folder.path().join("share"), folder.path().join("unmounted")).unwrap();
    drop_and_wait("second.csv", 5_102);
    fs_err::rename(&inbox, folder.path().join("replaced")).unwrap();
    drop_and_wait("third.csv", 5_103);
    assert!(daemon.try_wait().unwrap().is_none(), "it lives: {}", bench.log());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn one_target_in_two_rows_is_refused_however_it_is_named_and_in_whichever_words() {
    for rows in [
        "org_id,aid,account_group_name,value\n10,101,,5100\n10,,Helpdesk,5200\n",
        "org_id,aid,account_group_name,value\n10,101,,5100\n10,,\" helpdesk \",5100\n",
        "org_id,aid,value\n10,101,5100\n10,101,5100\n",
        "org_id,aid,value\n\"10 \",\t101,5100\n10,101,5200\n",
        "action,org_id,aid,value\nassign,10,101,5100\nunassign,10,101,\n",
        "org_id,org_name,aid,value\n20,,,9000\n,CONTOSO,,9100\n",
    ] {
        let bench = Bench::new(World::small());
        bench.drop_file("twice.csv", rows);
        bench.run(&["inbox"]).ends_with(4);
        let errors = bench.only_run().errors();
        assert!(
            errors.iter().all(|row| row["code"] == "duplicate") && errors.len() == 2,
            "{rows}: {errors:?}"
        );
        assert_eq!(bench.posts(), 0, "{rows}");
    }
}

#[test]
fn the_daemon_has_freed_memory_given_back_unless_somebody_chose_other_limits() {
    let limits = |bench: &Bench| {
        let mut daemon = bench.start(&["run"]);
        bench.wait_for_log("\"message\":\"running\"");
        let environment = fs_err::read(format!("/proc/{}/environ", daemon.id())).unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        let variables = String::from_utf8(environment).unwrap();
        variables
            .split('\0')
            .filter(|variable| variable.starts_with("MALLOC_"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let fixed = limits(&Bench::new(World::small()));
    assert_eq!(fixed, ["MALLOC_MMAP_THRESHOLD_=131072", "MALLOC_TRIM_THRESHOLD_=131072"]);
    let chosen = limits(&Bench::new(World::small()).with("MALLOC_TRIM_THRESHOLD_", "1000000"));
    assert_eq!(chosen, ["MALLOC_TRIM_THRESHOLD_=1000000"]);
}

#[test]
fn a_report_replaces_what_has_its_name_and_is_never_written_through_it() {
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let report = |name: &str| bench.run(&["report", "usage", "--out", path(name).to_str().unwrap()]);
    fs_err::write(path("victim"), "mine").unwrap();

    fs_err::hard_link(path("victim"), path("usage.csv")).unwrap();
    report("usage.csv").ends_with(0);
    assert!(fs_err::read_to_string(path("usage.csv")).unwrap().contains("Northwind"));

    std::os::unix::fs::symlink(path("victim"), path("link.csv")).unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("loose.csv")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(path("pipe.html")).status().unwrap();
    assert!(pipe.success());
    for name in ["link.csv", "loose.csv", "pipe.html"] {
        let said = report(name).ends_with(1).log;
        assert!(said.contains("only a file is replaced: name another one"), "{said}");
    }
    assert_eq!(fs_err::read_to_string(path("victim")).unwrap(), "mine");
    let mut left: Vec<_> =
        fs_err::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["link.csv", "loose.csv", "pipe.html", "usage.csv", "victim"]);
}
