//! One writer at a time, and each slot of a schedule once.

use std::process::Command;

use crate::standin::World;
use crate::testbed::Bench;

#[test]
fn a_slot_that_was_served_is_not_served_again() {
    // At one moment of the year, so that the clock cannot pass a slot while this runs.
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 29 2 *");
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.csv_files("history").len(), 1, "the first time it is due at once");
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.csv_files("history").len(), 1);
}

#[test]
fn while_the_daemon_runs_a_second_instance_is_told_so_and_does_nothing() {
    let bench = Bench::new(World::small());
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("the daemon's first snapshot", |log| {
        log.iter().filter(|one| one.call == "GET /usage").count() == 3
    });
    let log = bench.run(&["snapshot"]).ends_with(75).log;
    assert!(log.contains(&daemon.id().to_string()), "{log}");
    bench.run(&["once"]).ends_with(0);
    bench.run(&["once", "--detailed-exitcode"]).ends_with(75);
    // Those who only look are not in the way.
    bench.run(&["export"]).ends_with(0);
    bench.run(&["status"]).ends_with(0);

    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0), "it ends cleanly");
    bench.run(&["once", "--detailed-exitcode"]).ends_with(0);
}

#[test]
fn an_approval_beside_the_daemon_is_acted_on_by_the_daemon() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SCHEDULE__INBOX", "* * * * * *");
    bench.drop_file("cut.csv", "org_id,aid,value\n10,101,3000\n");
    bench.run(&["inbox"]).ends_with(5);
    let run = bench.only_run();
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("the daemon's first snapshot", |log| {
        log.iter().filter(|one| one.call == "GET /usage").count() == 4
    });
    let out = bench.run(&["approve", &run.id()]).ends_with(0).out;
    assert!(out.contains(&daemon.id().to_string()), "it says who acts on it: {out}");
    bench.standin.wait_until("the daemon's write", |log| log.iter().any(|one| one.call.starts_with("POST")));

    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0), "it ends cleanly");
    bench.run(&["inbox"]).ends_with(0); // what the stop cut off
    assert_eq!((run.state().as_str(), bench.posts()), ("done", 1));
}
