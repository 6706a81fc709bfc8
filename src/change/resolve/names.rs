//! Rows by their name, as people type names: blanks around and within don't count, and case only where two names differ by it.

use std::collections::HashMap;

use crate::change::parse::trimmed;
use crate::quota::{OrgId, SnapshotRow};
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
    comparisons: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(rows: impl Iterator<Item = &'a SnapshotRow>, name: fn(&SnapshotRow) -> &str) -> Self {
        let rows: Vec<_> = rows.filter(|row| !trimmed(name(row)).is_empty()).collect();
        let mut by_name: HashMap<String, Vec<_>> = HashMap::with_capacity(rows.len());
        for row in &rows {
            by_name.entry(folded(name(row))).or_default().push(*row);
        }
        Self { name, rows, by_name, comparisons: 0 }
    }

    /// Those of that name, in one organization or among all. Where any has exactly this name, the others are not meant.
    pub(super) fn called(&self, name: &str, within: Option<&OrgId>) -> Vec<&'a SnapshotRow> {
        let is_within = |row: &&&SnapshotRow| within.is_none_or(|org_id| row.target.org_id == *org_id);
        let alike = self.by_name.get(&folded(name)).map_or(&[][..], Vec::as_slice);
        let (exact, others): (Vec<_>, Vec<_>) =
            alike.iter().filter(is_within).partition(|row| squeezed((self.name)(row)) == squeezed(name));
        if exact.is_empty() { others } else { exact }
    }

    /// Those whose name is nearest to one that nobody has; none once too many were asked for.
    pub(super) fn nearest(&mut self, name: &str, within: Option<&OrgId>) -> Vec<&'a SnapshotRow> {
        if self.comparisons >= COMPARISONS {
            return Vec::new();
        }
        let is_within = |row: &&&SnapshotRow| within.is_none_or(|org_id| row.target.org_id == *org_id);
        let known: Vec<String> =
            self.rows.iter().filter(is_within).map(|row| folded((self.name)(row))).collect();
        self.comparisons += self.rows.len();
        let mut near = nearest(&folded(name), known.iter().map(String::as_str), OFFERED);
        near.dedup();
        near.into_iter().flat_map(|name| self.called(name, within)).take(OFFERED).collect()
    }
}

/// A name with one blank between its words.
fn squeezed(name: &str) -> String {
    trimmed(name).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn folded(name: &str) -> String {
    squeezed(name).to_lowercase()
}
