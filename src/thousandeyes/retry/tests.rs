//! What is tried again, and when.

use proptest::prelude::*;

use super::*;
use crate::text::words::spelled_time;

fn seconds(limits: Limits, before: u32) -> u64 {
    wait_for_reset(&limits, before, 0.0).as_secs()
}

fn reset_in(seconds: u64) -> Limits {
    Limits { reset_in: Some(Duration::from_secs(seconds)), ..Limits::default() }
}

#[test]
fn reads_are_repeated_after_what_may_pass() {
    for event in [Event::NoAnswer, Event::NotConnected, Event::Status(500), Event::Status(503)] {
        assert_eq!(judge(true, event), Verdict::TryAgain, "{event:?}");
    }
}

#[test]
fn a_write_is_repeated_only_if_the_server_never_acted() {
    assert_eq!(judge(false, Event::NotConnected), Verdict::TryAgain);
    assert_eq!(judge(false, Event::answer(429, &Limits::default())), Verdict::WaitForReset);
    for event in [Event::NoAnswer, Event::Status(500), Event::Status(502), Event::Status(408)] {
        assert_eq!(judge(false, event), Verdict::Final, "{event:?}");
    }
}

#[test]
fn a_throttle_is_waited_out_under_whichever_status_it_comes() {
    let later = Limits { retry_after: Some(Duration::from_secs(3)), ..Limits::default() };
    for (status, limits) in [(429, Limits::default()), (420, Limits::default()), (403, later)] {
        for is_read in [true, false] {
            assert_eq!(judge(is_read, Event::answer(status, &limits)), Verdict::WaitForReset, "{status}");
        }
    }
    assert_eq!(judge(true, Event::answer(403, &reset_in(42))), Verdict::Final, "each answer has a reset");
    assert_eq!(judge(true, Event::answer(503, &later)), Verdict::TryAgain);
}

#[test]
fn a_clear_answer_is_final() {
    for status in [200, 201, 204, 302, 400, 401, 403, 404, 413, 422] {
        assert_eq!(judge(true, Event::Status(status)), Verdict::Final, "{status}");
        assert_eq!(judge(false, Event::Status(status)), Verdict::Final, "{status}");
    }
}

#[test]
fn a_permanent_failure_is_not_retried() {
    assert_eq!(judge(true, Event::Unsendable), Verdict::Final);
}

#[test]
fn there_are_three_tries_after_up_to_one_and_two_seconds() {
    assert!(delays().eq([Duration::from_secs(1), Duration::from_secs(2)]));
}

#[test]
fn only_an_answer_has_a_status() {
    assert_eq!([Event::Status(200), Event::Throttled(429)].map(Event::status), [Some(200), Some(429)]);
    assert_eq!([Event::NoAnswer, Event::NotConnected, Event::Unsendable].map(Event::status), [None; 3]);
}

#[test]
fn programs_that_wait_for_the_same_reset_do_not_all_come_back_at_once() {
    assert_eq!(wait_for_reset(&reset_in(42), 0, 1.0), Duration::from_secs(43));
}

#[test]
fn a_429_waits_for_the_reset_within_its_bounds() {
    assert_eq!(seconds(reset_in(42), 0), 42);
    assert_eq!(seconds(reset_in(0), 0), 1, "a reset in the past");
    assert_eq!(seconds(reset_in(86_400), 0), 65, "a reset far ahead");
}

#[test]
fn retry_after_goes_before_the_reset() {
    let limits = Limits { retry_after: Some(Duration::from_secs(3)), ..reset_in(42) };
    assert_eq!(seconds(limits, 0), 3);
}

#[test]
fn a_failure_waits_as_long_as_the_server_asks_unless_that_is_too_long() {
    let asked = |seconds| Limits { retry_after: Some(Duration::from_secs(seconds)), ..Limits::default() };
    let wait = |limits| wait_to_try_again(Some(Duration::from_secs(2)), &limits, 0.5);
    assert_eq!(wait(Limits::default()), Some(Duration::from_secs(1)));
    assert_eq!(wait(asked(3)), Some(Duration::from_secs(4)));
    assert_eq!(wait(asked(3600)), None);
    assert_eq!(wait_to_try_again(None, &asked(3), 0.5), None);
}

#[test]
fn without_a_usable_reset_the_guess_grows() {
    assert_eq!([0, 1, 2, 3, 4, 9].map(|before| seconds(Limits::default(), before)), [5, 10, 20, 40, 65, 65]);
}

#[test]
fn a_server_that_always_says_now_is_asked_less_and_less() {
    assert_eq!([0, 1, 2, 5, 9].map(|before| seconds(reset_in(0), before)), [1, 2, 4, 32, 32]);
}

proptest! {
    #[test]
    fn a_wait_is_always_within_its_bounds(reset in proptest::option::of(any::<u64>()), before: u32, random in 0.0..=1.0f64) {
        let limits = Limits { reset_in: reset.map(Duration::from_secs), ..Limits::default() };
        let wait = wait_for_reset(&limits, before, random);
        prop_assert!((Duration::from_secs(1)..=Duration::from_secs(66)).contains(&wait));
    }

    #[test]
    fn a_delay_never_exceeds_its_longest(random in 0.0..=1.0f64) {
        for longest in delays() {
            prop_assert!(full_jitter(longest, random) <= longest);
        }
    }
}

#[test]
fn the_architecture_says_the_policy_of_the_api() {
    let page = include_str!("../../../docs/architecture.md");
    let seconds: Vec<u64> = delays().map(|longest| longest.as_secs()).collect();
    let [first, second] = seconds[..] else { panic!("{seconds:?}") };
    let waits = format!("after up to {first} s, then up to {second} s, at random");
    let longest = chrono::TimeDelta::from_std(LONGEST_REQUEST).unwrap();
    let end = format!("after three tries, or {} in all", spelled_time(longest));
    for words in [waits, end] {
        assert!(page.contains(&words), "docs/architecture.md does not say: {words}");
    }
}
