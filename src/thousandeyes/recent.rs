//! What just failed is not asked again at once: while the API hangs, each of many files would wait for its full time-outs. Pure.
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
pub(super) struct Recent(Vec<(String, Duration, Error)>);

impl Recent {
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
    pub(super) fn ended<T>(&mut self, address: &str, now: Duration, result: &Result<T, Error>) {
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
mod tests {
    use super::*;
    use crate::thousandeyes::Call;

    fn failed() -> Result<(), Error> {
        let call = Call { method: "GET", path: "/quotas".into() };
        Err(Error::Unavailable { call, status: None, reason: "no answer.".into() })
    }

    #[test]
    fn a_failure_stands_for_a_while_and_for_its_own_address() {
        let second = Duration::from_secs;
        let mut recent = Recent::default();
        assert_eq!(recent.failure("a", second(0)), None);
        recent.ended("a", second(10), &failed());
        let error = recent.failure("a", second(39)).unwrap().to_string();
        assert!(
            error.contains("no answer") && error.contains("not asked again within 30 seconds"),
            "{error}"
        );
        assert_eq!(recent.failure("b", second(39)), None);
        assert_eq!(recent.failure("a", second(40)), None, "asked again");
        recent.ended("a", second(40), &failed());
        recent.ended("a", second(41), &Ok(()));
        assert_eq!(recent.failure("a", second(42)), None, "a success ends it");
        recent.ended("a", second(50), &failed());
        recent.clear();
        assert_eq!(recent.failure("a", second(51)), None, "a person asks");
    }

    #[test]
    fn what_no_outage_is_may_be_asked_at_once_and_few_are_remembered() {
        let mut recent = Recent::default();
        let call = Call { method: "GET", path: "/quotas".into() };
        let unusable = Err::<(), _>(Error::Unusable { call, reason: "HTML".into() });
        recent.ended("a", Duration::ZERO, &unusable);
        assert_eq!(recent.failure("a", Duration::ZERO), None);
        for index in 0..2 * MOST {
            recent.ended(&index.to_string(), Duration::ZERO, &failed());
        }
        assert_eq!(recent.0.len(), MOST);
    }
}
