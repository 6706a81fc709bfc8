//! The runs that wait, as reports and pages show them.

use std::path::Path;

use tracing::warn;

use crate::change::run::Run;
use crate::change::summary::summarize;
use crate::change::{RunState, RunSummary};

/// The runs that wait for a person. One that cannot be read is logged, and hides no other.
pub(crate) fn held_summaries(runs: &Path) -> anyhow::Result<Vec<RunSummary>> {
    summaries(runs, Run::waits_for_person)
}

/// Those, and the runs that wait for their time.
pub(super) fn waiting_summaries(runs: &Path) -> anyhow::Result<Vec<RunSummary>> {
    summaries(runs, |run| run.waits_for_person() || run.record.state == RunState::Scheduled)
}

fn summaries(runs: &Path, is_wanted: impl Fn(&Run) -> bool) -> anyhow::Result<Vec<RunSummary>> {
    let wanted = Run::list_unfinished(runs)?.runs.into_iter().filter(|run| is_wanted(run));
    let readable = |run: Run| match summarize(&run) {
        Ok(summary) => Some(summary),
        Err(error) => {
            warn!(run = %run.record.id, error = format!("{error:#}"), "a run that waits cannot be read");
            None
        }
    };
    Ok(wanted.filter_map(readable).collect())
}
