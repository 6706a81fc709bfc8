//! Which finished runs may be removed: pure.
//!
//! A run is part of a family: the run of the dropped file, and those that were split off from it. They go together, when none of
//! them is open any more.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::run::RunRecord;

/// The runs to remove: whole families that came to their end before `before`, the parts before what they were split off from.
pub(crate) fn superfluous(runs: &[&RunRecord], before: DateTime<Utc>) -> Vec<String> {
    let stays = |run: &&&RunRecord| !run.state.is_final() || run.updated >= before;
    let kept: BTreeSet<&str> = runs.iter().filter(stays).map(|run| run.root_id()).collect();
    let mut gone: Vec<&RunRecord> =
        runs.iter().copied().filter(|run| !kept.contains(run.root_id())).collect();
    gone.sort_by(|a, b| (a.root_id(), b.id.len(), &b.id).cmp(&(b.root_id(), a.id.len(), &a.id)));
    gone.into_iter().map(|run| run.id.clone()).collect()
}

#[cfg(test)]
mod tests;
