//! Two decisions on one run.

use super::*;

#[test]
fn the_first_decision_wins() {
    let at: DateTime<Utc> = "2026-11-22T18:05:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), at, "a.csv", |record| record).unwrap();
    let word = |approve| Decision::new(approve, "f".into(), "ann".into(), at);
    run.decide(&word(true)).unwrap();
    let error = run.decide(&word(false)).unwrap_err().to_string();
    assert!(error.contains("already approved by ann"), "{error}");
    assert!(run.decision().unwrap().unwrap().approve);
}

#[test]
fn a_decision_that_a_newer_version_recorded_is_not_acted_on() {
    let at: DateTime<Utc> = "2026-11-22T18:05:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), at, "a.csv", |record| record).unwrap();
    let word = Decision::new(true, "f".into(), "ann".into(), at);
    run.decide(&word).unwrap();
    let path = run.path("decision.json");
    let newer = fs_err::read_to_string(&path).unwrap().replacen('{', "{\"version\": 2,", 1);
    fs_err::write(&path, newer).unwrap();
    let error = format!("{:#}", run.decision().unwrap_err());
    assert!(error.contains("was written by a newer quotakeeper"), "{error}");
}
