//! SIGTERM, whatever the daemon is at: it ends within ten seconds, with 0, and the next start goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::standin::{Fault, World};
use crate::testbed::{Bench, counts};

/// What the design promises, and what `TimeoutStopSec=` and `terminationGracePeriodSeconds` are set by.
const PROMISED: Duration = Duration::from_secs(10);

const ASSIGN: &str = "POST /quotas/account-groups/assign";
/// A raise, and a decrease that goes out after it, in a request of its own.
const RAISE_AND_DECREASE: &str = "org_id,aid,value\n10,101,6000\n10,102,7900\n";

fn terminate(daemon: &Child) {
    let kill = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// Ends in time and cleanly after this many signals.
#[track_caller]
fn stops(mut daemon: Child, signals: usize) {
    let asked = Instant::now();
    for _ in 0..signals {
        terminate(&daemon);
    }
    let ended: ExitStatus = daemon.wait().unwrap();
    println!("ended after {:?}", asked.elapsed());
    assert!(asked.elapsed() <= PROMISED, "{:?}", asked.elapsed());
    assert_eq!(ended.code(), Some(0));
}

fn first_snapshot(bench: &Bench) {
    bench.standin.wait_until("the daemon's first snapshot", |log| {
        log.iter().filter(|one| one.call == "GET /usage").count() == 3
    });
}

fn stall(bench: &Bench) {
    bench.standin.wait_until("the stall", |log| log.iter().any(|one| one.status.is_none()));
}

#[test]
fn the_daemon_stops_while_it_has_nothing_to_do() {
    let bench = Bench::new(World::small());
    let daemon = bench.start(&["run"]);
    first_snapshot(&bench);
    bench.wait_for_log("history thinned");
    stops(daemon, 1);
}

#[test]
fn the_daemon_stops_while_a_snapshot_gets_no_answer_and_the_next_start_takes_it() {
    for signals in [1, 2] {
        let bench = Bench::new(World::small());
        bench.standin.at("GET /usage", 1, Fault::Stall);
        let daemon = bench.start(&["run"]);
        stall(&bench);
        stops(daemon, signals);
        assert_eq!(bench.csv_files("history").len(), 0, "no half of it");
        bench.run(&["once"]).ends_with(0);
        assert_eq!(bench.csv_files("history").len(), 1);
    }
}

#[test]
fn the_daemon_stops_in_the_middle_of_a_rate_limit_wait_of_a_minute() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /usage", 0, Fault::RateLimit { reset_in: 60 });
    let daemon = bench.start(&["run"]);
    bench.standin.wait_until("the 429", |log| log.iter().any(|one| one.status == Some(429)));
    bench.wait_for_log("the rate limit is used up");
    stops(daemon, 1);
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.csv_files("history").len(), 1);
}

#[test]
fn the_daemon_stops_between_two_batches_and_the_next_start_sends_the_other_one_only() {
    let bench = Bench::new(World::small());
    // The read before the second batch gets no answer.
    bench.standin.at("GET /quotas", 2, Fault::Stall);
    bench.drop_file("both.csv", RAISE_AND_DECREASE);
    let daemon = bench.start(&["run"]);
    stall(&bench);
    assert_eq!(bench.standin.count(ASSIGN), 1, "it stands between the two");
    stops(daemon, 1);
    assert_eq!(bench.only_run().state(), "applying");
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
    assert_eq!(bench.standin.count(ASSIGN), 2);
}

#[test]
fn the_daemon_stops_while_a_write_gets_no_answer_and_the_next_start_reads_what_came_of_it() {
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::ActThenStall);
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    let daemon = bench.start(&["run"]);
    stall(&bench);
    stops(daemon, 1);
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 1)]));
    assert_eq!(bench.standin.count(ASSIGN), 1);
}

#[test]
fn the_daemon_stops_while_a_mail_server_says_nothing_and_the_mail_waits() {
    // It greets, and answers nothing after that.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let bench = Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
        .with("QUOTAKEEPER__MAIL__TO__USAGE", r#"["ann@example.com"]"#)
        .with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1")
        .with("QUOTAKEEPER__SMTP__PORT", &port)
        .with("QUOTAKEEPER__SMTP__TLS", "off");
    let daemon = bench.start(&["run"]);
    let (mut connection, _) = server.accept().unwrap();
    connection.write_all(b"220 mail.example.com\r\n").unwrap();
    let mut said = String::new();
    BufReader::new(&connection).read_line(&mut said).unwrap();
    assert!(said.starts_with("EHLO"), "{said}");
    stops(daemon, 1);
    let waiting = fs_err::read_dir(bench.data().join("outbox/new")).unwrap();
    let waiting = waiting.filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "eml");
    assert_eq!(waiting.count(), 1);
}
