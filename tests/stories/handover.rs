//! Commands beside the process that holds the lock: it does what they ask for, and they end as if they had done it.

use std::process::{Child, Command, Stdio};

use crate::standin::{Fault, StandIn, World};
use crate::testbed::{Bench, Ran};

const ASSIGN: &str = "POST /quotas/account-groups/assign";

fn signal(process: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// Ends the daemon cleanly.
#[track_caller]
fn stop(mut daemon: Child) {
    signal(&daemon, "-TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

fn daemon(bench: &Bench) -> Child {
    let daemon = bench.start(&["run"]);
    bench.wait_for_log("history thinned");
    daemon
}

/// Starts a command whose output is kept.
fn beside(bench: &Bench, arguments: &[&str]) -> Child {
    bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(command: Child) -> Ran {
    let output = command.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        log: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What is left of requests.
fn left(bench: &Bench) -> Vec<String> {
    let names = fs_err::read_dir(bench.data().join("requests")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ".alive").collect()
}

/// Whether there is a file of this kind among the requests.
fn waits(bench: &Bench, kind: &str) -> bool {
    let names = fs_err::read_dir(bench.data().join("requests")).into_iter().flatten();
    names.flatten().any(|entry| entry.path().extension().is_some_and(|is| is == kind))
}

#[test]
fn the_daemon_does_what_commands_beside_it_ask_for() {
    let bench = Bench::new(World::small()).with_mail();
    let daemon = daemon(&bench);
    let ran = bench.run(&["snapshot"]).ends_with(0);
    assert!(ran.log.contains(&format!("process {}", daemon.id())), "{}", ran.log);
    assert_eq!(bench.csv_files("history").len(), 2);
    for command in [&["inbox"][..], &["outbox"], &["prune"], &["report", "usage"], &["report", "changes"]] {
        bench.run(command).ends_with(0);
    }
    fs_err::write(bench.data().join("raise.csv"), "org_id,aid,value\n10,101,6000\n").unwrap();
    fs_err::write(bench.data().join("cut.csv"), "org_id,aid,value\n10,102,1\n").unwrap();
    let file = |name: &str| bench.data().join(name).to_str().unwrap().to_owned();
    let ran = bench.run(&["apply", &file("raise.csv")]).ends_with(0);
    assert!(ran.out.contains("raise") && ran.out.contains("Started by "), "{}", ran.out);
    assert!(!ran.out.contains("Dropped by "), "nobody dropped it: {}", ran.out);
    assert_eq!(bench.posts(), 1);
    bench.run(&["apply", &file("cut.csv")]).ends_with(5);
    assert_eq!(bench.posts(), 1);
    let held = bench.runs().into_iter().find(|run| run.state() == "held").unwrap();
    bench.run(&["approve", &held.id()]).ends_with(0);
    bench.standin.wait_until("the approved write", |log| {
        log.iter().filter(|one| one.call.starts_with("POST")).count() == 2
    });
    bench.run(&["snapshot"]).ends_with(0);
    let changes = bench.run(&["history", "of", "10/101", "--format", "csv"]).ends_with(0).out;
    assert!(changes.contains("of raise.csv, started by "), "{changes}");
    assert_eq!(left(&bench), [""; 0]);
    stop(daemon);
}

#[test]
fn a_command_that_means_another_api_or_inbox_or_other_rules_is_refused_by_the_daemon() {
    let bench = Bench::new(World::small());
    let other = StandIn::start(World::small());
    let file = bench.data().join("raise.csv");
    let daemon = daemon(&bench);
    fs_err::write(&file, "org_id,aid,value\n10,101,6000\n").unwrap();
    let apply = ["apply", file.to_str().unwrap()];
    let ran = |arguments: &[&str], name: &str, value: &str| {
        let mut command = bench.command(arguments);
        command.env(name, value).stdout(Stdio::piped()).stderr(Stdio::piped());
        end(command.spawn().unwrap())
    };
    let elsewhere = ran(&apply, "TE_BASE_URL", &other.base_url()).ends_with(75).log;
    assert!(elsewhere.contains("nothing was done: the running quotakeeper works with "), "{elsewhere}");
    ran(&["snapshot"], "TE_BASE_URL", &other.base_url()).ends_with(75);
    let stricter = ran(&apply, "QUOTAKEEPER__GUARD__APPROVAL", "always").ends_with(75).log;
    assert!(stricter.contains("has other settings than this command"), "{stricter}");
    let dropped = bench.data().join("other-inbox/raise.csv");
    fs_err::create_dir(dropped.parent().unwrap()).unwrap();
    fs_err::copy(&file, &dropped).unwrap();
    let inbox = |dir: &str| ran(&["inbox"], "QUOTAKEEPER__INBOX__DIR", dir);
    let other_inbox = inbox(dropped.parent().unwrap().to_str().unwrap()).ends_with(75).log;
    assert!(other_inbox.contains("has another inbox than this command"), "{other_inbox}");
    assert!(dropped.exists(), "it was not taken, and the command did not say that it was");
    inbox(bench.data().join("../data/inbox").to_str().unwrap()).ends_with(0);
    // What decides nothing about changes may differ.
    ran(&["snapshot"], "QUOTAKEEPER__GUARD__APPROVAL", "always").ends_with(0);
    assert_eq!((bench.posts(), other.count(ASSIGN)), (0, 0));
    bench.run(&apply).ends_with(0);
    assert_eq!(bench.posts(), 1);
    stop(daemon);
}

#[test]
fn data_of_another_api_blocks_files_and_snapshots() {
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    let own = bench.data().join("api.json");
    let written = fs_err::read_to_string(&own).unwrap();
    assert!(written.contains("this machine"), "{written}");
    fs_err::write(&own, written.replace("this machine", "api.thousandeyes.com")).unwrap();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    let before = bench.standin.count("GET /quotas");
    for command in [&["once"][..], &["inbox"], &["snapshot"], &["run"]] {
        let log = bench.run(command).ends_with(1).log;
        assert!(
            log.contains("is about the API of api.thousandeyes.com, and api.base_url"),
            "{command:?}: {log}"
        );
    }
    assert!(bench.data().join("inbox/raise.csv").exists());
    assert_eq!((bench.snapshots().len(), bench.standin.count("GET /quotas"), bench.posts()), (1, before, 0));
    fs_err::remove_file(own).unwrap();
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.posts(), 1);
}

#[test]
fn a_command_whose_work_fails_in_the_daemon_says_why_and_the_next_success_clears_it() {
    let bench = Bench::new(World::small());
    let daemon = daemon(&bench);
    bench.standin.at("GET /quotas", 0, Fault::Fail(401));
    let ran = bench.run(&["snapshot"]).ends_with(1);
    assert!(ran.log.contains("401"), "{}", ran.log);
    bench.run(&["snapshot"]).ends_with(0);
    let status = bench.run(&["status"]).ends_with(0).out;
    assert!(!status.contains("has failed"), "{status}");
    stop(daemon);
}

#[test]
fn when_the_daemon_is_killed_the_command_that_waits_does_its_work_once() {
    for begun in [false, true] {
        let bench = Bench::new(World::small());
        let call = if begun { ASSIGN } else { "GET /usage" };
        bench.standin.at(call, 0, if begun { Fault::ActThenStall } else { Fault::Stall });
        let mut daemon = bench.start(&["run"]);
        if begun {
            bench.wait_for_log("history thinned");
        } else {
            bench.standin.wait_until("the stall", |log| log.iter().any(|one| one.status.is_none()));
        }
        fs_err::write(bench.data().join("raise.csv"), "org_id,aid,value\n10,101,6000\n").unwrap();
        let apply = beside(&bench, &["apply", bench.data().join("raise.csv").to_str().unwrap()]);
        if begun {
            bench.standin.wait_until("the stalled write", |log| log.iter().any(|one| one.status.is_none()));
        } else {
            while !waits(&bench, "json") {
                std::thread::yield_now();
            }
        }
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        end(apply).ends_with(0);
        assert_eq!((bench.standin.count(ASSIGN), bench.runs().len()), (1, 1), "begun: {begun}");
        assert_eq!(bench.only_run().state(), "done");
        assert_eq!(left(&bench), [""; 0]);
    }
}

#[test]
fn a_command_that_is_interrupted_withdraws_what_was_not_begun() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /usage", 0, Fault::Stall);
    let daemon = bench.start(&["run"]);
    bench.standin.wait_until("the stall", |log| log.iter().any(|one| one.status.is_none()));
    fs_err::write(bench.data().join("raise.csv"), "org_id,aid,value\n10,101,6000\n").unwrap();
    let apply = beside(&bench, &["apply", bench.data().join("raise.csv").to_str().unwrap()]);
    while !waits(&bench, "json") {
        std::thread::yield_now();
    }
    signal(&apply, "-INT");
    let ran = end(apply).ends_with(1);
    assert!(ran.log.contains("withdrawn"), "{}", ran.log);
    assert_eq!((left(&bench), bench.runs().len()), (Vec::new(), 0));
    stop(daemon);
}

#[test]
fn a_process_whose_lock_was_removed_writes_nothing_more_and_ends_as_failed() {
    let bench = Bench::new(World::small());
    let mut first = daemon(&bench);
    fs_err::remove_file(bench.data().join("lock")).unwrap();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    assert_eq!(first.wait().unwrap().code(), Some(1));
    assert!(bench.log().contains("is no longer the lock that this process holds"), "{}", bench.log());
    assert_eq!((bench.posts(), bench.runs().len()), (0, 0));
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.posts(), 1);
}

#[test]
fn a_data_folder_that_is_moved_away_ends_the_daemon_and_can_be_put_back() {
    let bench = Bench::new(World::small());
    let mut first = daemon(&bench);
    while bench.run(&["status", "--format", "json"]).out.contains("\"due\": true") {}
    let (data, aside) = (bench.data(), bench.data().with_extension("aside"));
    fs_err::rename(&data, &aside).unwrap();
    // The folder that it watches: it wakes.
    fs_err::write(aside.join("inbox/raise.csv"), "org_id,aid,value\n10,101,6000\n").unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(1));
    assert!(bench.log().contains("is no longer the lock that this process holds"), "{}", bench.log());
    assert!(!data.exists(), "nothing is made in its place");
    fs_err::rename(&aside, &data).unwrap();
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.posts(), 1);
}

#[test]
fn between_two_batches_a_process_without_its_lock_stops() {
    let bench = Bench::new(World::small());
    // The read before the second batch takes its time.
    bench.standin.at("GET /quotas", 2, Fault::Stall);
    bench.drop_file("both.csv", "org_id,aid,value\n10,101,6000\n10,102,7900\n");
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("the stall", |log| log.iter().any(|one| one.status.is_none()));
    fs_err::remove_file(bench.data().join("lock")).unwrap();
    assert_eq!(daemon.wait().unwrap().code(), Some(1));
    assert_eq!(bench.standin.count(ASSIGN), 1);
    bench.run(&["once"]).ends_with(0);
    assert_eq!((bench.standin.count(ASSIGN), bench.only_run().state().as_str()), (2, "done"));
}

#[test]
fn a_long_row_of_files_keeps_neither_an_approval_nor_mail_nor_a_snapshot_waiting() {
    let bench = Bench::new(World::small()).with_mail().with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "600");
    bench.drop_file("cut.csv", "org_id,aid,value\n10,102,1\n");
    bench.run(&["inbox"]).ends_with(5);
    let held = bench.only_run();
    let is_sent = || {
        let sent = fs_err::read_dir(bench.data().join("outbox/sent"));
        sent.is_ok_and(|mut sent| sent.next().is_some())
    };
    assert!(!is_sent(), "the mail about it waits");
    for file in 0..30 {
        bench.drop_file(&format!("f{file:02}.csv"), format!("org_id,aid,value\n10,101,{}\n", 6000 + file));
    }
    let daemon = bench.start(&["run"]);
    bench.standin.wait_until("the first file", |log| log.iter().any(|one| one.call.starts_with("POST")));
    bench.run(&["approve", &held.id()]).ends_with(0);
    while held.state() != "done" || bench.csv_files("history").is_empty() || !is_sent() {
        std::thread::yield_now();
    }
    let done = bench.runs().iter().filter(|run| run.state() == "done").count();
    assert!(done < 31, "the approval, the mail and the snapshot came before the last of the files");
    stop(daemon);
}

#[test]
fn while_sixty_files_meet_the_rate_limit_an_approval_is_acted_on_after_the_file_under_way_and_the_rest_has_had_its_turn()
 {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file("cut.csv", "org_id,aid,value\n10,102,1\n");
    bench.run(&["inbox"]).ends_with(5);
    let held = bench.only_run();
    for file in 0..60 {
        bench.drop_file(&format!("f{file:02}.csv"), format!("org_id,aid,value\n10,101,{}\n", 6000 + file));
    }
    // So that the files are due from the beginning, as everything else is.
    let path = bench.data().join("state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    state["jobs"].as_object_mut().unwrap().remove("inbox");
    fs_err::write(&path, state.to_string()).unwrap();

    // Somebody approves while the third file is being sent, after a wait for the rate limit.
    bench.standin.at(ASSIGN, 1, Fault::RateLimit { reset_in: 1 });
    let mut approve = bench.command(&["approve", &held.id()]);
    approve.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (sender, receiver) = std::sync::mpsc::channel();
    let (data, decision) = (bench.data(), bench.data().join("runs").join(held.id()).join("decision.json"));
    let third = move |_: &mut World| {
        let approving = approve.spawn().unwrap();
        let requests = data.join("requests");
        let is_handed_over = || {
            let names = fs_err::read_dir(&requests).into_iter().flatten().flatten();
            names.into_iter().any(|entry| entry.path().extension().is_some_and(|end| end == "decided"))
        };
        while !(decision.exists() && is_handed_over()) {
            std::thread::yield_now();
        }
        let count = |folder: &str| fs_err::read_dir(data.join(folder)).unwrap().count();
        sender.send((approving, count("outbox/sent"))).unwrap();
    };
    bench.standin.at(ASSIGN, 3, Fault::Edit(Box::new(third)));
    let daemon = bench.start(&["run"]);
    let (approving, sent) = receiver.recv().unwrap();
    assert!(sent > 0, "mail had its turn");
    assert_eq!(bench.csv_files("history").len(), 1, "and so had a snapshot");
    end(approving).ends_with(0);
    let mut written = Vec::new();
    bench.standin.wait_until("the write after the third", |log| {
        let writes = log.iter().filter(|one| one.call == ASSIGN && one.status == Some(200));
        written = writes.take(4).map(|one| one.rows[0].1).collect();
        written.len() == 4
    });
    stop(daemon);
    assert_eq!(written, [Some(6000), Some(6001), Some(6002), Some(1)], "the approval comes next");
}

#[test]
fn a_person_who_fixed_what_failed_is_not_answered_from_memory() {
    let bench = Bench::new(World::small()).with_mail();
    let daemon = daemon(&bench);
    for skip in 0..3 {
        bench.standin.at("GET /quotas", skip, Fault::Fail(500));
    }
    bench.run(&["snapshot"]).ends_with(1);
    bench.standin.forget_faults();
    bench.run(&["snapshot"]).ends_with(0);
    stop(daemon);
}
