//! The way of a change file to changed quotas: `parse` → `plan` (with `guard`) → `apply` → `results`, kept by `run`.
//!
//! This file holds the words that these share. Parsing, planning and guarding are pure; `apply` and `run` are the shell.

pub(crate) mod apply;
pub(crate) mod approvals;
mod binding;
mod consequences;
mod effective;
pub(crate) mod explains;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod guard;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod lifecycle;
pub(crate) mod live_plan;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod propose;
mod resolve;
pub(crate) mod results;
pub(crate) mod retention;
pub(crate) mod run;
pub(crate) mod services;
pub(crate) mod stale;
pub(crate) mod stored;
pub(crate) mod summary;
#[cfg(test)]
mod undo_tests;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use self::services::Services;
use crate::domain::quota::{OrgId, Target, Units, quota_text};

/// What a row of a change file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Create or update a quota.
    Assign,
    /// Take a quota off; the target becomes uncapped.
    Unassign,
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
    fn in_column(code: Code, column: &str, sentence: &str) -> Self {
        Self { code, message: format!("Column `{column}`: {sentence}") }
    }

    /// The message with its row's number, where no row stands beside it.
    pub(crate) fn of_row(&self, row: usize) -> String {
        format!("Row {row}: {}", self.message)
    }
}

macro_rules! codes {
    ($(#[$enum_doc:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in the order of the declaration.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// The fixed text that files carry.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
                    .ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ")))
            }
        }
    };
}

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
        /// Lowers too large a share of an organization's quotas.
        LoweredShare = "lowered_share",
        /// Moves the sum of an organization's account groups too far.
        Sum = "sum",
        /// Raises one value by too large a factor: a zero too many.
        RaiseFactor = "raise_factor",
        /// Touches the organization's own quota dangerously.
        Organization = "organization",
        /// Takes a quota off.
        Unassign = "unassign",
        /// Gives the account groups of an organization more than it has.
        OverAllocation = "over_allocation",
        /// Lowers a quota while usage is unknown, or counted in units that look mismatched.
        Unknown = "unknown",
        /// `guard.approval = "always"`: every plan is held.
        Approval = "approval",
        /// Held because another row that it falls together with is held.
        Bound = "bound",
    }
);

/// A guard that a row trips, said in words with its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuardHit {
    /// Which guard.
    pub guard: Guard,
    /// Why, for a person: `1 000 is below the 3 480 projected`.
    pub message: String,
}

/// What the plan says of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// To be sent.
    Send,
    /// Nothing to send, for this reason.
    Unchanged(NoChange),
    /// Never sent.
    Refused(Problem),
    /// Waits for approval, for these reasons (at least one).
    Held(Vec<GuardHit>),
}

/// Why a row changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoChange {
    /// The quota already is what the row asks for.
    AlreadySo,
    /// The row asks for what its editor saw.
    NotEdited,
}

impl NoChange {
    /// `not edited`, or `already 5 000` with the quota that is live.
    pub(crate) fn message(self, live: Option<Units>) -> String {
        match (self, live) {
            (Self::NotEdited, _) => "not edited".to_owned(),
            (Self::AlreadySo, None) => "already without a quota".to_owned(),
            (Self::AlreadySo, Some(_)) => format!("already {}", quota_text(live)),
        }
    }
}

/// One row of a change file, held against what is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanRow {
    /// The row's number as a spreadsheet shows it.
    pub row: usize,
    /// Assign or unassign.
    pub action: Action,
    /// What it sits on; none where the row was refused before that was known.
    pub target: Option<Target>,
    /// The organization's name, empty if unknown.
    pub org_name: String,
    /// The account group's name, empty if unknown or an organization's row.
    pub account_group_name: String,
    /// The live quota.
    pub before: Option<Units>,
    /// The quota that is asked for; none for an unassign.
    pub after: Option<Units>,
    /// Quota units used so far in this cycle; none when unknown.
    pub used: Option<Units>,
    /// Quota units by the end of this cycle; none when unknown.
    pub projected: Option<Units>,
    /// How the value was written where that is not its digits: `20% of plan`; else empty.
    pub written: String,
    /// When it is to take effect; none for now. Until then usage is what is projected for that time.
    pub due: Option<DateTime<Utc>>,
    /// The row's `comment`.
    pub comment: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What does not hold the row but should be read, such as little headroom.
    pub warnings: Vec<String>,
}

impl PlanRow {
    /// The name that a person knows the target by, with its id: `Helpdesk 208001`.
    pub(crate) fn label(&self) -> String {
        let (name, id) = match &self.target {
            None => return String::new(),
            Some(Target { aid: Some(aid), .. }) => (&self.account_group_name, aid.as_str()),
            Some(Target { org_id, aid: None }) => (&self.org_name, org_id.as_str()),
        };
        if name.is_empty() { id.to_owned() } else { format!("{name} {id}") }
    }

    /// What the quota must at least allow: the larger of used and projected; none when either is unknown.
    pub(crate) fn needed(&self) -> Option<Units> {
        Some(self.used?.max(self.projected?))
    }

    /// The quota that is asked for less what is needed; negative when it will not do.
    pub(crate) fn headroom(&self) -> Option<Units> {
        Some(self.after?.saturating_sub(self.needed()?))
    }

    /// Sorts what leaves the least headroom first. A decrease of which nobody knows what it leaves stands before those that
    /// leave something; a cap that is taken off stops no test.
    pub(crate) fn danger(&self) -> (Units, usize) {
        let unknown = if self.is_decrease() { 0 } else { Units::MAX };
        (self.headroom().unwrap_or(unknown), self.row)
    }

    /// The guards that hold it; none for a row that is not held.
    pub(crate) fn held_reasons(&self) -> impl Iterator<Item = &GuardHit> {
        let tripped = match &self.verdict {
            Verdict::Held(tripped) => tripped.as_slice(),
            Verdict::Send | Verdict::Unchanged(_) | Verdict::Refused(_) => &[],
        };
        tripped.iter()
    }

    /// Whether it is known what the row asks for: of a row that could not be read, an `after` of none says nothing.
    pub(crate) fn is_understood(&self) -> bool {
        let unreadable = matches!(&self.verdict, Verdict::Refused(problem) if problem.code == Code::BadRow);
        self.target.is_some() && !unreadable
    }

    /// Held or refused only because another row is that it falls together with.
    pub(crate) fn falls_with_others(&self) -> bool {
        match &self.verdict {
            Verdict::Held(tripped) => tripped.iter().all(|tripped| tripped.guard == Guard::Bound),
            Verdict::Refused(problem) => problem.code == Code::NotSent,
            Verdict::Send | Verdict::Unchanged(_) => false,
        }
    }

    /// To be sent now, or once a person approves: a part of what the plan's hash stands for.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.verdict, Verdict::Send | Verdict::Held(_))
    }

    /// Lowers a quota, or sets a first one where there was no cap.
    pub(crate) fn is_decrease(&self) -> bool {
        match (self.before, self.after) {
            (Some(before), Some(after)) => after < before,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

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

/// What a change file would do, or did: preview, approval and apply all use this same value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// One for each row of the change file, in its order.
    pub rows: Vec<PlanRow>,
    /// The organizations that the rows touch, in the order of their ids.
    pub organizations: Vec<PlanOrganization>,
    /// SHA-256 over the sorted before → after lines of all rows that are to be sent or held; 64 hex digits.
    pub sha256: String,
}

/// What a plan does to one organization as a whole, if every row that is to be sent or held were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanOrganization {
    /// The organization.
    pub org_id: OrgId,
    /// Its name, empty if unknown.
    pub name: String,
    /// Its own quota as it would be afterwards; none when it has none.
    pub quota: Option<Units>,
    /// The contracted plan, if known.
    pub plan_units: Option<Units>,
    /// The sum of its account groups' quotas now.
    pub allocated_before: Units,
    /// The same sum afterwards.
    pub allocated_after: Units,
}

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

impl RunStory {
    /// As mails show it: what is only planned came to its end, and is a plan.
    pub(crate) fn shown_state(&self) -> RunState {
        if self.planned_only { RunState::Planned } else { self.state }
    }
}

/// A run as mails and `runs` tell it.
#[derive(Clone, Debug)]
pub(crate) struct RunStory {
    /// The name of its folder: `20261122T180500Z-raise-emea`.
    pub id: String,
    /// The name of the dropped file.
    pub file: String,
    /// Where it stands.
    pub state: RunState,
    /// When it came to that state.
    pub at: DateTime<Utc>,
    /// What it would do, or did; empty when the file could not be read.
    pub plan: Plan,
    /// One for each row once they are known; empty for a held run.
    pub results: Vec<RowResult>,
    /// The further columns of the file, by row, each as its header and the text: why somebody asked for it. Mails show them.
    pub carried: BTreeMap<usize, Vec<(String, String)>>,
    /// The run that the held rows were split off into.
    pub held_as: Option<String>,
    /// How many decisions were acted on: it can come to a state again.
    pub decided: u32,
    /// `inbox.apply` is false: what would be sent is not, and its outcomes say only that.
    pub planned_only: bool,
    /// Why it failed, went stale or was rejected, each a full sentence with the fix; and what else is to be known.
    pub notes: Vec<String>,
}
