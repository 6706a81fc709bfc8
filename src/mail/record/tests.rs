//! Who has a message, who is tried next, and who never again.

use super::*;

fn start() -> DateTime<Utc> {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn record() -> Record {
    Record::new("<a@b>", "q@example.com", &["a@example.com".into(), "b@example.com".into()], start())
}

#[test]
fn it_is_sent_when_all_accepted_and_dead_when_one_was_refused() {
    let one = record().with_outcome(0, &Outcome::Accepted, start());
    assert_eq!(one.folder(), MailFolder::New);
    assert_eq!(one.clone().with_outcome(1, &Outcome::Accepted, start()).folder(), MailFolder::Sent);
    assert_eq!(one.with_outcome(1, &Outcome::Refused("550 no".into()), start()).folder(), MailFolder::Dead);
}

#[test]
fn a_dead_message_names_the_refusal_and_not_an_error_that_passed() {
    let refused = Outcome::Refused("550 no such user".into());
    let record =
        record().with_outcome(0, &refused, start()).with_outcome(1, &Outcome::Later("450".into()), start());
    let dead = record.with_outcome(1, &Outcome::Accepted, start());
    assert_eq!(dead.refusals(), "1 of 2 recipients refused it: 550 no such user");
}

#[test]
fn who_accepted_is_never_tried_again() {
    let later = record().with_outcome(0, &Outcome::Accepted, start()).with_outcome(
        1,
        &Outcome::Later("450".into()),
        start(),
    );
    assert_eq!(later.waiting().collect::<Vec<_>>(), [1]);
}

#[test]
fn who_was_not_tried_comes_before_who_failed() {
    let record = record().with_outcome(0, &Outcome::Silent("no answer".into()), start());
    assert_eq!(record.delivery_order(), [1, 0]);
    assert_eq!(record.with_outcome(1, &Outcome::Accepted, start()).delivery_order(), [0]);
}

#[test]
fn a_wait_that_a_wrong_clock_has_set_is_not_kept() {
    let record = record().begin_try(start() + TimeDelta::days(365));
    assert!(record.is_due(start()));
    let record = record.begin_try(start());
    assert!(!record.is_due(start()));
    assert!(record.is_due(record.next_try));
}

#[test]
fn what_a_clock_that_was_ahead_has_queued_is_given_up_five_days_after_its_first_try() {
    let record = Record { queued_at: start() + TimeDelta::days(400), ..record() }.begin_try(start());
    assert_eq!(tried_until(record.clone(), start() + TimeDelta::days(4)).folder(), MailFolder::New);
    assert_eq!(tried_until(record, start() + TimeDelta::days(6)).folder(), MailFolder::Dead);
}

#[test]
fn what_a_clock_that_was_behind_has_queued_is_tried_for_days_once_it_is_right() {
    let queued = Record { queued_at: DateTime::UNIX_EPOCH, next_try: DateTime::UNIX_EPOCH, ..record() };
    let tried_then = queued.clone().begin_try(DateTime::UNIX_EPOCH);
    for record in [queued, tried_then] {
        let first = record.begin_try(start()).given_up_if_old(start());
        assert_eq!(first.folder(), MailFolder::New);
        assert_eq!(tried_until(first.clone(), start() + TimeDelta::days(3)).folder(), MailFolder::New);
        assert_eq!(tried_until(first, start() + TimeDelta::days(6)).folder(), MailFolder::Dead);
    }
}

#[test]
fn each_try_waits_as_the_policy_says() {
    let mut record = record();
    for attempts in 1..12 {
        record = record.begin_try(start());
        assert_eq!(record.next_try - start(), wait_after(attempts));
    }
}

/// Tried whenever it is due, and in vain, until it is given up or until `end`.
fn tried_until(mut record: Record, end: DateTime<Utc>) -> Record {
    while record.folder() == MailFolder::New && record.next_try <= end {
        let now = record.next_try;
        record = record.begin_try(now).with_outcome(0, &Outcome::Later("450 greylisted".into()), now);
        record = record.given_up_if_old(now);
    }
    record
}

#[test]
fn it_is_given_up_after_five_days_and_says_why() {
    let record = tried_until(record(), start() + TimeDelta::days(6));
    assert_eq!(record.folder(), MailFolder::Dead);
    assert_eq!(record.recipients[0].error.as_deref(), Some("given up after five days: 450 greylisted"));
    let at = record.recipients[0].at.unwrap();
    assert!(at - start() >= TimeDelta::days(5) && at - start() < TimeDelta::days(5) + LONGEST_WAIT, "{at}");
}

#[test]
fn just_before_five_days_it_still_waits() {
    assert_eq!(
        tried_until(record(), start() + TimeDelta::days(5) - TimeDelta::seconds(1)).folder(),
        MailFolder::New
    );
}

#[test]
fn a_clock_that_jumps_ahead_gives_nothing_up() {
    for days in [8, 365] {
        let ahead = start() + TimeDelta::days(days);
        for begun in [record(), tried_until(record(), start() + TimeDelta::days(1))] {
            let jumped = begun.begin_try(ahead).given_up_if_old(ahead);
            assert_eq!(jumped.folder(), MailFolder::New, "{days}");
            let back = jumped.begin_try(start() + TimeDelta::days(2));
            assert_eq!(
                back.given_up_if_old(start() + TimeDelta::days(2)).folder(),
                MailFolder::New,
                "{days}"
            );
        }
    }
}

#[test]
fn a_record_with_times_that_no_clock_shows_is_tried_or_given_up() {
    for odd in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let mut damaged = record().begin_try(start());
        (damaged.queued_at, damaged.next_try, damaged.waited_s) = (odd, odd, i64::MAX);
        assert_eq!(damaged.begin_try(start()).given_up_if_old(start()).folder(), MailFolder::Dead);
    }
}
