//! The port of a running daemon, for all that may reach it: scrapers, probes and load balancers with their habits, and those
//! who would read what is not theirs or keep others waiting.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::daemon::{Daemon, eventually};
use crate::standin::World;
use crate::testbed::Bench;

fn start() -> (Bench, Daemon) {
    Daemon::start(Bench::new(World::small()))
}

/// A connection that sent something and waits.
fn connected(daemon: &Daemon, sent: &str) -> TcpStream {
    let mut connection = TcpStream::connect(daemon.address).unwrap();
    connection.write_all(sent.as_bytes()).unwrap();
    connection
}

/// Whether the server ended the connection, with or without an answer.
fn is_ended(connection: &mut TcpStream) -> bool {
    connection.set_nonblocking(true).unwrap();
    let mut bytes = [0; 1024];
    match connection.read(&mut bytes) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock),
    }
}

#[test]
fn connections_with_half_a_request_or_none_give_way_to_complete_requests() {
    let (_bench, daemon) = start();
    let sent = ["", "GET /metrics HTTP/1.1\r\nHos", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "G"];
    let mut silent: Vec<_> = (0..200).map(|number| connected(&daemon, sent[number % sent.len()])).collect();
    for _ in 0..20 {
        assert_eq!(daemon.get("/healthz").body, "ok\n");
    }
    // Of 200 some had to go, and the oldest went.
    eventually("room was made", || silent[..100].iter_mut().all(is_ended).then_some(()));
    assert_eq!(daemon.get("/healthz").status, 200);
    // The others are not waited for either.
    eventually("the heads' time is over", || silent.iter_mut().all(is_ended).then_some(()));
}

#[test]
fn readers_that_read_nothing_give_way_too() {
    let (_bench, daemon) = start();
    daemon.wait_until_ready();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", daemon.address);
    let slow: Vec<_> = (0..100).map(|_| connected(&daemon, &request)).collect();
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.get("/metrics").status, 200);
    drop(slow);
}

#[test]
fn probes_and_scrapers_with_their_habits_are_answered() {
    let (_bench, daemon) = start();
    daemon.wait_until_ready();
    for path in ["/healthz", "/healthz/", "/healthz?verbose=1", "/readyz", "/metrics/", "/metrics?name[]=x"] {
        for (method, version) in [("GET", "1.1"), ("HEAD", "1.1"), ("GET", "1.0"), ("HEAD", "1.0")] {
            let answer =
                daemon.ask(&format!("{method} {path} HTTP/{version}\r\nHost: {}\r\n\r\n", daemon.address));
            assert_eq!(answer.status, 200, "{method} {path} {version}: {answer:?}");
            let length =
                answer.head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let length: usize = length.unwrap_or_else(|| panic!("no length: {answer:?}")).parse().unwrap();
            assert!(length > 0, "{answer:?}");
            if method == "HEAD" {
                assert_eq!(answer.body, "", "{path}");
            } else {
                assert_eq!(answer.body.len(), length, "{path}");
            }
        }
    }
    // A load balancer that speaks HTTP/1.0 names no host.
    assert_eq!(daemon.ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
    // Prometheus offers other formats and compression first; what it gets says what it is.
    let answer = daemon.ask(&format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n\
         Accept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n",
        daemon.address
    ));
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    assert!(!answer.head.contains("content-encoding"), "{}", answer.head);
}

#[test]
fn an_invalid_request_is_refused_and_the_next_one_is_answered() {
    let (_bench, daemon) = start();
    let host = format!("Host: {}\r\n", daemon.address);
    let long = "x".repeat(20_000);
    let many = "X-Line: 1\r\n".repeat(100);
    for (request, status) in [
        (format!("POST /metrics HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), 405),
        (format!("DELETE /healthz HTTP/1.1\r\n{host}\r\n"), 405),
        (format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"), 404),
        (format!("GET /nothing HTTP/1.1\r\n{host}\r\n"), 404),
        (format!("POST /changes HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), 405),
        (format!("GET /healthz// HTTP/1.1\r\n{host}\r\n"), 404),
        (format!("GET /../../etc/passwd HTTP/1.1\r\n{host}\r\n"), 404),
        (format!("GET /healthz HTTP/1.1\r\n{host}X-Long: {long}\r\n\r\n"), 431),
        (format!("GET /healthz HTTP/1.1\r\n{host}{many}\r\n"), 431),
        ("\u{16}\u{3}\u{1} TLS?\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(daemon.ask(&request).status, status, "{request:.100}");
    }
    assert_eq!(daemon.get("/healthz").body, "ok\n");
}

#[test]
fn http_2_is_not_spoken_neither_at_once_nor_by_an_upgrade() {
    let (_bench, daemon) = start();
    // The preface, and the empty settings that follow it.
    let mut connection = connected(&daemon, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0");
    let mut answer = Vec::new();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // It is closed, perhaps after an error in plain HTTP/1.1; a server of HTTP/2 would send its settings.
    let _ = connection.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
    let upgrade = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        daemon.address
    );
    assert_eq!(daemon.ask(&upgrade).status, 200);
}

#[test]
fn a_request_with_a_foreign_host_name_is_refused_with_a_sentence_at_every_address() {
    let bench =
        Bench::new(World::small()).with("QUOTAKEEPER__SERVER__PUBLIC_URL", "https://quotas.example.com/");
    let (_bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    let port = daemon.address.port();
    for path in ["/metrics", "/readyz", "/healthz", "/"] {
        let ask = |host: &str| daemon.ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let refused = ask(&format!("rebound.example:{port}"));
        assert_eq!(refused.status, 421, "{refused:?}");
        assert!(refused.body.contains("server.public_url") && refused.body.len() < 300, "{refused:?}");
        for known in ["localhost", "quotas.example.com", &format!("[::1]:{port}"), "10.7.0.3:8080"] {
            let answer = ask(known);
            assert_eq!(answer.status, 200, "{known}: {}", answer.head);
        }
    }
    assert_eq!(daemon.ask("GET /metrics HTTP/1.1\r\n\r\n").status, 400);
    assert_eq!(
        daemon.ask("GET http://rebound.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").status,
        421
    );
}
