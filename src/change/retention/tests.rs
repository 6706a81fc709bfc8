//! Which runs go, and which stay however old they are.

use super::*;
use crate::change::codes::RunState;

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
