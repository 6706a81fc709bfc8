//! The metrics for where nobody scrapes: `node_exporter`'s file, and a Pushgateway.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use httpmock::prelude::*;

use crate::daemon::{Daemon, eventually};
use crate::exposition::Exposition;
use crate::standin::World;
use crate::testbed::Bench;

fn with_textfile(bench: Bench) -> (Bench, std::path::PathBuf) {
    let path = bench.data().with_file_name("quotakeeper.prom");
    let text = path.to_str().unwrap().to_owned();
    (bench.with("QUOTAKEEPER__METRICS__TEXTFILE", &text), path)
}

fn read(path: &std::path::Path) -> Exposition {
    let text = fs_err::read_to_string(path).unwrap();
    Exposition::read(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

#[test]
fn once_leaves_a_file_that_says_what_outlives_it_and_counts_nothing() {
    let (bench, path) = with_textfile(Bench::new(World::small()));
    bench.run(&["once"]).ends_with(0);
    let metrics = read(&path);
    assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    let snapshot = [("job_name", "snapshot")];
    assert!(metrics.value("quotakeeper_job_last_success_timestamp_seconds", &snapshot).is_some());
    assert_eq!(metrics.value("quotakeeper_quota_units", &[("aid", "101")]), Some(5000.0));
    let counters: Vec<_> = metrics.names().into_iter().filter(|name| name.ends_with("_total")).collect();
    assert_eq!(counters, ["quotakeeper_job_panics_total"], "which state.json keeps");

    bench.standin.world(|world| world.broken = Some(("GET /quotas", 503)));
    let path_of_state = bench.data().join("state.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs_err::read(&path_of_state).unwrap()).unwrap();
    state["jobs"].as_object_mut().unwrap().remove("snapshot"); // so that it is due again
    fs_err::write(&path_of_state, state.to_string()).unwrap();
    bench.run(&["once"]).ends_with(1);
    let metrics = read(&path);
    assert!(metrics.value("quotakeeper_job_failing_since_timestamp_seconds", &snapshot).is_some());
    assert_eq!(
        metrics.value("quotakeeper_quota_units", &[("aid", "101")]),
        Some(5000.0),
        "of the last snapshot"
    );
}

#[test]
fn the_daemon_writes_the_file_and_pushes_after_its_jobs_with_its_counters() {
    let gateway = MockServer::start();
    let pushed = gateway.mock(|when, then| {
        when.method(PUT)
            .path("/metrics/job/quotakeeper/instance/production")
            .header("content-type", "text/plain; version=0.0.4; charset=utf-8")
            .body_includes("quotakeeper_job_runs_total{job_name=\"snapshot\",outcome=\"success\"} 1\n");
        then.status(200);
    });
    let url = gateway.url("/metrics/job/quotakeeper/instance/production");
    let (bench, path) =
        with_textfile(Bench::new(World::small()).with("QUOTAKEEPER__METRICS__PUSH_URL", &url));
    let (_bench, daemon) = Daemon::start(bench);
    eventually("a push after the snapshot", || (pushed.calls() > 0).then_some(()));
    let success = [("job_name", "snapshot"), ("outcome", "success")];
    assert_eq!(read(&path).value("quotakeeper_job_runs_total", &success), Some(1.0));
    assert_eq!(daemon.stop().0.code(), Some(0));
}

#[test]
fn metrics_that_cannot_be_written_or_pushed_are_a_warning_and_fail_no_job() {
    let gateway = MockServer::start();
    let refused = gateway.mock(|when, then| {
        when.method(PUT).path("/metrics/job/quotakeeper");
        then.status(400).body("pushed metrics are invalid");
    });
    let ran = Bench::new(World::small())
        .with("QUOTAKEEPER__METRICS__TEXTFILE", "/nowhere/quotakeeper.prom")
        .with("QUOTAKEEPER__METRICS__PUSH_URL", &gateway.url("/metrics/job/quotakeeper"))
        .run(&["once"])
        .ends_with(0);
    assert_eq!(refused.calls(), 1);
    for reason in [
        "/nowhere/quotakeeper.prom: /nowhere: No such file",
        "127.0.0.1 answered 400 pushed metrics are invalid",
    ] {
        assert_eq!(ran.log.matches(reason).count(), 1, "{reason}: {}", ran.log);
    }

    let log = Bench::new(World::small())
        .with("QUOTAKEEPER__METRICS__TEXTFILE", "/tmp/quotakeeper.txt")
        .with("QUOTAKEEPER__METRICS__PUSH_URL", &gateway.base_url())
        .run(&["once"])
        .ends_with(1)
        .log;
    for problem in
        ["metrics.textfile must end with .prom", "metrics.push_url must be the whole URL of a group"]
    {
        assert!(log.contains(problem), "{log}");
    }
}

#[test]
fn localhost_is_reached_at_whichever_of_its_addresses_answers_a_push_and_a_heartbeat() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = std::net::TcpListener::bind(address) else { continue }; // a machine without IPv6
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = stream.try_clone().unwrap();
                let _begun = request.read(&mut [0; 1024]);
                std::thread::spawn(move || std::io::copy(&mut request, &mut std::io::sink()));
                let _gone =
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        let ran = Bench::new(World::small())
            .with("QUOTAKEEPER__METRICS__PUSH_URL", &format!("{url}/metrics/job/quotakeeper"))
            .with("QUOTAKEEPER__HEARTBEAT__URL", &format!("{url}/ping/4711"))
            .run(&["once"])
            .ends_with(0);
        assert!(!ran.log.contains("could not be reported"), "{address}: {}", ran.log);
    }
}

/// Takes what is sent and answers with a body that never ends, for as long as anybody reads it.
fn endless(status: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut request = stream.try_clone().unwrap();
                let _begun = request.read(&mut [0; 1024]);
                std::thread::spawn(move || std::io::copy(&mut request, &mut std::io::sink()));
                let mut answer = &stream;
                let mut sent = write!(answer, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
                while sent.is_ok() {
                    sent = answer.write_all(&[b'x'; 16 * 1024]);
                }
            });
        }
    });
    url
}

#[test]
fn an_endless_answer_to_a_push_or_a_heartbeat_blocks_nothing() {
    let (good, bad) = (endless("200 OK"), endless("400 Bad Request"));
    for url in [&good, &bad] {
        let ran = Bench::new(World::small())
            .with("QUOTAKEEPER__METRICS__PUSH_URL", &format!("{url}/metrics/job/quotakeeper"))
            .with("QUOTAKEEPER__HEARTBEAT__URL", &format!("{url}/ping/4711"))
            .run(&["once"])
            .ends_with(0);
        let warnings =
            ran.log.lines().filter(|line| line.contains("could not be reported")).collect::<Vec<_>>();
        assert_eq!(warnings.len(), if url == &bad { 2 } else { 0 }, "{warnings:?}");
        assert!(warnings.iter().all(|line| line.len() < 1000), "{warnings:?}");
    }
}
