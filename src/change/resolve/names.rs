//! Rows by their name, as people type names: blanks around and within don't count, nor how a letter is composed, and case and width
//! only where two names differ by them.

use std::collections::HashMap;

use crate::change::parse::trimmed;
use crate::domain::quota::{OrgId, SnapshotRow};
use crate::text::lookalike::{composed, key, skeleton};
use crate::text::similarity::nearest;

/// How many names are compared for all rows of a file together. To offer the nearest name to each of 100 000 wrong ones
/// among 100 000 would take hours, and nobody reads so many.
const COMPARISONS: usize = 200_000;

/// How many near names are offered.
const OFFERED: usize = 3;

/// Organizations or account groups by name. Those without a name are not found.
pub(super) struct Names<'a> {
    name: fn(&SnapshotRow) -> &str,
    rows: Vec<&'a SnapshotRow>,
    by_name: HashMap<String, Vec<&'a SnapshotRow>>,
    by_look: HashMap<String, Vec<&'a SnapshotRow>>,
    comparisons: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(rows: impl Iterator<Item = &'a SnapshotRow>, name: fn(&SnapshotRow) -> &str) -> Self {
        let rows: Vec<_> = rows.filter(|row| !trimmed(name(row)).is_empty()).collect();
        let mut by_name: HashMap<String, Vec<_>> = HashMap::with_capacity(rows.len());
        let mut by_look: HashMap<String, Vec<_>> = HashMap::with_capacity(rows.len());
        for row in &rows {
            by_name.entry(key(name(row))).or_default().push(*row);
            by_look.entry(skeleton(name(row))).or_default().push(*row);
        }
        Self { name, rows, by_name, by_look, comparisons: 0 }
    }

    /// Those of that name, in one organization or among all. Where any has exactly this name, the others are not meant.
    pub(super) fn called(&self, name: &str, within: Option<&OrgId>) -> Vec<&'a SnapshotRow> {
        let is_within = |row: &&&SnapshotRow| within.is_none_or(|org_id| row.target.org_id == *org_id);
        let alike = self.by_name.get(&key(name)).map_or(&[][..], Vec::as_slice);
        let (exact, others): (Vec<_>, Vec<_>) =
            alike.iter().filter(is_within).partition(|row| composed((self.name)(row)) == composed(name));
        if exact.is_empty() { others } else { exact }
    }

    /// Those whose name is nearest to one that nobody has; none once too many were asked for.
    pub(super) fn nearest(&mut self, name: &str, within: Option<&OrgId>) -> Vec<&'a SnapshotRow> {
        let is_within = |row: &&&SnapshotRow| within.is_none_or(|org_id| row.target.org_id == *org_id);
        let alike = self.by_look.get(&skeleton(name)).map_or(&[][..], Vec::as_slice);
        let alike: Vec<_> = alike.iter().filter(is_within).take(OFFERED).copied().collect();
        if !alike.is_empty() || self.comparisons >= COMPARISONS {
            return alike;
        }
        let known: Vec<String> =
            self.rows.iter().filter(is_within).map(|row| key((self.name)(row))).collect();
        self.comparisons += self.rows.len();
        let mut near = nearest(&key(name), known.iter().map(String::as_str), OFFERED);
        near.dedup();
        near.into_iter().flat_map(|name| self.called(name, within)).take(OFFERED).collect()
    }
}
