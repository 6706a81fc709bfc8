//! SIGHUP: a configuration that can be used is taken over, one that cannot is not.

use std::process::{Child, Command};

use crate::standin::World;
use crate::testbed::Bench;

fn signal(process: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

#[test]
fn sighup_takes_a_valid_configuration_over_and_leaves_an_invalid_one() {
    let bench = Bench::new(World::small());
    bench.configure("[inbox]\napply = false\n");
    let mut daemon = bench.start(&["run"]);
    bench.wait_for_log("history thinned");
    let status = |bench: &Bench| bench.run(&["status"]).ends_with(0).out;
    assert!(!status(&bench).contains("not in use"), "{}", status(&bench));

    bench.configure("[inbox]\napply = true\n");
    assert!(status(&bench).contains("is not in use yet"), "{}", status(&bench));
    let checked = bench.run(&["check"]).ends_with(0).out;
    assert!(checked.contains("does not use"), "{checked}");
    signal(&daemon, "-HUP");
    bench.wait_for_log("was read again and is in use");
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));

    bench.configure("[inbox]\nappply = false\n");
    signal(&daemon, "-HUP");
    bench.wait_for_log("the one before stays in use");
    bench.configure("[server]\nlisten = \"127.0.0.1:1\"\n");
    signal(&daemon, "-HUP");
    bench.wait_for_log("counts from the next start only");
    assert!(status(&bench).contains("[server]"), "{}", status(&bench));

    signal(&daemon, "-TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}
