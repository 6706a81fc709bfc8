//! Who is behind a change: whoever dropped or applied the file of the run that made it, and whoever approved that.

use std::collections::BTreeSet;
use std::path::Path;

use crate::change::run::{Run, RunRecord};
use crate::domain::diff::Diff;
use crate::files::owner::Owner;
use crate::report::People;

/// Who dropped, applied and approved the runs that made these changes, as far as their folders are still there and say so.
pub(crate) fn people(runs: &Path, diffs: &[Diff]) -> People {
    let changes = diffs.iter().flat_map(|diff| &diff.changes);
    let ids: BTreeSet<&String> = changes.filter_map(|change| change.made_by.run()).collect();
    let people = |id: &String| {
        let RunRecord { dropped_by, applied_by, approved_by, .. } = Run::open(runs, id).ok()?.record;
        let name = |by: Owner| by.user.unwrap_or_else(|| format!("uid {}", by.uid));
        let known =
            [("dropped", dropped_by.map(name)), ("applied", applied_by.map(name)), ("approved", approved_by)];
        let known = known.map(|(what, by)| by.map(|by| format!("{what} by {by}")));
        let known: Vec<String> = known.into_iter().flatten().collect();
        Some((id.clone(), known.join(", "))).filter(|(_, known)| !known.is_empty())
    };
    ids.into_iter().filter_map(people).collect()
}
