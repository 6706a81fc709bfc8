//! A daemon that listens on a port of its own, and a scraper that asks as one does.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::exposition::Exposition;
use crate::testbed::Bench;

/// What a test may wait for before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A run of the daemon; it is killed if the test ends before it does.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Looks until there is something to see.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the started command logged so far.
pub(crate) fn log(bench: &Bench) -> String {
    fs_err::read_to_string(bench.data().with_file_name("started.log")).unwrap()
}

impl Daemon {
    /// Starts it on a port that is free.
    pub(crate) fn start(bench: Bench) -> (Bench, Self) {
        let bench = bench.with("QUOTAKEEPER__SERVER__LISTEN", "127.0.0.1:0");
        let child = bench.start(&["run"]);
        let address = eventually("the address", || {
            let log = log(&bench);
            let (_, after) = log.split_once("\"listen\":\"")?;
            after.split('"').next()?.parse().ok()
        });
        (bench, Self { child, address })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    /// One request on a connection of its own, which the server closes.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// The metrics, read strictly.
    pub(crate) fn scrape(&self) -> Exposition {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        Exposition::read(&answer.body).unwrap_or_else(|problem| panic!("{problem}\n{}", answer.body))
    }

    pub(crate) fn wait_until_ready(&self) {
        eventually("readiness", || (self.get("/readyz").status == 200).then_some(()));
    }

    /// Asks it to stop, and says how it ended and how long that took.
    pub(crate) fn stop(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        (self.child.wait().unwrap(), asked.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
