//! Work on many items by all cores, and what came of it in the order of the items: a snapshot may have a million rows.

use std::io;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope, ScopedJoinHandle};

/// So many items of each worker are under way, so that none waits for the next one, and few are in memory.
const AHEAD: usize = 2;
/// More workers only wait for the disk.
const MOST: usize = 8;

/// Hands out the results in the order of the items. Those are made, and the results consumed, by the thread that calls.
pub(super) fn in_order<T: Send, U: Send, R>(
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> U + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = U>) -> R,
) -> R {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
    let work = &work;
    thread::scope(|scope| {
        // Where no thread can be had, this one does it all.
        let workers: io::Result<Vec<_>> = (0..cores).map(|_| Worker::begin(scope, work)).collect();
        let Some(mut workers) = workers.ok().filter(|workers| workers.len() > 1) else {
            return consume(&mut items.map(work));
        };
        let mut items = items.fuse();
        let (mut sent, mut received) = (0, 0);
        consume(&mut std::iter::from_fn(|| {
            while sent - received < cores * AHEAD
                && let Some(item) = items.next()
            {
                workers[sent % cores].send(item);
                sent += 1;
            }
            if received == sent {
                return None;
            }
            received += 1;
            Some(workers[(received - 1) % cores].receive())
        }))
    })
}

/// Each gets every n-th item, and gives back the results in their order.
struct Worker<'scope, T, U> {
    items: Sender<T>,
    results: Receiver<U>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope, T: Send + 'scope, U: Send + 'scope> Worker<'scope, T, U> {
    fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        work: &'scope (impl Fn(T) -> U + Sync),
    ) -> io::Result<Self> {
        let (items, their_items) = channel();
        let (their_results, results) = channel();
        let thread = thread::Builder::new().spawn_scoped(scope, move || {
            // Nobody wants the rest where the other end is gone.
            let _ = their_items.into_iter().map(work).try_for_each(|result| their_results.send(result));
        })?;
        Ok(Self { items, results, thread: Some(thread) })
    }

    fn send(&mut self, item: T) {
        if self.items.send(item).is_err() {
            self.panic();
        }
    }

    fn receive(&mut self) -> U {
        match self.results.recv() {
            Ok(result) => result,
            Err(_) => self.panic(),
        }
    }

    /// It ended early: nothing but a panic ends it.
    fn panic(&mut self) -> ! {
        let ended = self.thread.take().map_or(Ok(()), ScopedJoinHandle::join);
        resume_unwind(ended.err().unwrap_or_else(|| Box::new("a worker ended early")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_long_each_takes() {
        for count in [0, 1, 2, 3, 50, 1000] {
            let slow_first =
                |item: u64| (0..(count - item) * 50).fold(item, |same, _| std::hint::black_box(same));
            let all: Vec<u64> = in_order(0..count, slow_first, |results| results.collect());
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_consumer_that_stops_ends_the_work() {
        let mut made = 0;
        let three =
            in_order(std::iter::repeat_with(|| made += 1), |()| (), |results| results.take(3).count());
        assert_eq!(three, 3);
        assert!(made < 100, "{made} items were made for three");
        let failed = |item: u32| if item == 500 { Err(item) } else { Ok(item) };
        let first: Result<Vec<_>, _> = in_order(0.., failed, |results| results.collect());
        assert_eq!(first, Err(500));
    }

    #[test]
    #[should_panic(expected = "at 500")]
    fn a_panic_at_work_is_no_early_end() {
        in_order(0..1000, |item| assert_ne!(item, 500, "at 500"), |results| results.count());
    }

    #[test]
    #[should_panic(expected = "made 500")]
    fn neither_is_one_where_the_items_are_made() {
        let items = (0..1000).inspect(|item| assert_ne!(*item, 500, "made 500"));
        in_order(items, |item| item, |results| results.count());
    }

    #[test]
    #[should_panic(expected = "consumed 500")]
    fn a_panic_in_the_consumer_ends_the_work() {
        in_order(0.., |item| item, |results| results.for_each(|item| assert_ne!(item, 500, "consumed 500")));
    }
}
