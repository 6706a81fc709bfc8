//! One mail for a run, one for what somebody else did, none twice.

use std::time::{Duration, Instant};

use crate::standin::{Fault, World, key};
use crate::testbed::{Bench, table};

const RAISE: &str = "org_id,aid,value,comment\n10,101,6000,more\n";

#[test]
fn a_run_is_told_in_one_mail_however_often_the_jobs_run_again() {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file("raise.csv", RAISE);
    for _ in 0..2 {
        bench.run(&["inbox"]).ends_with(0);
        bench.run(&["outbox"]).ends_with(0);
        let mails = bench.delivered();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].contains("changes@example.com") && mails[0].contains("Helpdesk"), "{}", mails[0]);
    }
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.delivered().len(), 1);
}

#[test]
fn what_somebody_else_changed_is_told_once_and_noted() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(5_555)));
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);

    let files = bench.csv_files("changes");
    assert_eq!(files.len(), 1);
    let rows = table(&fs_err::read(&files[0]).unwrap());
    assert_eq!(rows.len(), 1);
    let cells = ["org_id", "aid", "before", "after", "made_by"].map(|column| rows[0][column].as_str());
    assert_eq!(cells, ["10", "101", "5000", "5555", "outside"]);
    let mails = bench.delivered();
    assert_eq!(mails.len(), 1);
}

#[test]
fn what_a_run_changed_is_noted_as_its_own_and_no_drift() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);

    let files = bench.csv_files("changes");
    assert_eq!(files.len(), 1);
    let rows = table(&fs_err::read(&files[0]).unwrap());
    let run = bench.only_run().id();
    let cells = ["before", "after", "made_by", "run", "comment"].map(|column| rows[0][column].as_str());
    assert_eq!(cells, ["5000", "6000", "run", run.as_str(), "more"]);
    assert_eq!(bench.delivered().len(), 1, "the run's own mail and no other");
}

#[test]
fn what_a_run_changed_and_somebody_changed_on_is_drift_from_the_runs_value() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(6_500)));
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    let rows = table(&fs_err::read(&bench.csv_files("changes")[0]).unwrap());
    let told: Vec<_> = rows.iter().map(|row| [&row["before"], &row["after"], &row["made_by"]]).collect();
    assert_eq!(told, [["5000", "6000", "run"], ["6000", "6500", "outside"]]);
    assert_eq!(bench.delivered().len(), 2);
}

#[test]
fn a_snapshot_that_keeps_failing_is_told_once_until_it_succeeded() {
    let bench = Bench::new(World::small()).with_mail();
    // Failures are told apart by the second, so it fails for more than one.
    let fail_often = || {
        bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            bench.run(&["snapshot"]).ends_with(1);
        }
        bench.run(&["snapshot"]).ends_with(1);
        bench.run(&["outbox"]).ends_with(0);
    };
    fail_often();
    let mails = bench.delivered();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("ops@example.com"), "{}", mails[0]);

    bench.standin.world(|world| world.broken = None);
    bench.run(&["snapshot"]).ends_with(0);
    fail_often();
    assert_eq!(bench.delivered().len(), 2, "another outage, another mail");
}

#[test]
fn a_run_in_the_very_second_of_a_snapshot_is_no_drift_neither_then_nor_later() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.make_the_snapshot_old();
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    for _ in 0..2 {
        bench.run(&["snapshot"]).ends_with(0);
    }
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run"]);
    assert_eq!(bench.delivered().len(), 1, "the run's own mail and no other");
}

#[test]
fn what_an_interrupted_run_had_sent_is_its_own_and_no_drift() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.make_the_snapshot_old();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n10,102,7000\n");
    // The raise is sent, and the token is refused before the decrease.
    bench.standin.at("POST", 1, Fault::Fail(401));
    bench.standin.at("POST", 1, Fault::Fail(401));
    bench.run(&["inbox"]).ends_with(1);
    assert_eq!(bench.only_run().state(), "applying");
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run"]);

    bench.standin.forget_faults();
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run", "run"], "each row in the snapshot that showed it first");
    assert_eq!(bench.delivered().len(), 2, "of the failure and of the run, none of drift");
}

/// Who made each change that the snapshots showed.
fn made_by(bench: &Bench) -> Vec<String> {
    let files = bench.csv_files("changes").into_iter();
    let rows = files.flat_map(|path| table(&fs_err::read(path).unwrap()));
    rows.map(|row| row["made_by"].clone()).collect()
}
