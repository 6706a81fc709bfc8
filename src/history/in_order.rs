//! Work on many things by all cores, and what came of it in the order of the things: a snapshot may have a million rows.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// So many things wait for each core, so that none of them stands still, and few are in memory.
const AHEAD: usize = 2;
/// A disk gives no more than these can take.
const MOST: usize = 8;

/// Hands out what came of the work, in the order of the things. They are made, and taken, in the thread that calls.
pub(super) fn in_order<T: Send, U: Send, R>(
    things: impl Iterator<Item = T>,
    work: impl Fn(T) -> U + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = U>) -> R,
) -> R {
    let mut things = things.fuse();
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
    thread::scope(|scope| {
        let mut lanes: Vec<Lane<T, U>> = Vec::new();
        let (mut given, mut taken) = (0, 0);
        let mut results = std::iter::from_fn(|| {
            while given - taken < cores * AHEAD
                && let Some(thing) = things.next()
            {
                if lanes.len() == given && given < cores {
                    let (lane, things, results) = lane();
                    let work = &work;
                    scope.spawn(move || things.into_iter().map(work).try_for_each(|done| results.send(done)));
                    lanes.push(lane);
                }
                // It is refused where the work on an earlier one panicked, and so does the end of the scope then.
                lanes[given % cores].things.send(thing).ok()?;
                given += 1;
            }
            let result = lanes.get(taken % cores).filter(|_| taken < given)?.results.recv().ok();
            taken += 1;
            result
        });
        take(&mut results)
    })
}

/// The way to one core and back: each gets every so-manieth thing, and gives back what came of it in their order.
struct Lane<T, U> {
    things: SyncSender<T>,
    results: Receiver<U>,
}

fn lane<T, U>() -> (Lane<T, U>, Receiver<T>, SyncSender<U>) {
    let (things, their_things) = sync_channel(AHEAD);
    let (their_results, results) = sync_channel(AHEAD);
    (Lane { things, results }, their_things, their_results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_it_is_in_the_order_of_the_things_however_long_each_takes() {
        for count in [0, 1, 2, 3, 50, 1000] {
            let slow_first =
                |thing: u64| (0..(count - thing) * 50).fold(thing, |sum, _| std::hint::black_box(sum));
            let all: Vec<u64> = in_order(0..count, slow_first, |results| results.collect());
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn whoever_takes_no_more_ends_it() {
        let mut made = 0;
        let three =
            in_order(std::iter::repeat_with(|| made += 1), |()| (), |results| results.take(3).count());
        assert_eq!(three, 3);
        assert!(made < 100, "{made} things were made for three");
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_no_early_end() {
        in_order(0..1000, |thing| assert_ne!(thing, 500), |results| results.count());
    }
}
