//! How far snapshots were read that somebody waits for: counted by those who read, looked at by the bar on a terminal.

use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug, Default)]
pub(crate) struct ReadProgress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl ReadProgress {
    pub(super) fn begin(&self, snapshots: usize) {
        self.total.fetch_add(snapshots, Ordering::Relaxed);
    }

    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were read, and of how many; none where none is to be read any more.
    pub(crate) fn progress(&self) -> Option<(usize, usize)> {
        let (done, of) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        (done < of).then_some((done, of))
    }
}
