//! Work on several threads whose results keep their order.

use super::Cores::All;

#[test]
fn results_come_in_the_order_of_the_items_however_long_each_takes() {
    for count in [0, 1, 2, 3, 50, 1000] {
        let slow_first =
            |item: u64| (0..(count - item) * 50).fold(item, |same, _| std::hint::black_box(same));
        let all: Vec<u64> = All.map_in_order(0..count, slow_first, |results| results.collect());
        assert_eq!(all, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn a_consumer_that_stops_ends_the_work() {
    let mut made = 0;
    let three =
        All.map_in_order(std::iter::repeat_with(|| made += 1), |()| (), |results| results.take(3).count());
    assert_eq!(three, 3);
    assert!(made < 100, "{made} items were made for three");
    let failed = |item: u32| if item == 500 { Err(item) } else { Ok(item) };
    let first: Result<Vec<_>, _> = All.map_in_order(0.., failed, |results| results.collect());
    assert_eq!(first, Err(500));
}

#[test]
#[should_panic(expected = "at 500")]
fn a_panic_at_work_is_no_early_end() {
    All.map_in_order(0..1000, |item| assert_ne!(item, 500, "at 500"), |results| results.count());
}

#[test]
#[should_panic(expected = "made 500")]
fn neither_is_one_where_the_items_are_made() {
    let items = (0..1000).inspect(|item| assert_ne!(*item, 500, "made 500"));
    All.map_in_order(items, |item| item, |results| results.count());
}

#[test]
#[should_panic(expected = "consumed 500")]
fn a_panic_in_the_consumer_ends_the_work() {
    All.map_in_order(
        0..,
        |item| item,
        |results| results.for_each(|item| assert_ne!(item, 500, "consumed 500")),
    );
}
