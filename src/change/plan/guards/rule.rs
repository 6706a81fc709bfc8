//! What a guard is: what it judges, what it looks at, and what it says.

use std::cmp::Ordering;

use super::organizations::{Organization, is_account_group};
use crate::change::plan::context::PlanContext;
use crate::change::plan::effective;
use crate::change::plan::row::PlanRow;
use crate::config::{Guards, Level};
use crate::domain::quota::{Snapshot, Units};
use crate::text::words;

/// Everything about one guard.
pub(super) struct Rule {
    pub(super) scope: Scope,
    /// Why it holds, without a figure: said once where it holds many rows.
    pub(super) summary: &'static str,
    /// Whether an owner of the row's target may read the message: it has no figures of the organization. Else the summary is
    /// what owners read.
    pub(super) is_for_owners: bool,
    /// The key of the configuration that sets its limit; none where no key does, or where the message names it.
    pub(super) limit_key: Option<&'static str>,
    /// Nothing to say is the ordinary case.
    pub(super) check: fn(&GuardInput<'_>) -> Option<Finding>,
}

/// What a guard judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The row by itself.
    Row,
    /// All rows of an organization together: each of them has the same reason.
    Organization,
    /// The whole plan.
    Plan,
    /// What the row goes together with.
    Binding,
}

/// What a guard says of a row.
pub(super) enum Finding {
    Hold(String),
    Warn(String),
}

impl Finding {
    pub(super) fn at(level: Level, message: String) -> Option<Self> {
        match level {
            Level::Allow => None,
            Level::Warn => Some(Self::Warn(message)),
            Level::Hold => Some(Self::Hold(message)),
        }
    }
}

/// What a guard looks at: a row that would be sent, and the organization that it belongs to.
pub(super) struct GuardInput<'a> {
    pub(super) row: &'a PlanRow,
    /// The limits of the row's target.
    pub(super) limits: &'a Guards,
    pub(super) organization: &'a Organization,
    pub(super) live: &'a Snapshot,
    pub(super) context: &'a PlanContext<'a>,
}

impl GuardInput<'_> {
    /// The new quota, if it lowers one or is the first.
    pub(super) fn decrease(&self) -> Option<Units> {
        self.row.after.filter(|_| self.row.is_decrease())
    }

    /// What the quota must allow, if that can be compared with it.
    pub(super) fn needed(&self) -> Option<Units> {
        self.row.needed().filter(|_| !self.organization.mismatched)
    }

    /// Which quotas of the organization the answer lacks, as a clause.
    pub(super) fn missing_quotas(&self) -> Option<String> {
        let org_id = self.row.org_id()?;
        Some(self.context.vanished.earlier(org_id)?.sentence(org_id, self.context.zone))
    }

    /// Why nobody knows what the organization's account groups have together, as a clause.
    pub(super) fn unknown_sum(&self) -> Option<String> {
        let unreadable = || {
            let (target, why) = self.live.unreadable_group(self.row.org_id()?)?;
            let target = words::clean(&target.to_string(), 200);
            Some(format!(
                "the quota of {target} in the API's answer cannot be read ({})",
                words::clean(why, 160)
            ))
        };
        self.missing_quotas().or_else(unreadable)
    }

    pub(super) fn is_account_group(&self) -> bool {
        is_account_group(self.row)
    }

    /// Which cycle the row's projection is of, in words.
    pub(super) fn projected_word(&self) -> &'static str {
        let seen = self.row.target.as_ref().and_then(|target| self.live.place(target));
        if seen.is_some_and(|seen| effective::is_next_cycle(seen, self.row.due)) {
            "projected for the next cycle"
        } else {
            "projected"
        }
    }
}

/// `percent` % of `base` against `units`, without rounding.
pub(super) fn compare(base: Units, percent: u32, units: Units) -> Ordering {
    (i128::from(base) * i128::from(percent)).cmp(&(i128::from(units) * 100))
}
