//! Whole runs against the simulator: killed at every line of the journal, and taken up again.

mod approval_files;
mod stored;
mod waiting;

use std::collections::BTreeMap;
use std::path::Path;

use crate::change::run::journal::Event;
use crate::change::run::{Decision, Run};
use crate::change::{Code, Guard, PlanRow, RunState};
use crate::simulator::World;
use crate::testing::testbed::{Bench, Group, file, noon};

/// Groups of an organization that may be lowered by 1 without anybody's approval.
pub(super) async fn calm(bench: &Bench, organization: usize) -> Vec<Group> {
    let groups = bench.groups(organization);
    let text = file(groups.iter().map(|group| (group, group.quota - 1)));
    let plan = bench.plan(&text, false).await;
    let is_free = |row: &PlanRow| {
        row.held_reasons().all(|tripped| !matches!(tripped.guard, Guard::BelowUse | Guard::Unknown))
    };
    groups.into_iter().zip(&plan.rows).filter(|(_, row)| is_free(row)).map(|(group, _)| group).collect()
}

fn text(run: &Run, name: &str) -> String {
    String::from_utf8(run.read(name).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        fs_err::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// The journal's events.
fn events(journal: &str) -> Vec<Event> {
    journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether the server did this batch: it said so, or its answer was lost and nothing was sent again.
fn is_done(events: &[Event], batch: usize) -> bool {
    let mut rows_of = BTreeMap::new();
    for event in events {
        if let Event::Intent { batch, rows, .. } = event {
            rows_of.insert(*batch, rows);
        }
    }
    let again =
        rows_of.range(batch + 1..).any(|(_, rows)| rows.iter().any(|row| rows_of[&batch].contains(row)));
    events.iter().any(|event| match event {
        Event::Accepted { batch: b, .. } => *b == batch,
        Event::Unknown { batch: b, .. } => *b == batch && !again,
        _ => false,
    })
}

fn is_answer(event: &Event, batch: usize) -> bool {
    matches!(event, Event::Accepted { batch: b, .. } | Event::Unknown { batch: b, .. } if *b == batch)
}

/// Carries out what the server had done after so many of these events; `also` is a batch whose answer was still out.
fn replay(
    bench: &Bench,
    before: &World,
    rows: &[(Group, i64)],
    (all, lines): (&[Event], usize),
    also: Option<usize>,
) {
    bench.restore(before);
    for event in &all[..lines] {
        let Event::Intent { batch, rows: sent, .. } = event else { continue };
        let answered = all[..lines].iter().any(|event| is_answer(event, *batch));
        if answered && is_done(all, *batch) || also == Some(*batch) {
            for row in sent {
                let (group, value) = &rows[row - 2];
                bench.set_quota(group, Some(*value));
            }
        }
    }
}

#[tokio::test]
async fn a_run_killed_at_any_line_of_its_journal_ends_as_if_it_had_not_been_killed() {
    let bench = Bench::new(&[]).await;
    let (a, b) = (calm(&bench, 0).await, bench.groups(1));
    // Three raises, of which the server refuses one; two decreases; and a row of another organization that is held.
    let rows = [
        (a[0].clone(), a[0].quota + 10),
        (a[1].clone(), a[1].quota - 1),
        (a[2].clone(), a[2].quota + 10),
        (a[3].clone(), a[3].quota + 10),
        (a[4].clone(), a[4].quota - 1),
        (b[0].clone(), 0),
    ];
    bench.fault(&format!("bad-row:aid={}:silent", a[2].aid));
    // The first half is lost on its way, and the answer to the decreases on its way back.
    bench.fault("drop-before:path=POST:after=1:count=1");
    bench.fault("drop-after:path=POST:after=6:count=1");
    let before = bench.world.state().world();
    let mut whole = bench.run(&file(rows.iter().map(|(group, value)| (group, *value))));
    bench.advance(&mut whole).await.unwrap();
    assert_eq!(whole.record.state, RunState::Done);
    assert_eq!(whole.record.counts.values().sum::<usize>(), 6);
    assert_eq!(whole.record.counts["applied"], 4);
    assert_eq!((whole.record.counts["refused"], whole.record.counts["held"]), (1, 1));
    let after = bench.world.state().world();
    let journal = text(&whole, "journal.jsonl");
    let all = events(&journal);
    let count = |is: fn(&Event) -> bool| all.iter().filter(|event| is(event)).count();
    assert_eq!(count(|event| matches!(event, Event::Unknown { .. })), 2, "{journal}");
    assert_eq!(
        count(|event| matches!(event, Event::Refused { .. })),
        4,
        "halved twice, alone, and alone again"
    );
    assert_eq!(count(|event| matches!(event, Event::Accepted { .. })), 2, "{journal}");
    let held = Run::open(&bench.app.runs(), whole.record.held_as.as_ref().unwrap()).unwrap();
    assert_eq!((held.record.state, held.record.rows.as_deref()), (RunState::Held, Some(&[7][..])));

    let saved = tempfile::tempdir().unwrap();
    copy(&whole.folder, saved.path(), &["input.csv", "plan.csv", "success.csv", "error.csv", "undo.csv"]);
    let ends: Vec<usize> = std::iter::once(0)
        .chain(journal.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
        .collect();
    for (lines, end) in ends.iter().enumerate() {
        let unanswered = match all[..lines].last() {
            Some(Event::Intent { batch, .. }) => Some(*batch),
            _ => None,
        };
        let taken = unanswered.is_some_and(|batch| is_done(&all, batch));
        // Killed before the server took the batch, and, where it does take it, after.
        for also in if taken { vec![None, unanswered] } else { vec![None] } {
            // Half of the next line may have reached the disk.
            for torn in [0, 10] {
                replay(&bench, &before, &rows, (&all, lines), also);
                fs_err::remove_dir_all(&whole.folder).unwrap();
                fs_err::remove_dir_all(bench.folder.path().join("outbox")).unwrap();
                fs_err::create_dir(&whole.folder).unwrap();
                copy(saved.path(), &whole.folder, &["input.csv", "plan.csv"]);
                let cut = (*end + torn).min(journal.len());
                whole.write("journal.jsonl", &journal.as_bytes()[..cut]).unwrap();
                let mut cut = whole.clone();
                cut.record.counts.clear();
                cut.record.undo_sha256 = None;
                cut.record.state = RunState::Applying;
                cut.save().unwrap();
                bench.advance(&mut cut).await.unwrap();
                let case = format!("after {lines} lines, taken: {also:?}");
                for name in ["success.csv", "error.csv", "undo.csv"] {
                    let expected = fs_err::read_to_string(saved.path().join(name)).unwrap();
                    assert_eq!(text(&cut, name), expected, "{name} {case}");
                }
                assert_eq!(cut.record.counts, whole.record.counts, "{case}");
                assert_eq!(bench.world.state().world(), after, "{case}");
                assert_eq!(bench.mails(), 1, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_is_killed_while_its_held_rows_are_split_off_makes_one_run_of_them() {
    let bench = Bench::new(&[]).await;
    let (a, b) = (calm(&bench, 0).await, bench.groups(1));
    let rows = [(&a[0], a[0].quota + 10), (&b[0], 0)];
    let before = bench.world.state().world();
    let mut whole = bench.run(&file(rows));
    bench.advance(&mut whole).await.unwrap();
    let id = whole.record.held_as.clone().unwrap();
    let made = Run::open(&bench.app.runs(), &id).unwrap();
    for files in [&[][..], &["input.csv"], &["input.csv", "plan.csv"]] {
        bench.restore(&before);
        fs_err::remove_file(whole.path("journal.jsonl")).unwrap();
        let mut cut = whole.clone();
        cut.record.state = RunState::Applying;
        let mut begun = made.clone();
        begun.record = cut.record.split_off(noon());
        for name in ["input.csv", "plan.csv"] {
            if !files.contains(&name) {
                fs_err::remove_file(begun.path(name)).unwrap();
            }
        }
        begun.save().unwrap();
        // On its own it is not planned: its rows would be judged without the others of their file.
        bench.advance(&mut begun).await.unwrap();
        assert_eq!(begun.record.state, RunState::Planned);
        bench.app.inbox().open().unwrap().recover(noon()).unwrap();
        bench.advance(&mut cut).await.unwrap();
        let again = Run::open(&bench.app.runs(), &id).unwrap();
        assert_eq!(
            (again.record.plan_sha256, again.record.rows),
            (made.record.plan_sha256.clone(), Some(vec![3]))
        );
        assert_eq!((again.record.state, cut.record.state), (RunState::Held, RunState::Done));
        assert_eq!(bench.quota(&b[0]), Some(b[0].quota));
    }
}

#[tokio::test]
async fn a_reallocation_that_was_killed_half_way_is_finished_although_half_of_it_moves_the_sum() {
    let strict =
        [("QUOTAKEEPER__GUARD__MAX_SUM_CHANGE_PERCENT", "0"), ("QUOTAKEEPER__GUARD__FLOOR_ROWS", "1")];
    let bench = Bench::new(&strict).await;
    let a = calm(&bench, 0).await;
    let mut run = bench.run(&file([(&a[0], a[0].quota + 1), (&a[1], a[1].quota - 1)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.counts["applied"], 2, "{:?}", text(&run, "plan.csv"));
    // Killed between the raise and the decrease.
    bench.set_quota(&a[1], Some(a[1].quota));
    let journal = text(&run, "journal.jsonl");
    let first: String = journal.split_inclusive('\n').take(2).collect();
    run.write("journal.jsonl", first.as_bytes()).unwrap();
    run.set_state(RunState::Applying, noon()).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.counts["applied"], 2, "{}", text(&run, "error.csv"));
    assert_eq!(bench.quota(&a[1]), Some(a[1].quota - 1));
}

#[tokio::test]
async fn a_row_that_was_sent_and_then_changed_by_somebody_else_is_not_called_not_sent() {
    let bench = Bench::new(&[]).await;
    let group = calm(&bench, 0).await.remove(0);
    let mut run = bench.run(&file([(&group, group.quota + 10)]));
    bench.advance(&mut run).await.unwrap();
    let journal = text(&run, "journal.jsonl");
    let sent: String = journal.split_inclusive('\n').take(2).collect();
    run.write("journal.jsonl", sent.as_bytes()).unwrap();
    run.set_state(RunState::Applying, noon()).unwrap();
    bench.set_quota(&group, Some(group.quota + 77));
    bench.advance(&mut run).await.unwrap();
    let error = text(&run, "error.csv");
    assert!(error.contains("changed_meanwhile,sent without a clear answer"), "{error}");
    assert_eq!(bench.quota(&group), Some(group.quota + 77));
}

#[tokio::test]
async fn what_a_server_did_although_it_said_that_it_had_not_is_this_runs_work_and_can_be_undone() {
    for status in [400, 409, 413, 429, 500, 503] {
        let bench = Bench::new(&[]).await;
        let groups = calm(&bench, 0).await;
        bench.fault(&format!("{status}:done:path=POST:count=1"));
        let rows = [(&groups[0], groups[0].quota + 10), (&groups[1], groups[1].quota - 1)];
        let mut run = bench.run(&file(rows));
        bench.advance(&mut run).await.unwrap();
        assert_eq!(run.record.state, RunState::Done, "{status}");
        assert_eq!(run.record.counts["applied"], 2, "{status}: {}", text(&run, "journal.jsonl"));
        let undo = text(&run, "undo.csv");
        for (group, _) in rows {
            assert!(undo.contains(&group.aid), "{status}: {undo}");
        }
    }
}

#[tokio::test]
async fn a_run_killed_while_a_server_does_what_it_put_off_goes_on_as_if_it_had_not_been_killed() {
    let bench = Bench::new(&[]).await;
    let group = calm(&bench, 0).await.remove(0);
    bench.fault("429:done:path=POST:count=1");
    let mut run = bench.run(&file([(&group, group.quota + 10)]));
    bench.advance(&mut run).await.unwrap();
    let (journal, success, undo) =
        (text(&run, "journal.jsonl"), text(&run, "success.csv"), text(&run, "undo.csv"));
    assert_eq!(journal.lines().count(), 5, "{journal}");
    assert!(undo.contains(&group.aid), "{undo}");
    let cut = |run: &mut Run, lines: usize| {
        let kept: String = journal.split_inclusive('\n').take(lines).collect();
        run.write("journal.jsonl", kept.as_bytes()).unwrap();
        run.record.counts.clear();
        run.record.undo_sha256 = None;
        run.set_state(RunState::Applying, noon()).unwrap();
    };
    for lines in 1..=5 {
        cut(&mut run, lines);
        bench.advance(&mut run).await.unwrap();
        assert_eq!(text(&run, "success.csv"), success, "after {lines} lines");
        assert_eq!(text(&run, "undo.csv"), undo, "after {lines} lines");
    }
    // Somebody else had the time to do it.
    cut(&mut run, 2);
    bench.advance_at(&mut run, noon() + chrono::Duration::minutes(6)).await.unwrap();
    assert_eq!(run.record.counts["unchanged"], 1, "{}", text(&run, "journal.jsonl"));
}

#[tokio::test]
async fn what_was_put_off_and_then_got_no_answer_is_noted_once() {
    let bench = Bench::new(&[]).await;
    let group = calm(&bench, 0).await.remove(0);
    bench.fault("429:path=POST:count=1");
    bench.fault("500:done:path=POST:after=1:count=1");
    let mut run = bench.run(&file([(&group, group.quota + 10)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.counts["applied"], 1);
    let journal = text(&run, "journal.jsonl");
    let intents = events(&journal).into_iter().filter(|event| matches!(event, Event::Intent { .. }));
    assert_eq!(intents.count(), 2, "{journal}");
}

#[tokio::test]
async fn a_half_sent_run_whose_file_is_gone_is_blocked_and_is_not_called_unused() {
    let bench = Bench::new(&[]).await;
    let group = calm(&bench, 0).await.remove(0);
    let mut run = bench.run(&file([(&group, group.quota + 10)]));
    bench.advance(&mut run).await.unwrap();
    run.set_state(RunState::Applying, noon()).unwrap();
    fs_err::remove_file(run.path("input.csv")).unwrap();
    let error = bench.advance(&mut run).await.unwrap_err().to_string();
    assert!(error.contains("these rows may have been sent"), "{error}");
    assert_eq!(run.record.state, RunState::Applying);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_asked_64_times_and_each_row_says_so() {
    let bench = Bench::new(&[]).await;
    let mut groups = bench.groups(0);
    groups.extend(bench.groups(1));
    groups.extend(bench.groups(2));
    bench.fault("400:path=POST");
    let mut run = bench.run(&file(groups.iter().map(|group| (group, group.quota + 1))));
    bench.advance(&mut run).await.unwrap();
    assert!(bench.world.state().calls("POST") <= 64);
    let count = |code: Code| run.record.counts.get(code.as_str()).copied().unwrap_or(0);
    assert_eq!(count(Code::Refused) + count(Code::NotSent), groups.len(), "{:?}", run.record.counts);
    assert!(text(&run, "error.csv").contains("given up: the server refused all 64 requests"));
}

#[tokio::test]
async fn an_approved_run_is_stale_once_somebody_else_changed_its_quota() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    for meanwhile in [None, Some(group.quota + 5)] {
        bench.set_quota(&group, Some(group.quota));
        let mut run = bench.run(&file([(&group, 0)]));
        bench.advance(&mut run).await.unwrap();
        assert_eq!(run.record.state, RunState::Held);
        let plan_sha256 = run.record.plan_sha256.clone().unwrap();
        run.decide(&Decision::new(true, plan_sha256, "ann".into(), noon())).unwrap();
        if let Some(quota) = meanwhile {
            bench.set_quota(&group, Some(quota));
        }
        let posts = bench.world.state().calls("POST");
        bench.advance(&mut run).await.unwrap();
        let sent = bench.world.state().calls("POST") - posts;
        let expected = if meanwhile.is_some() { (RunState::Stale, 0) } else { (RunState::Done, 1) };
        assert_eq!((run.record.state, sent), expected, "{:?}", run.record.notes);
    }
}

#[tokio::test]
async fn rows_split_off_an_undo_are_guarded_as_an_undo_when_they_are_approved() {
    let strict =
        [("QUOTAKEEPER__GUARD__MAX_SUM_CHANGE_PERCENT", "0"), ("QUOTAKEEPER__GUARD__FLOOR_ROWS", "1")];
    let bench = Bench::new(&strict).await;
    let (a, b) = (calm(&bench, 0).await, calm(&bench, 1).await);
    // The undo lowers one group of each organization; by the time it is dropped, one of the two needs more than that.
    let undo = file([(&a[0], a[0].quota - 1), (&b[0], 0)]);
    let mut undone = bench.run("a run whose undo this is");
    undone.record.undo_sha256 = Some(crate::files::sha256(undo.as_bytes()));
    undone.set_state(RunState::Done, noon()).unwrap();
    let mut run = bench.run(&undo);
    bench.advance(&mut run).await.unwrap();
    let mut held = Run::open(&bench.app.runs(), run.record.held_as.as_ref().unwrap()).unwrap();
    let plan_sha256 = held.record.plan_sha256.clone().unwrap();
    held.decide(&Decision::new(true, plan_sha256, "ann".into(), noon())).unwrap();
    bench.advance(&mut held).await.unwrap();
    assert_eq!(held.record.state, RunState::Done, "{:?}", held.record.notes);
}
