//! What the files said when they were read last, for everything that reports it.

use std::sync::{Arc, Mutex, PoisonError};

use super::observed::Observed;

/// One for a daemon, or for a pass.
#[derive(Default)]
pub(crate) struct LatestObserved(Mutex<Option<Arc<Observed>>>);

impl LatestObserved {
    /// None before the files were read for the first time.
    pub(crate) fn observed(&self) -> Option<Arc<Observed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, observed: Observed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(observed));
    }
}
