use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::change::RunState;
use crate::change::run::RunRecord;

fn at(hours: i64) -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

/// One that is done, its held rows, and one of a file with a longer name.
fn three() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Run::create(folder.path(), at(0), "raise-q4.csv", |record| record).unwrap();
    first.set_state(RunState::Done, at(0)).unwrap();
    let held = RunRecord::new(id::of_held(&first.record.id), "raise-q4.csv", true, at(0));
    Run::create_as(folder.path(), held).unwrap().set_state(RunState::Held, at(0)).unwrap();
    Run::create(folder.path(), at(1), "raise-q4-emea.csv", |record| record).unwrap();
    folder
}

fn found(runs: &Path, written: &str) -> String {
    Run::find(runs, written).map_or_else(|error| error.to_string(), |run| run.record.id)
}

#[test]
fn a_part_that_no_other_run_has_names_a_run() {
    let folder = three();
    for (written, id) in [
        ("20261122T180500Z-raise-q4", "20261122T180500Z-raise-q4"),
        ("raise-q4", "20261122T180500Z-raise-q4"),
        ("raise-q4.held", "20261122T180500Z-raise-q4.held"),
        ("held", "20261122T180500Z-raise-q4.held"),
        ("20261122T19", "20261122T190500Z-raise-q4-emea"),
        ("emea", "20261122T190500Z-raise-q4-emea"),
    ] {
        assert_eq!(found(folder.path(), written), id, "{written}");
    }
}

#[test]
fn a_name_that_fits_several_runs_is_an_error_that_lists_them_newest_first() {
    let folder = three();
    assert_eq!(
        found(folder.path(), "raise"),
        "`raise` is part of 3 runs: 20261122T190500Z-raise-q4-emea (planned), \
         20261122T180500Z-raise-q4.held (held) and 20261122T180500Z-raise-q4 (done)"
    );
    Run::create(folder.path(), at(2), "raise-q4.csv", |record| record).unwrap();
    assert_eq!(
        found(folder.path(), "raise-q4"),
        "`raise-q4` is part of 2 runs: 20261122T200500Z-raise-q4 (planned) and 20261122T180500Z-raise-q4 (done)"
    );
    for day in 1..5 {
        Run::create(folder.path(), at(24 * day), "raise.csv", |record| record).unwrap();
    }
    fs_err::write(folder.path().join("20261126T180500Z-raise/run.json"), "{").unwrap();
    let error = found(folder.path(), "Z-r");
    assert!(
        error.starts_with("`Z-r` is part of 8 runs: 20261126T180500Z-raise (cannot be read), "),
        "{error}"
    );
    assert!(error.ends_with(" and 3 more"), "{error}");
}

#[test]
fn a_name_that_fits_no_run_is_an_error() {
    let folder = three();
    fs_err::create_dir(folder.path().join("20261122T180500Z-cut-off")).unwrap();
    for written in ["", "nope", "../x", "cut-off", "20261122T180500Z-raise-q5"] {
        let error = found(folder.path(), written);
        assert!(error.contains("`quotakeeper runs` lists them"), "{written}: {error}");
    }
    assert!(found(&folder.path().join("none"), "raise").contains("is not a run"));
}
