//! What the files said when they were last looked at, for all who tell others of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::observed::Facts;

/// One for a daemon, or for a pass.
#[derive(Default)]
pub(crate) struct Board(Mutex<Option<Arc<Facts>>>);

impl Board {
    /// None before the files were looked at for the first time.
    pub(crate) fn facts(&self) -> Option<Arc<Facts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn learn(&self, facts: Facts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(facts));
    }
}
