//! Requests that just failed are not repeated at once: while the API hangs, each of many files would wait for its full time-outs. Pure.
//!
//! A failure belongs to one address with its query: that the usage of one organization cannot be read keeps nobody from
//! reading another's.

use std::time::Duration;

use super::error::Error;

/// For so long a failure stands for the answer. Longer than many files take to fail, shorter than the pause until somebody looks.
const STANDS: Duration = Duration::from_secs(30);
/// So many are remembered.
const MOST: usize = 64;

/// The reads that failed last, and when. Time is that since the client began.
#[derive(Debug, Default)]
pub(super) struct RecentFailures(Vec<(String, Duration, Error)>);

impl RecentFailures {
    /// The failure that stands for an answer.
    pub(super) fn failure(&mut self, address: &str, now: Duration) -> Option<Error> {
        self.0.retain(|(_, at, _)| now < *at + STANDS);
        let (.., error) = self.0.iter().find(|(failed, ..)| failed == address)?;
        Some(error.clone().not_asked_again(STANDS))
    }

    /// A person asks: whatever failed before may have been fixed since.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How a read ended after all its tries.
    pub(super) fn note_result<T>(&mut self, address: &str, now: Duration, result: &Result<T, Error>) {
        self.0.retain(|(known, ..)| known != address);
        if let Err(error @ (Error::Unavailable { .. } | Error::NotSent { .. })) = result {
            if self.0.len() == MOST {
                self.0.remove(0);
            }
            self.0.push((address.to_owned(), now, error.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
