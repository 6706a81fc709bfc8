//! In how many requests the rows of a plan are sent: the same portions that are sent, counted beforehand.

use std::collections::BTreeMap;

use crate::change::Plan;
use crate::change::apply::batch::{Operation, count_batches};
use crate::report::words::number;

/// How many requests of each kind. A server that refuses a row makes it more.
pub(super) struct Requests(BTreeMap<Operation, usize>);

impl Requests {
    /// Of the rows that are sent now without asking anybody.
    pub(super) fn for_plan(plan: &Plan) -> Self {
        Self(count_batches(plan.to_send()))
    }

    pub(super) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// `1 assign, 1 unassign`.
    pub(super) fn by_word(&self) -> String {
        let mut words: BTreeMap<&str, usize> = BTreeMap::new();
        for (operation, count) in &self.0 {
            let word = match operation {
                Operation::AssignOrganizations | Operation::AssignAccountGroups => "assign",
                Operation::UnassignOrganizations | Operation::UnassignAccountGroups => "unassign",
            };
            *words.entry(word).or_default() += count;
        }
        let said: Vec<String> =
            words.iter().map(|(word, count)| format!("{} {word}", number(*count))).collect();
        said.join(", ")
    }

    /// `assign_account_groups` and the like, each with its number.
    pub(super) fn by_operation(&self) -> impl Iterator<Item = (String, usize)> {
        self.0.iter().map(|(operation, count)| (operation.as_str().replace(' ', "_"), *count))
    }
}
