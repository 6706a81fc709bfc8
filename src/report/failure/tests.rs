//! The mail about a job that fails: once a day, with what to do.

use super::*;
use crate::report::fixtures::{at, context};

fn failure() -> Failure<'static> {
    Failure {
        job: FailingJob {
            name: "snapshot",
            since: at("11-22T05:00"),
            last_success: Some(at("11-22T04:00")),
            retried_within: TimeDelta::minutes(5),
        },
        causes: vec!["the token was refused\r\nX: y".into()],
        advice: None,
        in_short: "the token is not accepted",
    }
}

#[test]
fn one_outage_has_one_identity_a_day_however_often_it_is_reported() {
    let told_at = |now| failure_report(&failure(), &ReportContext { now: at(now), ..context() });
    let first = told_at("11-22T05:00");
    assert_eq!(first.identity, told_at("11-23T04:59").identity);
    let second = told_at("11-23T07:00");
    assert_ne!(first.identity, second.identity);
    assert_eq!(first.headline, "The snapshot job has been failing since Sun 22 Nov 2026, 06:00");
    assert_eq!(second.last_success, "Sun 22 Nov 2026, 05:00, 27 hours ago");
}

#[test]
fn an_error_of_this_machine_comes_with_its_fix_however_deep_it_is() {
    let full = std::io::Error::from(ErrorKind::StorageFull);
    let deep = anyhow::Error::from(full).context("cannot write x").context("the snapshot job failed");
    assert!(advice(&deep).unwrap().contains("make room"));
    let large = std::io::Error::from(ErrorKind::FileTooLarge);
    assert!(advice(&large.into()).unwrap().contains("LimitFSIZE="));
    assert_eq!(advice(&anyhow::anyhow!("anything else")), None);
}

#[test]
fn a_cause_is_one_line() {
    assert_eq!(failure_report(&failure(), &context()).causes, ["the token was refused X: y"]);
}
