//! Two decisions on one run.

use super::*;

#[test]
fn the_first_decision_wins() {
    let at: DateTime<Utc> = "2026-11-22T18:05:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), at, "a.csv", |record| record).unwrap();
    let word = |approve| Decision { approve, plan_sha256: "f".into(), by: "ann".into(), decider: None, at };
    run.decide(&word(true)).unwrap();
    let error = run.decide(&word(false)).unwrap_err().to_string();
    assert!(error.contains("already approved by ann"), "{error}");
    assert!(run.decision().unwrap().unwrap().approve);
}
