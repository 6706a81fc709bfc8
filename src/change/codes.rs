//! The fixed words that files, scripts and the configuration know: codes of rows, guards, and states of runs.

use crate::text::codes::codes;

codes!(
    /// The codes of `error.csv`.
    Code {
        /// The row's cells do not make a change: a bad id, value, action, or a missing cell.
        BadRow = "bad_row",
        /// The same target stands in more than one row.
        Duplicate = "duplicate",
        /// The token sees no such organization or account group, or its quota in the API's answer cannot be read.
        UnknownTarget = "unknown_target",
        /// Several targets may be meant: an account group without its organization, a name that several have, or a name
        /// beside the id of another.
        AmbiguousTarget = "ambiguous_target",
        /// The live quota is not the row's `expected_value`.
        Stale = "stale",
        /// Another row of the same organization (or file) was refused, and the two fall together.
        NotSent = "not_sent",
        /// A guard holds it; it waits in a run of its own.
        Held = "held",
        /// Somebody set another value between the plan and the write.
        ChangedMeanwhile = "changed_meanwhile",
        /// The server refused this row.
        Refused = "refused",
        /// The server took it, or did not answer, and the quota does not read back as asked.
        NotConfirmed = "not_confirmed",
        /// A person rejected the run, or its approval came too late.
        Rejected = "rejected",
    }
);

codes!(
    /// The rules that hold a plan back until a person approves it. The text is also the configuration's name for it.
    Guard {
        /// Lowers a quota, or sets a first one, below what is used or projected.
        BelowUse = "below_use",
        /// Lowers a quota, or sets a first one, below what was used in the billing cycle before this one.
        BelowLastCycle = "below_last_cycle",
        /// Lowers a quota while usage is unknown, or counted in units that look mismatched.
        Unknown = "unknown",
        /// Touches the organization's own quota dangerously.
        Organization = "organization",
        /// Removes a quota.
        Unassign = "unassign",
        /// Raises one value by too large a factor: a zero too many.
        RaiseFactor = "raise_factor",
        /// Lowers too large a share of an organization's quotas.
        LoweredShare = "lowered_share",
        /// Moves the sum of an organization's account groups too far.
        Sum = "sum",
        /// Gives the account groups of an organization more than it has.
        OverAllocation = "over_allocation",
        /// `guard.approval = "always"`: every plan is held.
        Approval = "approval",
        /// Held because another row that it falls together with is held.
        Bound = "bound",
    }
);

codes!(
    /// Where a run stands: `"state"` of its `run.json`.
    RunState {
        /// Planned, and nothing sent yet.
        Planned = "planned",
        /// A guard holds it until a person decides.
        Held = "held",
        /// Waits for its time.
        Scheduled = "scheduled",
        /// Being sent, or interrupted while it was.
        Applying = "applying",
        /// Every row has its result.
        Done = "done",
        /// The file could not be used, or the run could not go on.
        Failed = "failed",
        /// A person said no, or nobody said yes in time.
        Rejected = "rejected",
        /// Approved, but what it approved is not what it would do now.
        Stale = "stale",
    }
);

impl RunState {
    /// Nothing more is sent, and nobody is waited for. A stale run still waits for a person, who may have it planned again.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Rejected => true,
            Self::Planned | Self::Held | Self::Scheduled | Self::Applying | Self::Stale => false,
        }
    }
}

/// Why a row is not sent, or did not do what it asked for: a stable code for scripts and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The `code` column of `error.csv`.
    pub code: Code,
    /// What is wrong and what to do, in the words of somebody who uses a spreadsheet; of a cell, its column. Whoever shows it
    /// says which row it is about.
    pub message: String,
}

impl Problem {
    /// What is wrong with the cell of a column.
    pub(super) fn in_column(code: Code, column: &str, sentence: &str) -> Self {
        Self { code, message: format!("Column `{column}`: {sentence}") }
    }

    /// The message with its row's number, where no row stands beside it.
    pub(crate) fn of_row(&self, row: usize) -> String {
        format!("Row {row}: {}", self.message)
    }
}
