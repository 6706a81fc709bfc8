//! One page is made at a time, however many people ask: there may be thousands of account groups on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

/// Whoever asks hears by then that it takes longer: soon after, the connection ends.
const LONGEST: Duration = Duration::from_secs(25);

/// Why there is no page.
#[derive(Debug)]
pub(super) enum NotDone {
    TooLate,
    Panicked(JoinError),
}

/// What only one has at a time.
#[derive(Clone, Debug)]
pub(super) struct Turn(Arc<Semaphore>);

impl Turn {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits for its turn, and works on a thread where that keeps nobody waiting. Whoever asked may leave before it is done: the turn
    /// ends with the work, or those who ask and leave would have many pages made at once.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let done = timeout(LONGEST, async {
            let turn = Arc::clone(&self.0).acquire_owned().await.expect("it is never closed");
            spawn_blocking(move || {
                let done = work();
                drop(turn);
                done
            })
            .await
        });
        done.await.map_err(|_| NotDone::TooLate)?.map_err(NotDone::Panicked)
    }
}

#[cfg(test)]
mod tests;
