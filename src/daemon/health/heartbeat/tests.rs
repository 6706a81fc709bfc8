//! Which address a beat goes to, and when.

use super::HeartbeatSignal::{Failure, Success};
use super::*;
use crate::jobs::Job;

#[test]
fn a_failure_is_sent_below_the_url_and_the_query_stays() {
    let url = |base: &str, beat: HeartbeatSignal| beat.url(&base.parse().unwrap()).to_string();
    assert_eq!(url("https://hc.example/ping/u-u", HeartbeatSignal::Success), "https://hc.example/ping/u-u");
    assert_eq!(url("https://hc.example/u-u", HeartbeatSignal::Failure), "https://hc.example/u-u/fail");
    assert_eq!(url("https://hc.example/u-u/", HeartbeatSignal::Failure), "https://hc.example/u-u/fail");
    assert_eq!(
        url("https://hc.example/u?create=1", HeartbeatSignal::Failure),
        "https://hc.example/u/fail?create=1"
    );
}

#[test]
fn a_query_that_says_up_says_down_of_a_failure() {
    let base: Url = "https://kuma.example/api/push/KEY?status=up&msg=OK&ping=".parse().unwrap();
    assert_eq!(HeartbeatSignal::Success.url(&base), base);
    assert_eq!(
        HeartbeatSignal::Failure.url(&base).as_str(),
        "https://kuma.example/api/push/KEY?status=down&msg=a+job+failed&ping="
    );
}

#[test]
fn a_snapshot_is_the_beat_and_any_failure_is_sent_at_once_until_everything_works() {
    let beats = |ends: &[(Job, bool)]| {
        let mut failing = std::collections::BTreeSet::new();
        let beat = |(job, success): &(Job, bool)| {
            let was_failing = if *success { failing.remove(job) } else { !failing.insert(*job) };
            HeartbeatSignal::after_job(*job, *success, was_failing, !failing.is_empty())
        };
        ends.iter().map(beat).collect::<Vec<_>>()
    };
    assert_eq!(beats(&[(Job::Inbox, true), (Job::Snapshot, true)]), [None, Some(Success)]);
    assert_eq!(beats(&[(Job::Inbox, false), (Job::Inbox, true)]), [Some(Failure), Some(Success)]);
    assert_eq!(
        beats(&[(Job::Outbox, false), (Job::Snapshot, true), (Job::Inbox, true), (Job::Outbox, true)]),
        [Some(Failure), None, None, Some(Success)],
        "a snapshot does not hide that mail fails"
    );
}
