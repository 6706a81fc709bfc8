//! A plan as a whole: preview, approval and apply all use this one value.

use std::collections::BTreeSet;

use super::row::{NO_QUOTA, PlanRow, Verdict};
use crate::domain::quota::{OrgId, Target, Units};
use crate::files::sha256;

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

/// How many rows of a plan do what. The first four count what is to be sent or held; those add up, with unchanged and
/// refused, to all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub raises: usize,
    pub decreases: usize,
    /// First quotas.
    pub new: usize,
    /// Quotas taken off.
    pub removed: usize,
    pub unchanged: usize,
    pub refused: usize,
    /// How many of the first four wait for approval.
    pub held: usize,
}

impl Plan {
    /// Rows that are sent now without asking anybody.
    pub(crate) fn to_send(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Send && row.due.is_none())
    }

    /// Rows that nobody has to be asked about, and that wait for their time.
    pub(crate) fn scheduled_rows(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Send && row.due.is_some())
    }

    /// Rows that wait for approval.
    pub(crate) fn held_rows(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Held(_)))
    }

    /// Rows that are sent now, in their time, or once a person approves: what the hash stands for.
    pub(crate) fn pending_rows(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.is_pending())
    }

    /// Rows that are never sent.
    pub(crate) fn refused_rows(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Refused(_)))
    }

    /// Nothing is to be sent, now or once a person approves.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending_rows().next().is_none()
    }

    /// These rows as a plan of their own, with a hash of its own.
    pub(crate) fn restricted_to(&self, rows: &BTreeSet<usize>) -> Self {
        let rows: Vec<PlanRow> = self.rows.iter().filter(|row| rows.contains(&row.row)).cloned().collect();
        let touched: BTreeSet<&OrgId> = rows.iter().filter_map(PlanRow::org_id).collect();
        let organizations =
            self.organizations.iter().filter(|own| touched.contains(&own.org_id)).cloned().collect();
        let sha256 = hash(&rows);
        Self { rows, organizations, sha256 }
    }

    /// The totals that people read first.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            match row.verdict {
                Verdict::Unchanged(_) => counts.unchanged += 1,
                Verdict::Refused(_) => counts.refused += 1,
                Verdict::Send | Verdict::Held(_) => {
                    counts.held += usize::from(row.verdict != Verdict::Send);
                    *match (row.before, row.after) {
                        (_, None) => &mut counts.removed,
                        (None, Some(_)) => &mut counts.new,
                        (Some(before), Some(after)) if after < before => &mut counts.decreases,
                        (Some(_), Some(_)) => &mut counts.raises,
                    } += 1;
                }
            }
        }
        counts
    }
}

/// SHA-256 over the sorted `org_id,aid,before,after` lines (with the time, where it is not now) of all rows that are to be sent or held.
pub(crate) fn hash(rows: &[PlanRow]) -> String {
    let (mut text, mut digits) = (String::new(), itoa::Buffer::new());
    for row in rows.iter().filter(|row| row.is_pending()) {
        let Some(Target { org_id, aid }) = &row.target else { continue };
        for id in [org_id.as_str(), aid.as_ref().map_or("", |aid| aid.as_str())] {
            text += id;
            text.push(',');
        }
        text += row.before.map_or(NO_QUOTA, |units| digits.format(units));
        text.push(',');
        text += row.after.map_or(NO_QUOTA, |units| digits.format(units));
        // When it is to happen is a part of what a person approves.
        if let Some(due) = row.due {
            text.push(',');
            text += &due.to_rfc3339();
        }
        text.push('\n');
    }
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    sha256(lines.concat().as_bytes())
}
