//! Whether the daemon's loop really turns: each time that its task is polled is a sign of life.
//!
//! A task that waits for the rate limit, a server or its next slot is polled when the wait is over, and every wait has an
//! end. So silence that is longer than the longest wait means that the loop is stuck, be it in a call that blocks or in an
//! await that nothing will end.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The last sign of life.
#[derive(Debug)]
pub(crate) struct Liveness(Mutex<Instant>);

impl Liveness {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Does the work, and notes each time that it moves.
    pub(crate) async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        poll_fn(|context| {
            self.beat();
            let moved = work.as_mut().poll(context);
            self.beat(); // what it did in one go may have taken long
            moved
        })
        .await
    }

    /// How long ago the last sign of life was.
    pub(crate) fn silent_for(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

#[cfg(test)]
mod tests;
