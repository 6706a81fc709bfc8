//! When a failed slot is tried again.

use super::*;
use crate::text::words::age;

#[test]
fn a_failed_slot_is_tried_again_later_or_at_the_next_slot() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let slot = at("2026-11-22T08:00:00Z");
    let mut retries = Retries::default();
    assert!(retries.may_try(Job::Inbox, slot, at("2026-11-22T08:00:01Z")));
    retries.failed(Job::Inbox, slot, at("2026-11-22T08:00:02Z"));
    assert!(!retries.may_try(Job::Inbox, slot, at("2026-11-22T08:01:00Z")));
    assert!(retries.may_try(Job::Inbox, slot, at("2026-11-22T08:05:02Z")));
    assert!(retries.may_try(Job::Inbox, at("2026-11-22T08:01:00Z"), at("2026-11-22T08:01:00Z")));
    assert!(retries.times().eq([at("2026-11-22T08:05:02Z")]));
    retries.succeeded(Job::Inbox);
    assert!(retries.may_try(Job::Inbox, slot, at("2026-11-22T08:01:00Z")));
    assert_eq!(retries.times().count(), 0, "nobody is woken for what is done");
}

#[test]
fn the_architecture_says_the_policy_of_jobs() {
    let page = include_str!("../../../../docs/architecture.md");
    let row = format!("| a job | after {}, or at its next slot", age(WAIT));
    assert!(page.contains(&row), "docs/architecture.md does not say: {row}");
}
