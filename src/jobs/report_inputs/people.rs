//! Who is behind a change: whoever dropped or applied the file of the run that made it, and whoever approved that.

use std::collections::BTreeSet;
use std::path::Path;

use crate::change::run::Run;
use crate::domain::diff::Diff;
use crate::report::People;

/// Who dropped, applied and approved the runs that made these changes, as far as their folders are still there and say so.
pub(crate) fn people(runs: &Path, diffs: &[Diff]) -> People {
    let changes = diffs.iter().flat_map(|diff| &diff.changes);
    let ids: BTreeSet<&String> = changes.filter_map(|change| change.made_by.run()).collect();
    let people = |id: &String| {
        let known = Run::open(runs, id).ok()?.record.people_text();
        (!known.is_empty()).then(|| (id.clone(), known))
    };
    ids.into_iter().filter_map(people).collect()
}
