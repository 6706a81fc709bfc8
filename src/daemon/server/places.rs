//! How many files are received and looked at at once, so that those who send many fill no memory, and those who send slowly keep
//! nobody waiting: where all places are taken, the one that has been sent for the longest gives way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::upload::RefusedUpload;

/// Files at once; each has a megabyte at most.
pub(super) const PLACES: usize = 8;

/// Who sends a file, by the order in which they came, and who has sent one.
pub(super) struct Places {
    receiving: Mutex<Receiving>,
    received: Semaphore,
}

#[derive(Default)]
struct Receiving {
    came: u64,
    senders: BTreeMap<u64, Arc<Notify>>,
}

/// Leaves its place, however it ends.
struct Place<'p> {
    places: &'p Places,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.places.receiving().senders.remove(&self.number);
    }
}

impl Places {
    pub(super) fn new() -> Self {
        Self { receiving: Mutex::default(), received: Semaphore::new(PLACES) }
    }

    /// What was received, and the place that it keeps until it was looked at.
    pub(super) async fn receive<T>(
        &self,
        file: impl Future<Output = Result<T, RefusedUpload>>,
    ) -> Result<(T, SemaphorePermit<'_>), RefusedUpload> {
        let (place, gives_way) = self.take();
        let file = tokio::select! {
            file = file => file?,
            () = gives_way.notified() => return Err(RefusedUpload::TooSlow),
        };
        drop(place);
        let looked_at = self.received.try_acquire().map_err(|_| RefusedUpload::TooMany)?;
        Ok((file, looked_at))
    }

    fn take(&self) -> (Place<'_>, Arc<Notify>) {
        let mut receiving = self.receiving();
        while receiving.senders.len() >= PLACES {
            if let Some((_, oldest)) = receiving.senders.pop_first() {
                oldest.notify_one();
            }
        }
        receiving.came += 1;
        let (number, gives_way) = (receiving.came, Arc::new(Notify::new()));
        receiving.senders.insert(number, Arc::clone(&gives_way));
        (Place { places: self, number }, gives_way)
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
