//! How usage grows in the stand-in's world.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn consumer(seed: u64) -> Consumer {
    Consumer { id: "1".into(), name: "portal".into(), kind: "Page Load", monthly: 9000, steady: false, seed }
}

#[test]
fn a_cycle_begins_on_its_day_at_eight() {
    let cycle = Cycle::at(5, at("2026-11-22T18:00:00Z"));
    assert_eq!((cycle.start, cycle.end), (at("2026-11-05T08:00:00Z"), at("2026-12-05T08:00:00Z")));
}

#[test]
fn the_hours_before_eight_belong_to_the_cycle_before() {
    let cycle = Cycle::at(5, at("2027-01-05T07:59:59Z"));
    assert_eq!((cycle.start, cycle.end), (at("2026-12-05T08:00:00Z"), at("2027-01-05T08:00:00Z")));
    assert_eq!(Cycle::at(5, cycle.end).start, cycle.end);
}

#[test]
fn a_steady_test_ends_near_its_monthly_units() {
    let cycle = Cycle::at(5, at("2026-11-22T18:00:00Z"));
    let steady = Consumer { steady: true, ..consumer(1) };
    let consumed = steady.consumed(cycle, cycle.end).unwrap();
    assert!((8400..9600).contains(&consumed.used), "{consumed:?}");
    assert_eq!(consumed.projected, Some(consumed.used));
}

#[test]
fn a_new_test_has_no_projection_for_its_first_hours() {
    let cycle = Cycle::at(5, at("2026-11-22T18:00:00Z"));
    let new = (0..10_000)
        .map(consumer)
        .find(|c| c.level(cycle) == 0 && c.level(cycle.next()) > 0 && (1..600).contains(&c.changes(cycle)))
        .unwrap();
    let after = |hours: i64| new.consumed(cycle, cycle.start + TimeDelta::hours(new.changes(cycle) + hours));
    assert_eq!(after(-1), None);
    assert_eq!(after(2).unwrap().projected, None);
    assert!(after(2).unwrap().used > 0);
    assert!(after(3).unwrap().projected.unwrap() > after(3).unwrap().used);
}

proptest! {
    #[test]
    fn usage_begins_at_zero_never_falls_and_adds_up(seed: u64, a in 0_i64..1500, b in 0_i64..1500) {
        let consumer = consumer(seed);
        let start = Cycle::at(5, at("2026-11-22T18:00:00Z")).start;
        let (a, b) = (start + TimeDelta::hours(a.min(b)), start + TimeDelta::hours(a.max(b)));
        prop_assert_eq!(consumer.between(5, start, start), 0);
        prop_assert!(consumer.between(5, a, b) >= 0);
        prop_assert_eq!(
            consumer.between(5, start, a) + consumer.between(5, a, b),
            consumer.between(5, start, b)
        );
    }
}
