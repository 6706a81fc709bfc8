//! What is sent in which order and in which portions. Pure.
//!
//! Raises and unassigns go first, then decreases and first quotas, so that an interruption leaves more room, not less.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::size::{Half, MOST_ROWS};
use crate::change::plan::{PlanRow, is_decrease};
use crate::domain::quota::{Aid, OrgId, Target, Units};
use crate::thousandeyes::FieldError;

/// So often in a row the names of a server are taken at their word. One that names other rows than the bad ones would have a
/// batch taken apart row by row.
const MOST_NAMED: u8 = 2;

/// A row that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingWrite {
    pub row: usize,
    pub target: Target,
    pub before: Option<Units>,
    pub after: Option<Units>,
}

impl PendingWrite {
    /// The write of a row; none of one whose target is not known.
    pub(crate) fn from_row(row: &PlanRow) -> Option<Self> {
        Some(Self { row: row.row, target: row.target.clone()?, before: row.before, after: row.after })
    }

    /// See [`is_decrease`].
    pub(crate) fn is_decrease(&self) -> bool {
        is_decrease(self.before, self.after)
    }
}

/// Which of the four requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    AssignOrganizations,
    AssignAccountGroups,
    UnassignOrganizations,
    UnassignAccountGroups,
}

impl Operation {
    fn new(target: &Target, after: Option<Units>) -> Self {
        match (&target.aid, after) {
            (None, Some(_)) => Self::AssignOrganizations,
            (Some(_), Some(_)) => Self::AssignAccountGroups,
            (None, None) => Self::UnassignOrganizations,
            (Some(_), None) => Self::UnassignAccountGroups,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AssignOrganizations => "assign organizations",
            Self::AssignAccountGroups => "assign account groups",
            Self::UnassignOrganizations => "unassign organizations",
            Self::UnassignAccountGroups => "unassign account groups",
        }
    }
}

/// One request's worth of rows, all of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub operation: Operation,
    /// In the order of their targets, so that rows of one organization stand together.
    pub rows: Vec<PendingWrite>,
    /// How often it was sent without a clear answer.
    pub unknown: u32,
    /// Which half of a refused batch it is.
    pub(super) half: Option<Half>,
    /// How often in a row it was made smaller by what the server named.
    named: u8,
}

impl Batch {
    /// Leaves so many rows at the most, in portions of one size, and says the rest.
    pub(super) fn split_off(&mut self, most: usize) -> Option<Self> {
        if self.rows.len() <= most {
            return None;
        }
        let portions = self.rows.len().div_ceil(most);
        let rows = self.rows.split_off(self.rows.len().div_ceil(portions));
        self.half = None;
        Some(Self { rows, ..*self })
    }

    pub(crate) fn decreases(&self) -> bool {
        self.rows.iter().any(PendingWrite::is_decrease)
    }

    /// The rows by organization, as the account group requests want them.
    pub(crate) fn by_organization(&self) -> BTreeMap<&OrgId, Vec<(&Aid, Option<Units>)>> {
        let mut organizations: BTreeMap<&OrgId, Vec<_>> = BTreeMap::new();
        for row in &self.rows {
            if let Some(aid) = &row.target.aid {
                organizations.entry(&row.target.org_id).or_default().push((aid, row.after));
            }
        }
        organizations
    }

    /// A refused batch in smaller ones: the rows that the server named apart from the rest, else halves.
    /// None when a single row is left: that row is refused.
    pub(crate) fn split(self, fields: &[FieldError]) -> Option<[Self; 2]> {
        if self.rows.len() < 2 {
            return None;
        }
        let of = self.rows.len();
        let named = if self.named < MOST_NAMED { self.rows_named_by(fields) } else { BTreeSet::new() };
        if !named.is_empty() && named.len() < of {
            let (bad, rest): (Vec<_>, Vec<_>) =
                self.rows.into_iter().enumerate().partition(|(index, _)| named.contains(index));
            let portion = |indexed: Vec<(usize, PendingWrite)>| Self {
                operation: self.operation,
                rows: indexed.into_iter().map(|(_, row)| row).collect(),
                unknown: 0,
                half: None,
                named: self.named + 1,
            };
            return Some([portion(rest), portion(bad)]);
        }
        let mut first = self.rows;
        let second = first.split_off(first.len() / 2);
        let operation = self.operation;
        let half = |rows, half| Self { operation, rows, unknown: 0, half: Some(half), named: 0 };
        Some([half(first, Half::First { of }), half(second, Half::Second { of })])
    }

    /// The rows that fields such as `organizations[1].accountGroups[2].value` name; none if they name no rows.
    fn rows_named_by(&self, fields: &[FieldError]) -> BTreeSet<usize> {
        let mut start = 0;
        let organizations: Vec<Range<usize>> = self
            .rows
            .chunk_by(|a, b| a.target.org_id == b.target.org_id)
            .map(|rows| {
                let from = start;
                start += rows.len();
                from..start
            })
            .collect();
        let position = |field: &str| {
            let mut indexes =
                field.split('[').skip(1).map(|part| part.split(']').next()?.parse::<usize>().ok());
            let organization = indexes.next()??;
            match self.operation {
                Operation::AssignOrganizations | Operation::UnassignOrganizations => {
                    (organization < self.rows.len()).then_some(organization)
                }
                Operation::AssignAccountGroups | Operation::UnassignAccountGroups => {
                    let group = indexes.next()??;
                    organizations.get(organization)?.clone().nth(group)
                }
            }
        };
        fields.iter().filter_map(|error| position(&error.field)).collect()
    }
}

/// Rows that are sent together, as far as their number allows; in the order in which they are sent.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    decreases: bool,
    /// An organization's own raise makes room for its groups; its decrease waits for theirs.
    own_last: bool,
    operation: Operation,
}

impl Step {
    fn new(target: &Target, before: Option<Units>, after: Option<Units>) -> Self {
        let (decreases, operation) = (is_decrease(before, after), Operation::new(target, after));
        Self { decreases, own_last: decreases && operation == Operation::AssignOrganizations, operation }
    }
}

/// The rows in the order in which they are sent.
pub(crate) fn batches(rows: Vec<PendingWrite>) -> VecDeque<Batch> {
    let mut steps: BTreeMap<Step, Vec<PendingWrite>> = BTreeMap::new();
    for row in rows {
        steps.entry(Step::new(&row.target, row.before, row.after)).or_default().push(row);
    }
    let mut queue = VecDeque::new();
    for (Step { operation, .. }, mut rows) in steps {
        rows.sort_by(|a, b| a.target.cmp(&b.target));
        for portion in rows.chunks(MOST_ROWS) {
            queue.push_back(Batch { operation, rows: portion.to_vec(), unknown: 0, half: None, named: 0 });
        }
    }
    queue
}

/// How many [`batches`] of each operation these rows make.
pub(crate) fn count_batches<'p>(rows: impl Iterator<Item = &'p PlanRow>) -> BTreeMap<Operation, usize> {
    let mut steps: BTreeMap<Step, usize> = BTreeMap::new();
    for row in rows {
        if let Some(target) = &row.target {
            *steps.entry(Step::new(target, row.before, row.after)).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::new();
    for (Step { operation, .. }, rows) in steps {
        *counts.entry(operation).or_default() += rows.div_ceil(MOST_ROWS);
    }
    counts
}

#[cfg(test)]
mod tests;
