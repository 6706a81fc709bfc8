//! The budget against made-up headers, and against a server with windows, a limit and other users.

use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn headers(remaining: u32, reset_in: u64) -> Limits {
    Limits { limit: Some(240), remaining: Some(remaining), reset_in: Some(at(reset_in)), ..Limits::default() }
}

/// How many requests may go at this moment before one has to wait.
fn burst(rate_budget: &mut RateBudget, now: Duration) -> usize {
    (0..100_000).take_while(|_| rate_budget.take_or_wait(now).is_zero()).count()
}

#[test]
fn a_snapshot_of_sixty_requests_is_not_delayed_on_a_fresh_budget() {
    let mut rate_budget = RateBudget::new(240, 25);
    for sent in 1..=60 {
        assert_eq!(rate_budget.take_or_wait(at(5)), Duration::ZERO);
        rate_budget.observe(at(5), &headers(240 - sent, 40));
    }
}

#[test]
fn a_burst_stops_well_above_the_reserve_even_before_the_first_answer() {
    assert_eq!(burst(&mut RateBudget::new(240, 25), at(0)), 120);
}

#[test]
fn requests_above_the_reserve_are_spread_over_the_rest_of_the_window() {
    let mut rate_budget = RateBudget::new(240, 25);
    assert!(rate_budget.take_or_wait(at(0)).is_zero());
    rate_budget.observe(at(0), &headers(79, 40));
    // 79 less a reserve of 60 leaves 19 requests for 40 seconds.
    assert_eq!(rate_budget.take_or_wait(at(0)), at(2));
    assert_eq!(rate_budget.take_or_wait(at(1)), at(1));
    assert_eq!(rate_budget.take_or_wait(at(2)), Duration::ZERO);
}

#[test]
fn the_reserve_is_left_to_others_until_the_next_window() {
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.take_or_wait(at(0));
    rate_budget.observe(at(0), &headers(60, 40));
    assert_eq!(rate_budget.take_or_wait(at(10)), at(30));
    assert_eq!(rate_budget.take_or_wait(at(40)), Duration::ZERO);
}

#[test]
fn no_reserve_uses_the_whole_limit() {
    let mut rate_budget = RateBudget::new(240, 0);
    rate_budget.take_or_wait(at(0));
    rate_budget.observe(at(0), &headers(1, 40));
    assert_eq!(rate_budget.take_or_wait(at(20)), Duration::ZERO);
    assert_eq!(rate_budget.take_or_wait(at(21)), at(19), "nothing is left");
}

#[test]
fn the_lowest_remainder_of_a_window_counts_whatever_order_answers_come_in() {
    let mut rate_budget = RateBudget::new(240, 25);
    for remaining in [100, 61, 180, 99] {
        rate_budget.observe(at(1), &headers(remaining, 30));
    }
    assert_eq!(rate_budget.budget().remaining, Some(61));
}

#[test]
fn the_room_is_what_is_left_above_the_reserve_now_and_in_each_window_after() {
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.take_or_wait(at(0));
    rate_budget.observe(at(0), &headers(160, 40));
    let allowance = Allowance {
        sent: 1,
        sendable_now: 100,
        each_window: 180,
        window_ends_in: at(30),
        wait: Duration::ZERO,
    };
    assert_eq!(rate_budget.allowance(at(10)), allowance);
    rate_budget.on_refused(at(10), at(20));
    let allowance = Allowance { sendable_now: 0, window_ends_in: at(20), wait: at(20), ..allowance };
    assert_eq!(rate_budget.allowance(at(10)), allowance, "a 429 is waited out");
    let allowance =
        Allowance { sendable_now: 180, window_ends_in: at(60), wait: Duration::ZERO, ..allowance };
    assert_eq!(rate_budget.allowance(at(31)), allowance, "and a new window assumed");
    assert_eq!(RateBudget::new(10, 0).allowance(at(0)).each_window, 10, "our own limit holds");
}

#[test]
fn a_later_reset_is_a_new_window() {
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.observe(at(1), &headers(3, 30));
    rate_budget.observe(at(20), &headers(200, 60));
    assert_eq!(rate_budget.budget().remaining, Some(200));
    assert_eq!(rate_budget.take_or_wait(at(20)), Duration::ZERO);
}

#[test]
fn a_429_pauses_everybody_and_is_counted() {
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.observe(at(0), &headers(200, 50));
    rate_budget.on_refused(at(1), at(7));
    rate_budget.observe(at(2), &headers(190, 50));
    assert_eq!(
        rate_budget.take_or_wait(at(2)),
        at(6),
        "an answer that was on its way does not end the pause"
    );
    assert_eq!(rate_budget.take_or_wait(at(8)), Duration::ZERO);
    assert_eq!(rate_budget.budget().refusals, 1);
}

#[test]
fn our_own_limit_holds_where_the_servers_is_higher() {
    let mut rate_budget = RateBudget::new(10, 0);
    for sent in 0..10 {
        assert_eq!(rate_budget.take_or_wait(at(sent)), Duration::ZERO);
        rate_budget.observe(at(sent), &Limits { limit: Some(1000), ..headers(900, 50) });
    }
    assert_eq!(rate_budget.take_or_wait(at(10)), at(50));
}

#[test]
fn without_any_headers_our_own_limit_and_reserve_hold() {
    let mut rate_budget = RateBudget::new(8, 25);
    assert_eq!(burst(&mut rate_budget, at(0)), 4);
    assert!(rate_budget.take_or_wait(at(0)) > Duration::ZERO);
    rate_budget.observe(at(0), &Limits::default());
    assert_eq!(rate_budget.budget(), Budget::default());
}

#[test]
fn a_reset_without_sense_does_not_hold_anything_up_for_long() {
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.observe(at(0), &headers(0, 86_400));
    assert_eq!(rate_budget.take_or_wait(at(0)), at(60));
    let mut rate_budget = RateBudget::new(240, 25);
    rate_budget.observe(at(0), &headers(0, 0));
    assert_eq!(rate_budget.take_or_wait(at(0)), Duration::ZERO);
}

#[test]
fn the_smallest_limits_still_let_something_through() {
    for (limit, reserve) in [(1, 25), (1, 100), (2, 90), (3, 100)] {
        assert!(
            burst(&mut RateBudget::new(limit, reserve), at(0)) >= 1,
            "{limit} with a reserve of {reserve} %"
        );
    }
}

/// A server with one-minute windows that begin on whole seconds, counted in its own `Date`, which has no fractions.
struct Server {
    limit: u32,
    ends: Duration,
    used: u32,
}

impl Server {
    /// Answers a request, and says whether it was within the limit.
    fn answer(&mut self, now: Duration) -> (bool, Limits) {
        self.used += 1;
        let limits = Limits {
            limit: Some(self.limit),
            remaining: Some(self.limit.saturating_sub(self.used)),
            reset_in: Some(self.ends.saturating_sub(Duration::from_secs(now.as_secs()))),
            ..Limits::default()
        };
        (self.used <= self.limit, limits)
    }
}

proptest! {
    #[test]
    fn one_request_after_another_never_meets_a_429_while_others_keep_to_the_reserve(
        limit in 4u32..400,
        first_end in 1u64..60,
        latency in 0u64..800,
        others in 0u32..=100,
    ) {
        let mut rate_budget = RateBudget::new(1000, 25);
        let mut now = Duration::ZERO;
        let taken_by_others = (limit * 25 / 100).min(limit - 1) * others / 100;
        let mut server = Server { limit, ends: at(first_end), used: taken_by_others };
        for _ in 0..300 {
            loop {
                let wait = rate_budget.take_or_wait(now);
                if wait.is_zero() { break }
                now += wait;
            }
            while now >= server.ends {
                server.ends += MINUTE;
                server.used = taken_by_others;
            }
            let (fits, limits) = server.answer(now);
            prop_assert!(fits, "a 429 at {now:?}");
            now += Duration::from_millis(latency);
            rate_budget.observe(now, &limits);
        }
    }

    #[test]
    fn no_minute_has_more_requests_than_our_limit_and_no_wait_is_longer_than_the_longest(
        limit in 1u32..50,
        reserve in 0u8..=90,
        steps in proptest::collection::vec((0u64..5000, proptest::option::of((0u32..300, 0u64..200))), 1..200),
    ) {
        let mut rate_budget = RateBudget::new(limit, reserve);
        let mut now = Duration::ZERO;
        let mut sent: Vec<Duration> = Vec::new();
        for (pause, seen) in steps {
            now += Duration::from_millis(pause);
            let wait = rate_budget.take_or_wait(now);
            prop_assert!(wait <= LONGEST_WAIT);
            if wait.is_zero() {
                sent.push(now);
            }
            if let Some((remaining, reset)) = seen {
                rate_budget.observe(now, &headers(remaining, reset));
            }
        }
        for (index, first) in sent.iter().enumerate() {
            let within = sent[index..].iter().take_while(|later| **later < *first + MINUTE).count();
            prop_assert!(within <= limit as usize);
        }
    }

    #[test]
    fn waiting_as_long_as_advised_always_ends(
        limit in 1u32..300,
        reserve in 0u8..=90,
        remaining in 0u32..300,
        reset in 0u64..100,
    ) {
        let mut rate_budget = RateBudget::new(limit, reserve);
        let mut now = Duration::ZERO;
        for _ in 0..50 {
            let mut waits = 0;
            loop {
                let wait = rate_budget.take_or_wait(now);
                if wait.is_zero() { break }
                waits += 1;
                prop_assert!(waits <= 3, "still waiting");
                now += wait;
            }
            rate_budget.observe(now, &headers(remaining, reset));
        }
    }
}
