//! How many requests were sent, by operation and status: for the metrics.

use std::collections::BTreeMap;

use super::error::Call;
use super::retry::Event;

/// What is counted by itself. A link to a further page may lead anywhere below the API, and must not make a name of its own.
const OPERATIONS: [&str; 9] = [
    "GET /quotas",
    "GET /account-groups",
    "GET /usage",
    "GET /usage/units/tests",
    "GET /usage/units/enterprise-agents",
    "POST /quotas/assign",
    "POST /quotas/unassign",
    "POST /quotas/account-groups/assign",
    "POST /quotas/account-groups/unassign",
];

/// Counts by operation and status.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestCounts(BTreeMap<(&'static str, String), u64>);

impl RequestCounts {
    /// One more try.
    pub(super) fn count(&mut self, call: &Call, event: Event) {
        let known = |operation: &&&str| operation.split_once(' ') == Some((call.method, &call.path));
        let operation = OPERATIONS.iter().find(known).copied().unwrap_or("other");
        let status = match event {
            Event::Status(status) | Event::Throttled(status) => status.to_string(),
            Event::NotConnected => "not_connected".to_owned(),
            Event::Unsendable => "unsendable".to_owned(),
            Event::NoAnswer => "no_answer".to_owned(),
        };
        *self.0.entry((operation, status)).or_default() += 1;
    }

    pub(crate) fn into_counts(self) -> BTreeMap<(&'static str, String), u64> {
        self.0
    }
}

#[cfg(test)]
mod tests;
