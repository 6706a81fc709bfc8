//! One writer at a time, and each slot of a schedule once.

use std::process::Command;

use crate::standin::{Fault, World};
use crate::testbed::{Bench, counts};

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
fn a_second_instance_beside_the_daemon_says_so_and_does_nothing() {
    let bench = Bench::new(World::small());
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("the daemon's first snapshot", |log| {
        log.iter().filter(|one| one.call == "GET /usage").count() == 3
    });
    let log = bench.run(&["once", "--detailed-exitcode"]).ends_with(75).log;
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(log.contains(&format!("process {} on {}", daemon.id(), host.trim())), "{log}");
    bench.run(&["run"]).ends_with(75);
    bench.run(&["once"]).ends_with(0);
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

/// A `CronJob` may start one twice, and two may overlap.
#[test]
fn one_of_several_simultaneous_once_does_the_work_and_none_fails() {
    let bench = Bench::new(World::small()).with_mail().with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 29 2 *");
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n20,201,4500\n");
    let together: Vec<_> = (0..5).map(|_| bench.start(&["once"])).collect();
    for mut one in together {
        assert_eq!(one.wait().unwrap().code(), Some(0));
    }
    assert_eq!((bench.only_run().state().as_str(), bench.posts()), ("done", 1));
    assert_eq!(bench.csv_files("history").len(), 1);
    assert_eq!(bench.delivered().len(), 1);
}

#[test]
fn once_that_is_evicted_in_the_middle_of_a_write_leaves_it_to_the_next() {
    for fault in [Fault::Stall, Fault::ActThenStall] {
        let bench = Bench::new(World::small());
        bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n20,201,4500\n");
        bench.standin.at("POST", 0, fault);
        let mut evicted = bench.start(&["once"]);
        bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));
        assert!(Command::new("kill").args(["-TERM", &evicted.id().to_string()]).status().unwrap().success());
        assert_eq!(evicted.wait().unwrap().code(), Some(1), "it did not do all that was due");
        bench.run(&["once"]).ends_with(0);
        assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
        assert_eq!(bench.standin.world(|world| world.writes.len()), 2, "each row was written once");
    }
}
