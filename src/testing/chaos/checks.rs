//! What must hold of every seed, whatever happened in it, by the stand-in's own log and the files of the runs.

use std::collections::{BTreeMap, BTreeSet};

use testkit::scenario::{Mishap, Scenario};
use testkit::standin::{Key, Logged};

use super::{Bench, Tally};
use crate::change::run::Run;
use crate::change::{Plan, PlanRow, RunState, Verdict, results};

/// What the seeds must have met among them, or they show nothing.
pub(super) const MET: [&str; 20] = [
    "kills",
    "torn journals",
    "interrupted by errors",
    "approvals",
    "rejections",
    "edits",
    "requests without an answer",
    "answered with 400",
    "answered with 413",
    "answered with 429",
    "answered with 500",
    "rows applied",
    "rows changed_meanwhile",
    "rows held",
    "rows not_confirmed",
    "rows refused",
    "rows rejected",
    "rows stale",
    "rows unchanged",
    "outcomes unknown",
];

/// How one row of a run ended, by its result files; one that names no target has no more to it than that.
struct Ending {
    row: PlanRow,
    key: Key,
    /// `status` or `code`.
    word: String,
    /// The journal says that it was about to be sent.
    intended: bool,
}

pub(super) fn check(bench: &Bench, scenario: &Scenario, tally: &mut Tally) {
    let log = bench.standin.log();
    let runs = bench.runs();
    count(&log, &runs, tally);
    let mut befores: BTreeMap<Key, BTreeSet<Option<i64>>> = BTreeMap::new();
    let (mut all, mut described) = (Vec::new(), BTreeSet::new());
    for run in &runs {
        let Some(plan) = stored_plan(run) else { continue };
        for row in &plan.rows {
            if let Some(key) = key_of(row) {
                befores.entry(key).or_default().insert(row.before);
            }
        }
        if matches!(run.record.state, RunState::Done | RunState::Rejected | RunState::Stale) {
            let endings = endings(run, &plan.rows);
            described.extend(plan.rows.iter().map(|row| row.row));
            undo_names_what_was_applied(run, &endings);
            all.extend(endings);
        }
    }
    let dropped = runs.iter().filter(|run| run.record.split_from.is_none()).count();
    assert_eq!((dropped, runs.len() <= 2), (1, true), "one file is one run, and one of what is held");
    nothing_foreign_is_overwritten(&log, &befores);
    nothing_is_sent_again_before_it_is_read(&log);
    nothing_is_sent_after_a_rejection(bench, &log);
    let rows = scenario.rows.len();
    // A held run that waits has no results yet; its rows are listed by the run that they were split off from, or by none.
    if runs.iter().all(|run| run.record.state != RunState::Held) || runs.len() == 2 {
        assert_eq!(described.len(), rows, "every row of the file is listed: {described:?}");
    }
    for ending in &all {
        *tally.entry(name(&ending.word)).or_default() += 1;
        ends_as_reported(ending, bench, scenario, &log);
        has_a_reason(ending, scenario, &log);
    }
}

/// A name for the tally.
fn name(word: &str) -> &'static str {
    let named = MET.iter().find(|name| name.strip_prefix("rows ") == Some(word));
    named.copied().unwrap_or("rows that ended otherwise")
}

fn count(log: &[Logged], runs: &[Run], tally: &mut Tally) {
    for logged in log {
        *tally.entry("edits").or_default() += logged.edits.len();
        let name = match logged.status {
            None => "requests without an answer",
            Some(400) => "answered with 400",
            Some(413) => "answered with 413",
            Some(429) => "answered with 429",
            Some(500) => "answered with 500",
            Some(_) => "requests answered otherwise",
        };
        *tally.entry(name).or_default() += 1;
    }
    for run in runs {
        let journal = fs_err::read_to_string(run.path("journal.jsonl")).unwrap_or_default();
        *tally.entry("outcomes unknown").or_default() += journal.matches("\"event\":\"unknown\"").count();
    }
}

/// None where the run came to no plan.
fn stored_plan(run: &Run) -> Option<Plan> {
    Some(results::plan_from_csv(&run.read("plan.csv").ok()?).unwrap())
}

fn key_of(row: &PlanRow) -> Option<Key> {
    let target = row.target.as_ref()?;
    Some((target.org_id.to_string(), target.aid.as_ref().map(ToString::to_string)))
}

/// The cells of a result file by the number of their row.
fn cells(run: &Run, file: &str, column: &str) -> Vec<(usize, String)> {
    let bytes = run.read(file).unwrap();
    let rows = csv::Reader::from_reader(bytes.as_slice())
        .into_deserialize::<BTreeMap<String, String>>()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    rows.into_iter().map(|row| (row["row"].parse().unwrap(), row[column].clone())).collect()
}

/// Zero rows missing from, or twice in, the result files.
fn endings(run: &Run, rows: &[PlanRow]) -> Vec<Ending> {
    let mut words = BTreeMap::new();
    for (file, column) in [("success.csv", "status"), ("error.csv", "code")] {
        for (row, word) in cells(run, file, column) {
            let twice = words.insert(row, word);
            assert_eq!(twice, None, "row {row} of {} has two results", run.record.id);
        }
    }
    assert!(words.keys().eq(rows.iter().map(|row| &row.row)), "{}: {words:?}", run.record.id);
    let intended = intended(run);
    let ending = |row: &PlanRow| {
        let (key, word) = (key_of(row)?, words[&row.row].clone());
        Some(Ending { row: row.clone(), key, word, intended: intended.contains(&row.row) })
    };
    rows.iter().filter_map(ending).collect()
}

/// The rows that the journal says were about to be sent.
fn intended(run: &Run) -> BTreeSet<usize> {
    let journal = fs_err::read_to_string(run.path("journal.jsonl")).unwrap_or_default();
    let events = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let intents = events.filter(|event| event["event"] == "intent");
    intents.flat_map(|event| serde_json::from_value::<Vec<usize>>(event["rows"].clone()).unwrap()).collect()
}

fn undo_names_what_was_applied(run: &Run, endings: &[Ending]) {
    let applied: BTreeSet<&Key> =
        endings.iter().filter(|ending| ending.word == "applied").map(|ending| &ending.key).collect();
    let mut undone = BTreeSet::new();
    if let Ok(bytes) = run.read("undo.csv") {
        for row in csv::Reader::from_reader(bytes.as_slice()).deserialize::<BTreeMap<String, String>>() {
            let row = row.unwrap();
            let aid = Some(row["aid"].clone()).filter(|aid| !aid.is_empty());
            assert!(undone.insert((row["org_id"].clone(), aid)), "{row:?} is undone twice");
        }
    }
    assert!(applied.iter().copied().eq(undone.iter()), "applied {applied:?}, undone {undone:?}");
}

/// Zero foreign edits overwritten that the last read before the write could show.
fn nothing_foreign_is_overwritten(log: &[Logged], befores: &BTreeMap<Key, BTreeSet<Option<i64>>>) {
    let mut shown: Option<&BTreeMap<Key, i64>> = None;
    for (index, logged) in log.iter().enumerate() {
        shown = logged.shown.as_ref().or(shown);
        for (key, _) in &logged.rows {
            let seen = shown.expect("nothing is written before anything is read").get(key).copied();
            let planned = &befores[key];
            assert!(
                planned.contains(&seen),
                "request {index} overwrites {seen:?} of {key:?}, planned {planned:?}"
            );
        }
    }
}

/// What the server may have taken is not sent once more until a read showed what became of it.
fn nothing_is_sent_again_before_it_is_read(log: &[Logged]) {
    let mut unread = BTreeSet::new();
    for (index, logged) in log.iter().enumerate() {
        if logged.shown.is_some() {
            unread.clear();
        }
        for (key, _) in &logged.rows {
            assert!(!unread.contains(key), "request {index} sends {key:?} again, which nobody read since");
        }
        // These two never act.
        if !matches!(logged.status, Some(401 | 429)) {
            unread.extend(logged.rows.iter().map(|(key, _)| key));
        }
    }
}

fn nothing_is_sent_after_a_rejection(bench: &Bench, log: &[Logged]) {
    for (id, requests) in bench.rejected.lock().unwrap().iter() {
        let run = bench.runs().into_iter().find(|run| run.record.id == *id).unwrap();
        assert_eq!(run.record.state, RunState::Rejected);
        let rows: Vec<Key> = stored_plan(&run).unwrap().rows.iter().filter_map(key_of).collect();
        let sent =
            log[*requests..].iter().flat_map(|logged| &logged.rows).find(|(key, _)| rows.contains(key));
        assert_eq!(sent, None, "sent although it was rejected");
    }
}

/// The API equals what the result says, unless somebody changed it since; and `applied` is only what a read showed.
fn ends_as_reported(ending: &Ending, bench: &Bench, scenario: &Scenario, log: &[Logged]) {
    let Ending { row, key, word, intended } = ending;
    let live = bench.standin.world(|world| world.quota(key));
    let described =
        format!("row {} is {word}: planned {:?} → {:?}, live {live:?}", row.row, row.before, row.after);
    let edited_from =
        |from: usize| log[from..].iter().any(|l| l.edits.iter().any(|(edited, _)| edited == key));
    let shows =
        |logged: &Logged| logged.shown.as_ref().is_some_and(|shown| shown.get(key).copied() == row.after);
    if word == "applied" {
        let sends =
            |logged: &Logged| logged.rows.iter().any(|(sent, value)| sent == key && *value == row.after);
        // Killed between the journal and the request, and somebody else set the same value: nobody can know.
        let theirs = |logged: &Logged| {
            *intended && logged.edits.iter().any(|(set, value)| set == key && *value == row.after)
        };
        let sent = log.iter().position(|logged| sends(logged) || theirs(logged));
        let sent = sent.unwrap_or_else(|| panic!("{described}: never sent"));
        let seen =
            log[sent..].iter().position(shows).unwrap_or_else(|| panic!("{described}: never read back"));
        assert!(live == row.after || edited_from(sent), "{described}, read back at {}", sent + seen);
    } else if word == "unchanged" {
        let seen = log.iter().position(shows).unwrap_or_else(|| panic!("{described}: never read"));
        assert!(live == row.after || edited_from(seen), "{described}");
    } else if row.is_understood() && row.before != row.after && live == row.after {
        // A held row is listed twice: as held by its file's run, and as it ended by its own.
        let explained = word == "held" || edited_from(0) || scenario.late_reads > 0;
        assert!(explained, "{described}: done, and reported as not done");
    }
}

/// No row fails without a cause: what nothing was in the way of is done.
fn has_a_reason(ending: &Ending, scenario: &Scenario, log: &[Logged]) {
    let Ending { row, key, word, intended: _ } = ending;
    let troubled = |is: &dyn Fn(&Mishap) -> bool| scenario.mishaps.iter().any(|(_, _, mishap)| is(mishap));
    let edited = || log.iter().any(|logged| logged.edits.iter().any(|(edited, _)| edited == key));
    let refuses = |mishap: &Mishap| {
        use Mishap::{ActThenFail, Fail, HalfThenFail};
        matches!(mishap, Fail(400..408 | 422) | ActThenFail(400..408 | 422) | HalfThenFail(400..408 | 422))
    };
    let lost = scenario.mishaps.iter().filter(|(call, _, _)| *call == "POST").count();
    let explained = match word.as_str() {
        "refused" => scenario.bad.contains(key) || troubled(&refuses),
        "changed_meanwhile" => edited(),
        "not_confirmed" => {
            let ignored = scenario.ignored.contains(key) || troubled(&|t| matches!(t, Mishap::Ignore));
            ignored || edited() || lost > 2
        }
        // No seed has the 64 refusals after which a run gives up.
        "not_sent" => matches!(row.verdict, Verdict::Refused(_)),
        "unchanged" => {
            let theirs = |(set, value): &(Key, Option<i64>)| set == key && *value == row.after;
            row.before == row.after || log.iter().any(|logged| logged.edits.iter().any(theirs))
        }
        _ => true,
    };
    assert!(explained, "row {} is {word} for no reason", row.row);
}
