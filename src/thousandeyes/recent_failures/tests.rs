//! How long a failure is believed.

use super::*;
use crate::thousandeyes::Call;

fn failed() -> Result<(), Error> {
    let call = Call { method: "GET", path: "/quotas".into() };
    Err(Error::Unavailable { call, status: None, reason: "no answer.".into() })
}

#[test]
fn a_failure_stands_for_a_while_and_for_its_own_address() {
    let second = Duration::from_secs;
    let mut recent = RecentFailures::default();
    assert_eq!(recent.failure("a", second(0)), None);
    recent.note_result("a", second(10), &failed());
    let error = recent.failure("a", second(39)).unwrap().to_string();
    assert!(error.contains("no answer") && error.contains("not asked again within 30 seconds"), "{error}");
    assert_eq!(recent.failure("b", second(39)), None);
    assert_eq!(recent.failure("a", second(40)), None, "asked again");
    recent.note_result("a", second(40), &failed());
    recent.note_result("a", second(41), &Ok(()));
    assert_eq!(recent.failure("a", second(42)), None, "a success ends it");
    recent.note_result("a", second(50), &failed());
    recent.clear();
    assert_eq!(recent.failure("a", second(51)), None, "a person asks");
}

#[test]
fn what_no_outage_is_may_be_asked_at_once_and_few_are_remembered() {
    let mut recent = RecentFailures::default();
    let call = Call { method: "GET", path: "/quotas".into() };
    let unusable = Err::<(), _>(Error::Unusable { call, reason: "HTML".into() });
    recent.note_result("a", Duration::ZERO, &unusable);
    assert_eq!(recent.failure("a", Duration::ZERO), None);
    for index in 0..2 * MOST {
        recent.note_result(&index.to_string(), Duration::ZERO, &failed());
    }
    assert_eq!(recent.0.len(), MOST);
}
