//! Of several things that fail in one job, the first ends it and is reported by the caller; the others are logged here.
//!
//! So each failure is logged once, and none is lost.

use tracing::warn;

/// The first error of a job, if there was one.
#[derive(Debug, Default)]
pub(crate) struct FirstError(Option<anyhow::Error>);

impl FirstError {
    pub(crate) fn note(&mut self, error: anyhow::Error) {
        if self.0.is_none() {
            self.0 = Some(error);
        } else {
            warn!(error = format!("{error:#}"), "another failure");
        }
    }

    /// The value, unless something failed.
    pub(crate) fn or<T>(self, value: T) -> anyhow::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
