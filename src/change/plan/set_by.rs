//! What runs set, to say who changed a quota that is not what somebody expected.

use crate::domain::diff::SentRow;
use crate::domain::quota::{Target, Units};

/// The rows that runs sent; none where nothing is known.
#[derive(Debug, Default)]
pub(crate) struct SetByRuns(Vec<SentRow>);

impl SetByRuns {
    pub(crate) fn new(rows: Vec<SentRow>) -> Self {
        Self(rows)
    }

    /// Where nothing is known.
    pub(crate) fn none() -> &'static Self {
        static NONE: SetByRuns = SetByRuns(Vec::new());
        &NONE
    }

    /// The row that made this quota what it is, as far as runs read it back; none where somebody else set it since.
    pub(crate) fn who_set(&self, target: &Target, quota: Option<Units>) -> Option<&SentRow> {
        let set = self.0.iter().filter(|row| row.verified.is_some() && row.target == *target);
        set.max_by_key(|row| row.verified).filter(|row| row.after == quota)
    }
}
