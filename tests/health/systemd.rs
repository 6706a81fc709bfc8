//! What systemd is notified of, by a socket of the test's own in its place.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use crate::daemon::PATIENCE;
use crate::standin::{Fault, World};
use crate::testbed::Bench;

/// Systemd's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    fn wait_for(&self, line: &str) -> String {
        let mut buffer = [0; 4096];
        let mut notified = String::new();
        loop {
            let length =
                self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{line}: {error}; {notified}"));
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            notified += &message;
            if message.lines().any(|own| own.starts_with(line)) {
                return notified;
            }
        }
    }
}

#[test]
fn systemd_gets_readiness_status_signs_of_life_during_a_long_wait_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let manager = Manager(socket);
    let bench = Bench::new(World::small())
        .with("NOTIFY_SOCKET", path.to_str().unwrap())
        .with("WATCHDOG_USEC", "200000");
    bench.standin.at("GET /quotas", 0, Fault::RateLimit { reset_in: 60 });
    let mut daemon = bench.start(&["run"]);
    let notified = manager.wait_for("READY=1");
    assert!(notified.starts_with("READY=1\nSTATUS="), "nothing was said before: {notified}");
    manager.wait_for("STATUS=at work: snapshot");
    bench.standin.wait_until("the 429", |log| log.iter().any(|one| one.status == Some(429)));
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
    assert_eq!(bench.standin.count("GET"), 1, "it is still the same wait");
    let kill = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(kill.success());
    manager.wait_for("STOPPING=1");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
fn when_it_has_nothing_to_do_it_says_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let bench = Bench::new(World::small())
        .with("NOTIFY_SOCKET", path.to_str().unwrap())
        .with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 29 2 *")
        .with("QUOTAKEEPER__SCHEDULE__TIMEZONE", "Europe/Berlin");
    let mut daemon = bench.start(&["run"]);
    let notified = Manager(socket).wait_for("STATUS=idle · next: ");
    let line = notified.lines().last().unwrap();
    assert!(line.contains(" CE"), "in the zone of the schedule: {line}");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
