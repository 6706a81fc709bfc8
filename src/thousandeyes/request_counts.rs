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
pub(crate) struct Tally(BTreeMap<(&'static str, String), u64>);

impl Tally {
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
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_by_operation_and_status_and_paths_add_no_labels() {
        let mut tally = Tally::default();
        for (method, path, event) in [
            ("GET", "/usage", Event::Status(200)),
            ("GET", "/usage", Event::Status(429)),
            ("GET", "/usage", Event::Status(200)),
            ("POST", "/quotas/assign", Event::NoAnswer),
            ("GET", "/usage/units/tests/4711", Event::NotConnected),
        ] {
            tally.count(&Call { method, path: path.to_owned() }, event);
        }
        let counts: Vec<_> = tally.into_counts().into_iter().collect();
        let count = |operation, status: &str, count| ((operation, status.to_owned()), count);
        assert_eq!(
            counts,
            [
                count("GET /usage", "200", 2),
                count("GET /usage", "429", 1),
                count("POST /quotas/assign", "no_answer", 1),
                count("other", "not_connected", 1)
            ]
        );
    }
}
