//! Rows by their name, as people type names: blanks around and within don't count, nor how a letter is composed, and case and width
//! only where two names differ by them.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::change::parse::trim_cell;
use crate::domain::quota::{OrgId, Place, Snapshot};
use crate::text::lookalike::{composed, key, skeleton};
use crate::text::similarity::nearest;

/// How many names are compared for all rows of a file together. To offer the nearest name to each of 100 000 wrong ones
/// among 100 000 would take hours, and nobody reads so many.
const COMPARISONS: usize = 200_000;

/// How many near names are offered.
const OFFERED: usize = 3;

/// Organizations or account groups by name. Those without a name are not found.
pub(super) struct Names<'a> {
    live: &'a Snapshot,
    places: for<'p> fn(&'p Snapshot) -> Vec<Place<'p>>,
    name: for<'p> fn(Place<'p>) -> &'p str,
    /// Made when a name is first looked for: most files name ids alone.
    index: OnceCell<Index<'a>>,
    comparisons: usize,
}

#[derive(Default)]
struct Index<'a> {
    all: Vec<Place<'a>>,
    by_name: HashMap<String, Vec<Place<'a>>>,
    by_look: HashMap<String, Vec<Place<'a>>>,
}

impl<'a> Names<'a> {
    /// Of these places of what is live.
    pub(super) fn new(
        live: &'a Snapshot,
        places: for<'p> fn(&'p Snapshot) -> Vec<Place<'p>>,
        name: for<'p> fn(Place<'p>) -> &'p str,
    ) -> Self {
        Self { live, places, name, index: OnceCell::new(), comparisons: 0 }
    }

    fn index(&self) -> &Index<'a> {
        self.index.get_or_init(|| {
            let mut index = Index { all: (self.places)(self.live), ..Index::default() };
            index.all.retain(|place| !trim_cell((self.name)(*place)).is_empty());
            for place in &index.all {
                let name = (self.name)(*place);
                index.by_name.entry(key(name)).or_default().push(*place);
                index.by_look.entry(skeleton(name)).or_default().push(*place);
            }
            index
        })
    }

    /// Those of that name, in one organization or among all. Where any has exactly this name, the others are not meant.
    pub(super) fn with_name(&self, name: &str, within: Option<&OrgId>) -> Vec<Place<'a>> {
        if trim_cell(name).is_empty() {
            return Vec::new();
        }
        let is_within = |place: &&Place<'_>| within.is_none_or(|org_id| place.organization.id == *org_id);
        let alike = self.index().by_name.get(&key(name)).map_or(&[][..], Vec::as_slice);
        let (exact, others): (Vec<_>, Vec<_>) = alike
            .iter()
            .filter(is_within)
            .partition(|place| composed((self.name)(**place)) == composed(name));
        if exact.is_empty() { others } else { exact }
    }

    /// Those whose name is nearest to one that nobody has; none once too many were asked for.
    pub(super) fn nearest_names(&mut self, name: &str, within: Option<&OrgId>) -> Vec<Place<'a>> {
        let is_within = |place: &&Place<'_>| within.is_none_or(|org_id| place.organization.id == *org_id);
        let alike = self.index().by_look.get(&skeleton(name)).map_or(&[][..], Vec::as_slice);
        let alike: Vec<_> = alike.iter().filter(is_within).take(OFFERED).copied().collect();
        if !alike.is_empty() || self.comparisons >= COMPARISONS {
            return alike;
        }
        let all = &self.index().all;
        let known: Vec<String> = all.iter().filter(is_within).map(|place| key((self.name)(*place))).collect();
        self.comparisons += all.len();
        let mut near = nearest(&key(name), known.iter().map(String::as_str), OFFERED);
        near.dedup();
        near.into_iter().flat_map(|name| self.with_name(name, within)).take(OFFERED).collect()
    }
}
