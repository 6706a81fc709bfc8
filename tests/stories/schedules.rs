//! When the daemon and `once` do what, and what they say of what they could not do in time.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::standin::{Fault, World};
use crate::testbed::Bench;

/// Lets the last success of the snapshot job be this long ago.
fn set_back(bench: &Bench, by: TimeDelta) {
    let path = bench.data().join("state.json");
    let mut state: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    let last = &mut state["jobs"]["snapshot"]["last_success"];
    let at: DateTime<Utc> = last.as_str().unwrap().parse().unwrap();
    *last = (at - by).to_rfc3339().into();
    fs_err::write(&path, state.to_string()).unwrap();
}

#[test]
fn slots_missed_while_nothing_ran_are_caught_up_once_and_reported_by_both_once_and_the_daemon() {
    let bench = Bench::new(World::small());
    bench.run(&["once"]).ends_with(0);
    for (daemon, snapshots) in [(false, 2), (true, 3)] {
        set_back(&bench, TimeDelta::hours(5));
        let log = if daemon {
            let mut daemon = bench.start(&["run"]);
            let log = bench.wait_for_log("snapshot written");
            let log = if log.contains("missed") { log } else { bench.wait_for_log("missed") };
            daemon.kill().unwrap();
            daemon.wait().unwrap();
            log
        } else {
            bench.run(&["once"]).ends_with(0).log
        };
        let logged: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let logged: Vec<_> =
            logged.iter().filter(|line| line["message"] == "slots were missed before this one").collect();
        let [gap] = &logged[..] else { panic!("{log}") };
        assert_eq!((&gap["job"], &gap["level"]), (&"snapshot".into(), &"WARN".into()));
        // The hour may have changed since the first command.
        assert!((4..=5).contains(&gap["slots"].as_u64().unwrap()), "{gap}");
        assert_eq!(bench.csv_files("history").len(), snapshots, "one snapshot for all of them");
        let status = bench.run(&["status"]).ends_with(0).out;
        assert!(status.contains("slots missed until"), "{status}");
    }
}

#[test]
fn a_clock_that_jumps_a_year_ahead_misses_no_slots_in_the_very_snapshot_that_finds_it_wrong() {
    let bench = Bench::new(World::small());
    bench.run(&["once"]).ends_with(0);
    let year = TimeDelta::days(365);
    set_back(&bench, year);
    bench.standin.world(|world| world.clock_off = -year.num_seconds());
    let log = bench.run(&["once"]).ends_with(0).log;
    assert!(
        log.contains("this machine's clock differs from the API's") && !log.contains("slots were missed"),
        "{log}"
    );
    let status = bench.run(&["status"]).ends_with(0).out;
    assert!(!status.contains("missed"), "{status}");
}

#[test]
fn a_slow_job_never_overlaps_and_its_slots_coalesce_and_other_kinds_wait_for_it_alone() {
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "* * * * * *")
        .with("QUOTAKEEPER__SCHEDULE__INBOX", "* * * * * *");
    bench.standin.at("GET /account-groups", 0, Fault::RateLimit { reset_in: 4 });
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("the 429", |log| log.iter().any(|one| one.status == Some(429)));
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));
    bench.wait_for_log("slots were missed before this one");
    daemon.kill().unwrap();
    daemon.wait().unwrap();

    let log = bench.standin.log();
    let refused = log.iter().position(|one| one.status == Some(429)).unwrap();
    assert_eq!(log[refused + 1].call, log[refused].call, "nothing else is asked while the job waits");
    let logged = bench.log();
    let place = |text: &str| logged.find(text).unwrap_or_else(|| panic!("{text} is not in {logged}"));
    let second = logged.match_indices("snapshot written").nth(1).map_or(logged.len(), |(place, _)| place);
    assert!(place("snapshot written") < place("\"claimed\""), "{logged}");
    assert!(place("\"claimed\"") < second, "the inbox has its turn before the next snapshot: {logged}");
}

#[test]
fn status_shows_times_in_the_zone_of_the_schedule() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SCHEDULE__TIMEZONE", "Asia/Kolkata");
    bench.run(&["once"]).ends_with(0);
    let status = bench.run(&["status"]).ends_with(0).out;
    let snapshot = status.lines().find(|line| line.trim_start().starts_with("snapshot")).unwrap();
    let next = snapshot.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).nth(3).unwrap();
    assert!(
        status.contains("next (Kolkata)") && next.ends_with(":00"),
        "the next full hour of the zone: {status}"
    );
}
