//! `/healthz`, `/readyz` and `/metrics` of a running daemon.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, eventually};
use crate::standin::{Fault, World};
use crate::testbed::Bench;

#[test]
fn it_answers_while_a_job_waits_for_the_rate_limit_and_does_not_delay_the_end() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /quotas", 0, Fault::RateLimit { reset_in: 60 });
    let (bench, daemon) = Daemon::start(bench);
    bench.standin.wait_until("the 429", |log| log.iter().any(|one| one.status == Some(429)));
    let metrics = eventually("the 429 among the metrics", || {
        let metrics = (daemon.get("/metrics").status == 200).then(|| daemon.scrape())?;
        (metrics.value("quotakeeper_api_rate_limited_total", &[]) == Some(1.0)).then_some(metrics)
    });
    let refused = [("operation", "GET /quotas"), ("status", "429")];
    assert_eq!(metrics.value("quotakeeper_api_requests_total", &refused), Some(1.0));
    let waits = metrics.value("quotakeeper_api_rate_limit_wait_seconds", &[]).unwrap();
    assert!((1.0..=61.0).contains(&waits), "{waits}");
    assert!(metrics.names().contains("quotakeeper_build_info"));
    assert!(metrics.samples("quotakeeper_used_units").is_empty(), "nothing is known yet");

    assert_eq!(daemon.get("/healthz").status, 200, "a long wait is no hang");
    let ready = daemon.get("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (503, "No snapshot has been taken yet.\n"));

    // Somebody is in the middle of a question when it is asked to stop.
    let mut asking = TcpStream::connect(daemon.address).unwrap();
    asking.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let (ended, took) = daemon.stop();
    println!("SIGTERM during a scrape and a wait of 60 s: ended after {took:?}");
    assert_eq!(ended.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn status_and_the_metrics_show_the_same_figures() {
    let bench = Bench::new(World::small()).with_mail().with("QUOTAKEEPER__GUARD__APPROVAL", "always");
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.run(&["inbox"]).ends_with(5);
    let (bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    assert_eq!(daemon.get("/readyz").body, "ok\n");
    // The outbox is looked at last.
    let metrics = eventually("all jobs", || {
        let metrics = daemon.scrape();
        metrics.value("quotakeeper_job_last_success_timestamp_seconds", &[("job_name", "outbox")])?;
        Some(metrics)
    });
    let status = bench.run(&["status", "--format", "json"]).ends_with(0).out;
    let status: Value = serde_json::from_str(&status).unwrap();

    let nearest = status["nearest"].as_array().unwrap();
    assert!(!nearest.is_empty(), "{status:#}");
    for target in nearest {
        let labels = [
            ("aid", target["id"].as_str().unwrap()),
            ("account_group_name", target["name"].as_str().unwrap()),
            ("org_name", target["org_name"].as_str().unwrap()),
        ];
        for (name, field) in [
            ("quotakeeper_quota_units", "quota"),
            ("quotakeeper_used_units", "used"),
            ("quotakeeper_projected_units", "projected"),
        ] {
            assert_eq!(metrics.value(name, &labels), target[field].as_f64(), "{name} {labels:?}");
        }
    }
    let held = status["held"].as_array().unwrap().len();
    assert_eq!(held, 1);
    assert_eq!(metrics.value("quotakeeper_runs", &[("state", "held")]), Some(1.0));
    assert!(metrics.value("quotakeeper_runs_held_since_timestamp_seconds", &[]).is_some());
    for (state, field) in [("new", "waiting"), ("dead", "dead")] {
        let shown = metrics.value("quotakeeper_outbox_messages", &[("state", state)]);
        assert_eq!(shown, status["mail"][field].as_f64(), "{state}");
    }
    let seconds = |value: &Value| {
        let time = value.as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
        Some(time.timestamp() as f64)
    };
    assert_eq!(
        metrics.value("quotakeeper_snapshot_timestamp_seconds", &[]),
        seconds(&status["last_snapshot"])
    );
    for job in status["jobs"].as_array().unwrap().iter().filter(|job| job["job"] == "snapshot") {
        let labels = [("job_name", "snapshot")];
        let success = metrics.value("quotakeeper_job_last_success_timestamp_seconds", &labels);
        assert_eq!(success, seconds(&job["last_success"]));
        assert_eq!(metrics.value("quotakeeper_job_due_timestamp_seconds", &labels), seconds(&job["next"]));
    }
    promtool_likes(&daemon.get("/metrics").body);
}

#[test]
fn a_mail_whose_record_cannot_be_read_is_in_the_headline_of_status_in_its_json_in_readiness_and_in_the_metrics()
 {
    let bench = Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
        .with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1")
        .with("QUOTAKEEPER__SMTP__PORT", "1")
        .with("QUOTAKEEPER__SMTP__TLS", "off");
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.run(&["once"]).ends_with(0);
    let status = |format: &str| bench.run(&["status", "--format", format]).ends_with(0).out;
    assert!(status("text").contains("all well"), "{}", status("text"));
    let waiting = bench.data().join("outbox/new");
    let record = fs_err::read_dir(&waiting).unwrap().map(|entry| entry.unwrap().path());
    let record = record.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    for damage in ["", "{", "\0\0\0"] {
        fs_err::write(&record, damage).unwrap();
        let text = status("text");
        assert!(text.contains("1 thing is wrong") && !text.contains("all well"), "{text}");
        let json: Value = serde_json::from_str(&status("json")).unwrap();
        assert_eq!((&json["well"], &json["mail"]["unreadable"]), (&false.into(), &1.into()), "{json:#}");
        let what = json["troubles"][0]["what"].as_str().unwrap();
        assert!(what.contains("its recipients are unknown") && what.contains(".json"), "{what}");
    }
    let (_bench, daemon) = Daemon::start(bench);
    let ready = eventually("the sentence", || {
        Some(daemon.get("/readyz"))
            .filter(|ready| ready.body.contains("its record in outbox/ cannot be read"))
    });
    assert_eq!(ready.status, 503);
    let unreadable = |kind| daemon.scrape().value("quotakeeper_unreadable_records", &[("kind", kind)]);
    assert_eq!((unreadable("mail"), unreadable("run")), (Some(1.0), Some(0.0)));
}

#[test]
fn a_job_that_waits_behind_a_rate_limited_file_is_reported_as_late_and_the_file_continues() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SCHEDULE__USAGE_REPORT", "0 * * * *");
    bench.run(&["once"]).ends_with(0);
    let path = bench.data().join("state.json");
    let mut state: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    let jobs = state["jobs"].as_object_mut().unwrap();
    jobs.remove("inbox"); // so that the file comes first
    jobs["usage_report"]["last_success"] = "2026-01-01T00:00:00Z".into();
    fs_err::write(&path, state.to_string()).unwrap();
    for file in 0..60 {
        bench.drop_file(&format!("f{file:02}.csv"), format!("org_id,aid,value\n10,101,{}\n", 6000 + file));
    }
    bench.standin.forget_log();
    bench.standin.at("GET /quotas", 0, Fault::RateLimit { reset_in: 60 });
    let (bench, daemon) = Daemon::start(bench);
    bench.standin.wait_until("the 429", |log| log.iter().any(|one| one.status == Some(429)));
    let ready = eventually("the late job", || {
        Some(daemon.get("/readyz")).filter(|ready| ready.body.contains("The usage report job is late"))
    });
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("1 Jan"), "since when: {}", ready.body);
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.stop().0.code(), Some(0));
}

/// Prometheus' own judge, where it is installed; the gate installs it.
fn promtool_likes(metrics: &str) {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else { return println!("promtool is not installed: not asked") };
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && words.is_empty(), "{words}");
    println!("promtool checked {} bytes", metrics.len());
}

#[test]
fn a_snapshot_that_fails_makes_it_not_ready_and_says_why_while_it_stays_alive() {
    let world = World { broken: Some(("GET /quotas", 403)), ..World::small() };
    let (_bench, daemon) = Daemon::start(Bench::new(world));
    let metrics = eventually("the failure", || {
        let metrics = (daemon.get("/metrics").status == 200).then(|| daemon.scrape())?;
        let failures = [("job_name", "snapshot"), ("outcome", "failure")];
        metrics.value("quotakeeper_job_runs_total", &failures).filter(|count| *count > 0.0)?;
        metrics.value("quotakeeper_job_failing_since_timestamp_seconds", &[("job_name", "snapshot")])?;
        Some(metrics)
    });
    let success =
        metrics.value("quotakeeper_job_last_success_timestamp_seconds", &[("job_name", "snapshot")]);
    assert_eq!(success, None, "what never was is absent");
    let ready = daemon.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("No snapshot has been taken yet. The job has been failing since"),
        "{ready:?}"
    );
    assert_eq!(daemon.get("/healthz").status, 200);
}

#[test]
fn a_taken_port_is_reported_at_the_start_with_its_key_and_a_second_instance_names_the_first() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SERVER__LISTEN", &address);
    let log = bench.run(&["run"]).ends_with(1).log;
    assert!(log.contains(&format!("server.listen: cannot listen on {address}")), "{log}");
    assert_eq!(bench.standin.count(""), 0, "nothing began");
    bench.run(&["once"]).ends_with(0);

    let (bench, daemon) = Daemon::start(bench);
    let bench = bench.with("QUOTAKEEPER__SERVER__LISTEN", &daemon.address.to_string());
    bench.run(&["run"]).ends_with(75);
}
