//! How rows ended, of which one each is written to `success.csv` or to `error.csv`.

use crate::change::codes::Problem;
use crate::domain::quota::Units;

/// How a sent, or not sent, row ended: a line of `success.csv` or of `error.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowResult {
    /// The row's number as a spreadsheet shows it.
    pub row: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The API reads back what was asked for, and this run sent it.
    Applied {
        /// The quota before.
        before: Option<Units>,
        /// The quota after.
        after: Option<Units>,
    },
    /// Nothing was to be sent; why is said.
    Unchanged {
        /// The quota, before and after.
        quota: Option<Units>,
        /// `already 5 000`, or `not edited`.
        message: String,
    },
    /// It waits for its time, in a run of its own.
    Scheduled {
        /// The quota that it found.
        before: Option<Units>,
        /// The quota that it will ask for.
        after: Option<Units>,
        /// That run.
        run: Option<String>,
        /// `waits until … as run …`.
        message: String,
    },
    /// It did not do what was asked for.
    Failed(Problem),
}
