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
