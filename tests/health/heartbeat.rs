//! The heartbeat, as a service that waits for it sees it.

use httpmock::Mock;
use httpmock::prelude::*;

use crate::daemon::{Daemon, eventually};
use crate::standin::{Fault, World};
use crate::testbed::Bench;

const SECRET: &str = "3f1c-4711-secret-uuid";

fn url(service: &MockServer) -> String {
    service.url(format!("/ping/{SECRET}"))
}

fn answers<'s>(service: &'s MockServer, path: &str, status: u16) -> Mock<'s> {
    let path = format!("/ping/{SECRET}{path}");
    service.mock(|when, then| {
        when.method(GET).path(path);
        then.status(status);
    })
}

fn beating(service: &MockServer, world: World) -> Bench {
    Bench::new(world).with("QUOTAKEEPER__HEARTBEAT__URL", &url(service))
}

#[test]
fn once_sends_success_or_failure_to_match_its_exit_code() {
    let service = MockServer::start();
    let (good, bad) = (answers(&service, "", 200), answers(&service, "/fail", 200));
    let bench = beating(&service, World::small());
    bench.run(&["once"]).ends_with(0);
    assert_eq!((good.calls(), bad.calls()), (1, 0));
    bench.drop_file("no.csv", "this is no change file\n");
    bench.run(&["once"]).ends_with(1);
    assert_eq!((good.calls(), bad.calls()), (1, 1), "a run that failed as a whole is exit code 1");

    let broken = World { broken: Some(("GET /quotas", 403)), ..World::small() };
    beating(&service, broken).run(&["once"]).ends_with(1);
    assert_eq!((good.calls(), bad.calls()), (1, 2));
}

#[test]
fn a_service_that_does_not_answer_well_is_one_warning_without_the_secret_and_fails_nothing() {
    let service = MockServer::start();
    let bad = answers(&service, "", 500);
    let ran = beating(&service, World::small()).run(&["once", "-vv"]).ends_with(0);
    assert_eq!(bad.calls(), 3, "it is tried again, but not for ever");
    let warnings: Vec<_> = ran.log.lines().filter(|line| line.contains("heartbeat.url")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("\"WARN\"") && warnings[0].contains("127.0.0.1 answered 500"),
        "{warnings:?}"
    );
    assert!(!ran.log.contains(SECRET), "the URL is in the log");

    let gone = Bench::new(World::small())
        .with("QUOTAKEEPER__HEARTBEAT__URL", &format!("http://127.0.0.1:1/{SECRET}"));
    let log = gone.run(&["once", "-vv"]).ends_with(0).log;
    assert!(log.contains("Connection refused") && !log.contains(SECRET), "{log}");
    let wrong = Bench::new(World::small()).with("QUOTAKEEPER__HEARTBEAT__URL", &format!("ftp://{SECRET}"));
    let log = wrong.run(&["once"]).ends_with(1).log;
    assert!(
        log.contains("QUOTAKEEPER__HEARTBEAT__URL: heartbeat.url is not a URL") && !log.contains(SECRET),
        "{log}"
    );
}

#[test]
fn it_goes_through_the_proxy_of_the_api() {
    let proxy = MockServer::start();
    let seen = answers(&proxy, "", 200);
    Bench::new(World::small())
        .with("QUOTAKEEPER__HEARTBEAT__URL", &format!("http://hc.invalid/ping/{SECRET}"))
        .with("QUOTAKEEPER__API__PROXY", &proxy.base_url())
        .run(&["once"])
        .ends_with(0);
    assert_eq!(seen.calls(), 1, "the name exists nowhere: only the proxy can have been asked");
}

#[test]
fn the_daemon_sends_a_failure_at_once_and_a_success_when_everything_works_again() {
    let service = MockServer::start();
    let (good, bad) = (answers(&service, "", 200), answers(&service, "/fail", 200));
    // Each second, so that there is a next slot soon; and no report, which would fail for want of a snapshot.
    let bench = beating(&service, World::small())
        .with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "* * * * * *")
        .with("QUOTAKEEPER__SCHEDULE__USAGE_REPORT", "");
    bench.standin.at("GET /quotas", 0, Fault::Fail(403));
    let (bench, daemon) = Daemon::start(bench);
    eventually("the failure", || (bad.calls() == 1).then_some(()));
    eventually("two successes", || (good.calls() >= 2).then_some(()));
    assert_eq!(bad.calls(), 1);
    assert!(bench.csv_files("history").len() >= 2);
    assert_eq!(daemon.stop().0.code(), Some(0));
    assert_eq!(bad.calls(), 1, "that it was stopped is no failure");
}
