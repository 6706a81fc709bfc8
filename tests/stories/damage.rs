//! Files of our own that a power cut, another program or a clock that was wrong left in a bad way stop nothing.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::standin::World;
use crate::testbed::Bench;

fn bench() -> Bench {
    Bench::new(World::small()).with_mail()
}

/// One line for a person, whatever the width.
fn status(bench: &Bench) -> String {
    bench.run(&["status"]).ends_with(0).out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mails_that_say(bench: &Bench, subject: &str) -> usize {
    let says = |mail: &&String| {
        mail.replace("=\r\n", "").lines().any(|line| line.starts_with("Subject:") && line.contains(subject))
    };
    bench.delivered().iter().filter(says).count()
}

#[test]
fn a_damaged_file_is_set_aside_and_reported_once_and_work_continues() {
    type Damage = fn(&Path);
    let damages: [Damage; 5] = [
        |path| fs_err::write(path, "").unwrap(),
        |path| fs_err::write(path, "{\"version\": 1, \"jo").unwrap(),
        |path| fs_err::write(path, [0; 600]).unwrap(),
        |path| {
            fs_err::remove_file(path).unwrap();
            fs_err::create_dir(path).unwrap();
        },
        |path| {
            fs_err::remove_file(path).unwrap();
            symlink("/etc/hostname", path).unwrap();
        },
    ];
    for damage in damages {
        let bench = bench();
        bench.run(&["once"]).ends_with(0);
        bench.run(&["report", "closing"]).ends_with(0);
        bench.run(&["once"]).ends_with(0);
        let before = (bench.csv_files("history").len(), bench.delivered().len());
        let files = ["state.json", "alerts.json", "closings.json"];
        for file in files {
            damage(&bench.data().join(file));
        }
        assert!(status(&bench).contains("state.json cannot be used"), "{}", status(&bench));
        bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
        bench.run(&["once"]).ends_with(0);
        bench.run(&["snapshot"]).ends_with(0);
        bench.run(&["report", "closing"]).ends_with(0);
        bench.run(&["once"]).ends_with(0);
        assert_eq!(bench.only_run().state(), "done");
        assert_eq!(bench.csv_files("history").len(), before.0 + 1, "what was done counts as done");
        for file in files {
            assert_eq!(mails_that_say(&bench, file), 1, "{file}");
            assert!(status(&bench).contains(&format!("{file} was damaged; it was renamed to")));
        }
        assert_eq!(
            bench.delivered().len(),
            before.1 + 4,
            "three of the files, one of the run, no report again"
        );
    }
}

#[test]
fn numbers_and_times_that_no_clock_shows_stop_no_command() {
    let bench = bench();
    bench.run(&["once"]).ends_with(0);
    let path = bench.data().join("state.json");
    let good: serde_json::Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    for moment in ["-262143-01-01T00:00:00Z", "+262142-12-31T23:59:59Z"] {
        for number in [i64::MIN, i64::MAX] {
            let mut odd = good.clone();
            for job in odd["jobs"].as_object_mut().unwrap().values_mut() {
                job["last_success"] = moment.into();
                job["clock_ahead"] = number.into();
            }
            odd["api"]["clock_ahead"] = number.into();
            odd["panics"] = u64::MAX.into();
            odd["api"]["refusals"] = u64::MAX.into();
            fs_err::write(&path, odd.to_string()).unwrap();
            status(&bench);
            bench.run(&["once"]).ends_with(0);
            status(&bench);
        }
    }
}

#[test]
fn a_lock_that_is_no_file_is_a_problem_of_status_too() {
    let bench = bench();
    bench.run(&["once"]).ends_with(0);
    assert!(status(&bench).contains("all well"), "{}", status(&bench));
    let lock = bench.data().join("lock");
    fs_err::remove_file(&lock).unwrap();
    fs_err::create_dir(&lock).unwrap();
    let failed = bench.run(&["snapshot"]).ends_with(1).log.replace('\n', " ");
    assert!(failed.contains("lock is not a file") && failed.contains(": remove it"), "{failed}");
    bench.run(&["once"]).ends_with(1);
    let said = status(&bench);
    assert!(
        said.contains("lock is not a file, so no job can lock it") && !said.contains("all well"),
        "{said}"
    );
    fs_err::remove_dir(&lock).unwrap();
    bench.run(&["once"]).ends_with(0);
    assert!(status(&bench).contains("all well"), "{}", status(&bench));
}

#[test]
fn each_small_file_that_is_damaged_is_set_aside_and_mailed_by_the_next_pass_also_where_nothing_is_due() {
    let bench = bench();
    bench.run(&["once"]).ends_with(0);
    bench.run(&["report", "closing"]).ends_with(0);
    bench.run(&["once"]).ends_with(0);
    let before = bench.delivered().len();
    let files = ["state.json", "alerts.json", "closings.json", "notices.json", "not_taken.json"];
    for file in files {
        fs_err::write(bench.data().join(file), "{\"version\": 1,").unwrap();
    }
    bench.run(&["once"]).ends_with(0);
    bench.run(&["once"]).ends_with(0);
    for file in files {
        assert_eq!(mails_that_say(&bench, file), 1, "{file}");
        assert!(status(&bench).contains(&format!("{file} was damaged; it was renamed to")));
    }
    assert_eq!(bench.delivered().len(), before + files.len(), "no report again");
}

#[test]
fn a_run_that_waits_and_has_lost_its_file_or_its_plan_is_not_called_well() {
    for name in ["input.csv", "plan.csv"] {
        for is_folder in [false, true] {
            let bench = bench();
            bench.run(&["snapshot"]).ends_with(0);
            bench.drop_file("cut.csv", "org_id,aid,value\n10,101,3000\n");
            bench.run(&["inbox"]).ends_with(5);
            assert!(!status(&bench).contains(name), "{}", status(&bench));
            let run = bench.only_run().id();
            let file = bench.data().join("runs").join(&run).join(name);
            fs_err::remove_file(&file).unwrap();
            if is_folder {
                fs_err::create_dir(&file).unwrap();
            } else {
                fs_err::write(&file, "garbage").unwrap();
            }
            let said = status(&bench);
            assert!(said.contains(name) && said.contains(&run) && !said.contains("all well"), "{said}");
        }
    }
}

#[test]
fn a_request_that_cannot_be_read_is_named() {
    let bench = bench();
    fs_err::create_dir_all(bench.data().join("requests/q.taken")).unwrap();
    let log = bench.run(&["inbox"]).ends_with(1).log;
    assert!(log.contains("requests/q.taken") && log.contains("not a regular file"), "{log}");
}

#[test]
fn a_newer_state_stops_the_schedules_and_neither_files_nor_mail() {
    let bench = bench();
    bench.run(&["once"]).ends_with(0);
    let newer = "{\"version\": 99, \"jobs\": []}";
    fs_err::write(bench.data().join("state.json"), newer).unwrap();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    let snapshots = bench.csv_files("history").len();
    for _ in 0..2 {
        bench.run(&["once"]).ends_with(1);
    }
    assert_eq!((bench.only_run().state().as_str(), bench.csv_files("history").len()), ("done", snapshots));
    assert_eq!(mails_that_say(&bench, "state.json cannot be used"), 1);
    assert_eq!(fs_err::read_to_string(bench.data().join("state.json")).unwrap(), newer);
}

#[test]
fn damage_of_the_newest_snapshot_and_of_the_format_beside_it_costs_that_snapshot_and_no_job() {
    let bench = bench();
    bench.run(&["snapshot"]).ends_with(0);
    bench.age_the_last_snapshot(1);
    bench.run(&["snapshot"]).ends_with(0);
    for damage in [&b""[..], &[0; 600]] {
        let newest = bench.csv_files("history").pop().unwrap();
        fs_err::write(&newest, damage).unwrap();
        fs_err::write(bench.data().join("history/_VERSION"), damage).unwrap();
        let page = bench.data().join("usage.html");
        bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
        assert!(status(&bench).contains("is damaged"), "{}", status(&bench));
        bench.run(&["snapshot"]).ends_with(0);
        bench.run(&["prune"]).ends_with(0);
        assert_eq!(fs_err::read_to_string(bench.data().join("history/_VERSION")).unwrap(), "1\n");
    }
}

#[test]
fn snapshots_left_by_a_fast_clock_stop_no_snapshot_and_appear_in_no_report() {
    let bench = bench();
    bench.run(&["once"]).ends_with(0);
    let path = bench.data().join("state.json");
    let text = fs_err::read_to_string(&path).unwrap();
    let mut state: serde_json::Value = serde_json::from_str(&text).unwrap();
    for job in state["jobs"].as_object_mut().unwrap().values_mut() {
        job["last_success"] = "2199-01-01T00:00:00Z".into();
    }
    fs_err::write(&path, state.to_string()).unwrap();
    let taken = bench.csv_files("history").remove(0);
    let folder = bench.data().join("history/year=2199/month=01");
    fs_err::create_dir_all(&folder).unwrap();
    fs_err::copy(&taken, folder.join("2199-01-01T00-00-00Z.csv")).unwrap();

    let shown = status(&bench);
    for words in ["2199-01-01T00-00-00Z.csv is dated in the future", "state.json says that the"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.csv_files("history").len(), 3, "a snapshot was taken at once");
    assert!(!status(&bench).contains("state.json says"), "{}", status(&bench));
    let page = bench.data().join("usage.html");
    bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
    assert!(!fs_err::read_to_string(page).unwrap().contains("missing"));
}
