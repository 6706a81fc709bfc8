//! Work on many items by all cores, and what came of it in the order of the items: a snapshot may have a million rows.

use std::io;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope, ScopedJoinHandle};

/// So many items of each worker are under way, so that none waits for the next one, and few are in memory.
const AHEAD: usize = 2;
/// More workers wait for the disk, or for the thread that takes their results.
const MOST: usize = 8;

/// What work is done by. The daemon shares its machine, and takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    One,
    /// For somebody who waits. Each thread keeps memory of its own.
    All,
}

impl Cores {
    /// Hands out the results in the order of the items. Those are made, and the results consumed, by the thread that calls.
    pub(crate) fn map_in_order<T: Send, U: Send, R>(
        self,
        items: impl Iterator<Item = T>,
        work: impl Fn(T) -> U + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = U>) -> R,
    ) -> R {
        match self {
            Self::One => consume(&mut items.map(work)),
            Self::All => on_all(items, work, consume),
        }
    }
}

fn on_all<T: Send, U: Send, R>(
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
mod tests;
