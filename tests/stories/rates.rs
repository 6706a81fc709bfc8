//! The rate limit, by the server's clock and not by ours.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::standin::{Fault, Logged, World};
use crate::testbed::{Bench, counts};

const RAISE: &str = "org_id,aid,value\n10,101,6000\n";

#[test]
fn with_a_server_ten_minutes_behind_a_429_waits_as_the_server_says_and_no_longer() {
    two_refusals_each_are_waited_out(-600);
}

#[test]
fn with_a_server_ten_minutes_ahead_a_429_waits_as_the_server_says_and_no_longer() {
    two_refusals_each_are_waited_out(600);
}

fn two_refusals_each_are_waited_out(clock_off: i64) {
    let bench = Bench::new(World { clock_off, ..World::small() });
    for call in ["GET /quotas", "POST"] {
        for reset_in in [2, 1] {
            bench.standin.at(call, 0, Fault::RateLimit { reset_in });
        }
    }
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 1)]));

    let log = bench.standin.log();
    let refused: Vec<usize> = (0..log.len()).filter(|index| log[*index].status == Some(429)).collect();
    assert_eq!(refused.len(), 4);
    for (index, reset_in) in refused.into_iter().zip([2, 1, 2, 1]) {
        let waited = log[index + 1].at - log[index].at;
        // Its date is cut to whole seconds, and nothing else is asked meanwhile.
        assert!(waited >= Duration::from_secs(reset_in), "{clock_off}: {waited:?} after {:?}", log[index]);
        assert!(waited <= Duration::from_secs(65), "{clock_off}: {waited:?} after {:?}", log[index]);
        let is_read = log[index].call.starts_with("GET");
        let next = if is_read { &log[index].call } else { "GET /quotas" };
        assert_eq!(log[index + 1].call, next, "a write is sent after what it depends on was read again");
    }
    assert_eq!(bench.posts(), 3, "two refusals and the write");
}

#[test]
fn a_stop_during_a_long_wait_ends_in_time_and_the_run_continues_afterwards() {
    let bench = Bench::new(World::small());
    bench.standin.at("POST", 0, Fault::RateLimit { reset_in: 60 });
    bench.drop_file("raise.csv", RAISE);
    let mut waiting = bench.start(&["inbox"]);
    bench.standin.wait_until("the 429", |log: &[Logged]| log.iter().any(|one| one.status == Some(429)));
    let asked = Instant::now();
    let kill = Command::new("kill").args(["-TERM", &waiting.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let ended = waiting.wait().unwrap();
    println!("SIGTERM during a wait of 60 s: ended after {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
    assert_eq!(ended.code(), Some(1), "what was to be done is not done");
    assert_eq!(bench.only_run().state(), "applying");

    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 1)]));
    assert_eq!(bench.posts(), 2);
}
