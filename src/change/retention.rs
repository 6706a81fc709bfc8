//! Which finished runs may go: pure.
//!
//! A run is part of a family: the run of the dropped file, and those that were split off from it. They go together, when none of
//! them is open any more.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::RunState;
use super::run::RunRecord;

/// The runs to remove: whole families that came to their end before `before`, the parts before what they were split off from.
pub(crate) fn superfluous(runs: &[&RunRecord], before: DateTime<Utc>) -> Vec<String> {
    let stays = |run: &&&RunRecord| !is_finished(run.state) || run.updated >= before;
    let kept: BTreeSet<&str> = runs.iter().filter(stays).map(|run| run.root()).collect();
    let mut gone: Vec<&RunRecord> = runs.iter().copied().filter(|run| !kept.contains(run.root())).collect();
    gone.sort_by(|a, b| (a.root(), b.id.len(), &b.id).cmp(&(b.root(), a.id.len(), &a.id)));
    gone.into_iter().map(|run| run.id.clone()).collect()
}

/// A stale run still waits for a person, who may have it planned again.
fn is_finished(state: RunState) -> bool {
    match state {
        RunState::Done | RunState::Failed | RunState::Rejected => true,
        RunState::Planned | RunState::Held | RunState::Scheduled | RunState::Applying | RunState::Stale => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> DateTime<Utc> {
        format!("2026-11-{day:02}T12:00:00Z").parse().unwrap()
    }

    fn run(id: &str, state: RunState, day: u32) -> RunRecord {
        RunRecord { state, updated: at(day), ..RunRecord::new(id.into(), "a.csv", true, at(1)) }
    }

    fn gone(runs: &[RunRecord]) -> Vec<String> {
        superfluous(&runs.iter().collect::<Vec<_>>(), at(20))
    }

    #[test]
    fn runs_that_ended_long_ago_are_removed_and_open_runs_stay_however_old() {
        use RunState::{Applying, Done, Failed, Held, Planned, Rejected, Scheduled, Stale};
        for state in [Planned, Held, Scheduled, Applying, Stale] {
            assert!(gone(&[run("20261101T120000Z-a", state, 2)]).is_empty(), "{state}");
        }
        for state in [Done, Failed, Rejected] {
            assert_eq!(gone(&[run("20261101T120000Z-a", state, 19)]).len(), 1, "{state}");
            assert!(gone(&[run("20261101T120000Z-a", state, 20)]).is_empty(), "{state}");
        }
    }

    #[test]
    fn a_family_goes_as_a_whole_and_its_parts_first() {
        let family = |held| {
            [
                run("20261101T120000Z-a", RunState::Done, 2),
                run("20261101T120000Z-a.held", held, 3),
                run("20261101T120000Z-ab", RunState::Done, 2),
            ]
        };
        assert_eq!(gone(&family(RunState::Held)), ["20261101T120000Z-ab"]);
        assert_eq!(
            gone(&family(RunState::Rejected)),
            ["20261101T120000Z-a.held", "20261101T120000Z-a", "20261101T120000Z-ab"]
        );
    }
}
