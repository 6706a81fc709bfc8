//! Who has an answers folder, whoever comes first, again, or from elsewhere.

use super::*;
use crate::change::run::Answers;

fn record(id: &str, file: &str) -> RunRecord {
    RunRecord::new(id.into(), file, true, "2026-11-22T12:00:00Z".parse().unwrap())
}

fn chosen(claims: &Claims, record: &RunRecord) -> String {
    claims.choose(record, |_| Ok(true)).unwrap()
}

#[test]
fn a_file_of_the_same_name_waits_for_no_folder_and_takes_that_of_one_that_ended() {
    let (first, second) = (record("1-q", "q.csv"), record("2-q", "Q.CSV"));
    let mut claims = Claims::default();
    for (state, owed, name) in [
        (RunState::Held, false, "Q.CSV (2)"),
        (RunState::Scheduled, false, "Q.CSV (2)"),
        (RunState::Done, true, "Q.CSV (2)"),
        (RunState::Done, false, "Q.CSV"),
        (RunState::Rejected, false, "Q.CSV"),
    ] {
        claims.note(&first, "q.csv", state, owed);
        assert_eq!(chosen(&claims, &second), name, "{state}");
        assert_eq!(chosen(&claims, &first), "q.csv", "it keeps its own");
    }
    // Its held rows wait: so does its own folder.
    claims.note(&record("1-q.held", "q.csv"), "q.csv.held", RunState::Held, false);
    assert_eq!(chosen(&claims, &second), "Q.CSV (2)");
    assert_eq!(chosen(&claims, &record("2-q.held", "q.csv")), "q.csv.held (2)");
    assert_eq!(chosen(&claims, &record("2-q-b", "q-b.csv")), "q-b.csv");
}

#[test]
fn a_file_waits_for_no_folder_of_a_name_that_only_encodes_its_accents_otherwise() {
    let (composed, decomposed) = (record("1-q", "caf\u{e9}.csv"), record("2-q", "cafe\u{301}.csv"));
    let mut claims = Claims::default();
    claims.note(&composed, "caf\u{e9}.csv", RunState::Held, false);
    assert_eq!(chosen(&claims, &decomposed), "cafe\u{301}.csv (2)");
    claims.note(&composed, "caf\u{e9}.csv", RunState::Done, false);
    assert_eq!(chosen(&claims, &decomposed), "cafe\u{301}.csv");
}

#[test]
fn an_earlier_run_never_takes_back_what_a_later_one_has_and_only_the_last_ones_answers_go_with_it() {
    let (first, second) = (record("1-q", "q.csv"), record("2-q", "q.csv"));
    let mut claims = Claims::default();
    claims.note(&first, "q.csv", RunState::Stale, false);
    claims.note(&second, "q.csv", RunState::Done, false);
    assert_eq!(chosen(&claims, &first), "q.csv (2)");
    assert_eq!(claims.forget("1-q"), None);
    assert_eq!(claims.forget("2-q").as_deref(), Some("q.csv"));
    assert_eq!(claims.forget("2-q"), None);
}

#[test]
fn a_run_that_is_new_takes_the_folder_of_one_that_ended_also_after_the_clock_was_set_back() {
    let (before, after) = (record("2-q", "q.csv"), record("1-q", "q.csv"));
    let mut claims = Claims::default();
    claims.note(&before, "q.csv", RunState::Done, false);
    assert_eq!(chosen(&claims, &after), "q.csv");
    claims.note(&before, "q.csv", RunState::Held, false);
    assert_eq!(chosen(&claims, &after), "q.csv (2)");
}

#[test]
fn a_folder_that_was_taken_after_the_clock_was_set_back_is_kept_until_the_next_file_takes_it() {
    let (before, mut after, next) = (record("2-q", "q.csv"), record("1-q", "q.csv"), record("3-q", "q.csv"));
    let mut claims = Claims::default();
    assert_eq!(claims.note(&before, "q.csv", RunState::Done, false), 0);
    assert_eq!(claims.note(&after, "q.csv", RunState::Held, false), 1);
    assert_eq!(chosen(&claims, &after), "q.csv");
    assert_eq!(chosen(&claims, &before), "q.csv (2)");

    // After a restart the records say the same.
    after.answers = Some(Answers { folder: "q.csv".into(), turn: 1, place: None, owed: None });
    let mut claims = Claims::default();
    claims.note(&before, "q.csv", RunState::Done, false);
    assert_eq!(claims.note(&after, "q.csv", RunState::Done, false), 1);
    assert_eq!(chosen(&claims, &after), "q.csv");
    assert_eq!(claims.note(&next, "q.csv", RunState::Done, false), 1);
    assert_eq!(chosen(&claims, &after), "q.csv (2)");
    assert_eq!(claims.forget("2-q").or(claims.forget("1-q")), None);
    assert_eq!(claims.forget("3-q").as_deref(), Some("q.csv"));
}

#[test]
fn a_foreign_file_under_our_name_is_left_alone() {
    let claims = Claims::default();
    let run = record("1-q", "q.csv");
    let name = claims.choose(&run, |name| Ok(name != "q.csv")).unwrap();
    assert_eq!(name, "q.csv (2)");
    assert_eq!(claims.choose(&run, |_| Ok(false)).unwrap(), "q.csv (1-q)");
}
