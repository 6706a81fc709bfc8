//! Who is behind a change: whoever dropped and approved the run that made it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::change::run::{Run, RunRecord};
use crate::domain::diff::Diff;
use crate::report::People;

/// Who dropped and approved the runs that made these changes, as far as their folders are still there and say so.
pub(crate) fn people(runs: &Path, diffs: &[Diff]) -> People {
    let changes = diffs.iter().flat_map(|diff| &diff.changes);
    let ids: BTreeSet<&String> = changes.filter_map(|change| change.made_by.run()).collect();
    let people = |id: &String| {
        let RunRecord { dropped_by, approved_by, .. } = Run::open(runs, id).ok()?.record;
        let dropped = dropped_by.map(|by| by.user.unwrap_or_else(|| format!("uid {}", by.uid)));
        let both = [("dropped", dropped), ("approved", approved_by)];
        let both = both.map(|(what, by)| by.map(|by| format!("{what} by {by}")));
        let both: Vec<String> = both.into_iter().flatten().collect();
        Some((id.clone(), both.join(", "))).filter(|(_, both)| !both.is_empty())
    };
    ids.into_iter().filter_map(people).collect()
}
