//! One row of a plan: what it asks for, what it finds, and what becomes of it.

use chrono::{DateTime, Utc};

use crate::change::codes::{Code, Guard, Problem};
pub(super) use crate::change::parse::Action;
use crate::domain::quota::{OrgId, Target, Units};
use crate::text::words::quota_text;

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
    /// How the row itself names its target, where that was not found: `Helpdesk 208001`; else empty.
    pub named: String,
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
    /// The organization of its target.
    pub(crate) fn org_id(&self) -> Option<&OrgId> {
        self.target.as_ref().map(|target| &target.org_id)
    }

    /// The name that a person knows the target by, with its id: `Helpdesk 208001`; as the row writes it where that was not found.
    pub(crate) fn label(&self) -> String {
        let (name, id) = match &self.target {
            None => return self.named.clone(),
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

    /// See [`is_decrease`].
    pub(crate) fn is_decrease(&self) -> bool {
        is_decrease(self.before, self.after)
    }
}

/// Whether a row leaves less room: it lowers a quota, or sets a first one where there was no cap.
pub(crate) fn is_decrease(before: Option<Units>, after: Option<Units>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => after < before,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// What a cell holds where there is no quota.
pub(super) const NO_QUOTA: &str = "none";

/// A quota as a cell holds it: digits, or `none`.
pub(crate) fn plain_quota(quota: Option<Units>) -> String {
    quota.map_or_else(|| NO_QUOTA.to_owned(), |units| units.to_string())
}
