//! What a journal says of a run that was cut off or gets no answers.

use super::*;

#[test]
fn rows_sent_before_a_crash_are_not_reported_as_unsent() {
    let mut past = JournalSummary::default();
    past.intended.insert(2, DateTime::UNIX_EPOCH);
    let progress = Progress::new(past, &[], WithQuota::new(), DateTime::UNIX_EPOCH);
    assert!(progress.causes.contains_key(&2) && progress.intended.contains(&2));
}

#[test]
fn a_run_is_given_up_where_nothing_was_taken_or_nothing_answered_for_minutes() {
    let mut progress = Progress::new(JournalSummary::default(), &[], WithQuota::new(), DateTime::UNIX_EPOCH);
    assert_eq!(progress.given_up(), None);
    progress.unanswered = Duration::from_secs(299);
    progress.refusals = 63;
    assert_eq!(progress.given_up(), None);
    progress.unanswered = Duration::from_secs(300);
    let message = "given up: earlier requests got no clear answer for 300 seconds";
    assert_eq!(progress.given_up().as_deref(), Some(message));
    progress.unanswered = Duration::ZERO;
    progress.refusals = 64;
    assert!(progress.given_up().is_some());
    progress.accepted = 1;
    assert_eq!(progress.given_up(), None, "a server that takes some rows refuses others for what they are");
}
