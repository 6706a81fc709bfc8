//! The quotas that runs set, to say who changed a quota that differs from the expected one.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::diff::SentRow;
use crate::domain::quota::{Target, Units};

/// The rows that runs sent; none where nothing is known.
#[derive(Debug, Default)]
pub(crate) struct SetByRuns(HashMap<Target, Vec<SentRow>>);

impl SetByRuns {
    pub(crate) fn new(rows: Vec<SentRow>) -> Self {
        let mut by_target: HashMap<Target, Vec<SentRow>> = HashMap::new();
        for row in rows {
            by_target.entry(row.target.clone()).or_default().push(row);
        }
        Self(by_target)
    }

    /// Where nothing is known.
    pub(crate) fn empty() -> &'static Self {
        static NONE: LazyLock<SetByRuns> = LazyLock::new(SetByRuns::default);
        &NONE
    }

    /// The row that made this quota what it is, as far as runs read it back; none where somebody else set it since.
    pub(crate) fn who_set(&self, target: &Target, quota: Option<Units>) -> Option<&SentRow> {
        let set = self.sent_rows_of(target).filter(|row| row.verified.is_some());
        set.max_by_key(|row| row.verified).filter(|row| row.after == quota)
    }

    /// Whether the last that a run sent for a target was to remove its quota, whether it was read back or not.
    pub(crate) fn may_have_removed(&self, target: &Target) -> bool {
        self.sent_rows_of(target).max_by_key(|row| row.sent).is_some_and(|row| row.after.is_none())
    }

    fn sent_rows_of(&self, target: &Target) -> impl Iterator<Item = &SentRow> {
        self.0.get(target).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
