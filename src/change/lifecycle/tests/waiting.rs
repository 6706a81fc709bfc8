//! Runs that wait: for their time, for a person, and once more for a person after they went stale.

use chrono::{DateTime, Utc};

use super::calm;
use crate::change::RunState;
use crate::change::run::{Decision, Run, RunRecord};
use crate::clock::Clock;
use crate::testing::testbed::{Bench, Group, noon};

pub(super) const DAY: &str = "2026-11-24";

pub(super) fn due() -> DateTime<Utc> {
    format!("{DAY}T00:00:00Z").parse().unwrap()
}

/// A change file of these targets, values and days.
pub(super) fn file<'g>(rows: impl IntoIterator<Item = (&'g Group, i64, &'g str)>) -> String {
    let line =
        |(group, value, day): (&Group, i64, &str)| format!("{},{},{value},{day}\n", group.org_id, group.aid);
    std::iter::once("org_id,aid,value,effective\n".to_owned()).chain(rows.into_iter().map(line)).collect()
}

pub(super) fn decide(run: &Run, approve: bool) -> anyhow::Result<()> {
    let plan_sha256 = run.record.plan_sha256.clone().unwrap();
    run.decide(&Decision::new(approve, plan_sha256, "ann".into(), noon()))
}

pub(super) fn reopened(bench: &Bench, id: &str) -> Run {
    Run::open(&bench.app.runs(), id).unwrap()
}

/// The runs that were split off, by name without the run's own.
pub(super) fn split_off(bench: &Bench, run: &RunRecord) -> Vec<(String, RunState)> {
    let (runs, _) = Run::list(&bench.app.runs()).unwrap();
    let of = |other: Run| Some((other.record.id.strip_prefix(&run.id)?.to_owned(), other.record.state));
    runs.into_iter().filter_map(of).filter(|(name, _)| !name.is_empty()).collect()
}

#[tokio::test]
async fn a_decrease_for_the_next_cycle_waits_until_the_api_shows_that_cycle() {
    for approved in [false, true] {
        let bench = Bench::new(&[]).await;
        let group = &calm(&bench, 0).await[0];
        let value = if approved { group.quota * 100 } else { group.quota - 1 };
        let other = &calm(&bench, 0).await[1];
        let mut run =
            bench.run(&file([(group, value, "next_cycle"), (other, other.quota - 1, "next_cycle")]));
        bench.advance(&mut run).await.unwrap();
        if approved {
            assert_eq!(run.record.state, RunState::Held);
            decide(&run, true).unwrap();
            bench.advance(&mut run).await.unwrap();
        }
        let end = run.record.due.unwrap();
        let second = chrono::Duration::seconds(1);
        bench.clock.set(end - second);
        bench.advance_by(&mut run, &Clock::starting_at(end + second)).await.unwrap();
        assert_eq!((run.record.state, bench.quota(other)), (RunState::Scheduled, Some(other.quota)));
        let again = run.record.due.unwrap();
        assert!(again > end + second && again < end + chrono::Duration::hours(1), "{again}");
        let status = bench.app.config.answers_dir().join("file.csv/status.txt");
        let status = fs_err::read_to_string(status).unwrap();
        assert!(approved || status.contains(&again.format(", %H:%M UTC").to_string()), "{status}");
        bench.advance_at(&mut run, again).await.unwrap();
        assert_eq!((run.record.state, bench.quota(other)), (RunState::Done, Some(other.quota - 1)));
    }
}

#[tokio::test]
async fn a_row_waits_for_its_day_and_is_sent_then() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, group.quota + 10, DAY)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, run.record.due), (RunState::Scheduled, Some(due())));
    assert_eq!((bench.quota(group), bench.mails()), (Some(group.quota), 1));
    bench.advance_at(&mut run, due() - chrono::Duration::seconds(1)).await.unwrap();
    assert_eq!((run.record.state, bench.mails()), (RunState::Scheduled, 1));
    bench.advance_at(&mut run, due()).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Done, Some(group.quota + 10)));
    assert_eq!((run.record.counts["applied"], bench.mails()), (1, 2));
}

#[tokio::test]
async fn rows_that_wait_become_a_run_of_their_own_and_the_rest_is_sent_now() {
    let bench = Bench::new(&[]).await;
    let groups = calm(&bench, 0).await;
    let text = file([
        (&groups[0], groups[0].quota + 10, ""),
        (&groups[1], groups[1].quota + 10, DAY),
        (&groups[2], 0, DAY),
        (&groups[3], groups[3].quota + 10, "next_cycle"),
    ]);
    let mut run = bench.run(&text);
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Done);
    assert_eq!(
        run.record.counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>(),
        ["applied 1", "held 2", "scheduled 1"]
    );
    let parts = split_off(&bench, &run.record);
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!(parts[0], (".20261124T000000Z-held".to_owned(), RunState::Held));
    assert_eq!(parts[1].1, RunState::Scheduled);
    assert_eq!(bench.quota(&groups[0]), Some(groups[0].quota + 10));
    assert_eq!(bench.quota(&groups[1]), Some(groups[1].quota));
}

#[tokio::test]
async fn a_doubtful_organization_delays_no_other() {
    let bench = Bench::new(&[]).await;
    let (calm, doubtful) = (&calm(&bench, 0).await[0], &bench.groups(1)[0]);
    let mut run = bench.run(&file([(calm, calm.quota - 1, DAY), (doubtful, 0, DAY)]));
    bench.advance(&mut run).await.unwrap();
    let names = [
        (".20261124T000000Z".to_owned(), RunState::Scheduled),
        (".20261124T000000Z-held".to_owned(), RunState::Held),
    ];
    assert_eq!(split_off(&bench, &run.record), names);
    let [mut sent_now, mut held] = names.map(|(name, _)| reopened(&bench, &(run.record.id.clone() + &name)));
    decide(&held, true).unwrap();
    bench.advance(&mut held).await.unwrap();
    assert_eq!((held.record.state, bench.quota(doubtful)), (RunState::Scheduled, Some(doubtful.quota)));
    for waiting in [&mut sent_now, &mut held] {
        bench.advance_at(waiting, due()).await.unwrap();
        assert_eq!(waiting.record.state, RunState::Done, "{:?}", waiting.record);
    }
    assert_eq!((bench.quota(calm), bench.quota(doubtful)), (Some(calm.quota - 1), Some(0)));
}

#[tokio::test]
async fn a_row_that_flowed_when_it_was_planned_is_held_when_it_is_due_if_a_guard_says_so_then() {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    let mut run = bench.run(&file([(group, group.quota - 1, DAY)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Scheduled);
    bench.fault("403:path=usage");
    bench.advance_at(&mut run, due()).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Held, Some(group.quota)));
}

#[tokio::test]
async fn a_run_that_waits_can_be_rejected_also_after_it_was_approved() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, DAY)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Held);
    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, run.record.approved_by.as_deref()), (RunState::Scheduled, Some("ann")));
    decide(&run, false).unwrap();
    bench.advance_at(&mut run, due()).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Rejected, Some(group.quota)));
}

#[tokio::test]
async fn an_approved_run_that_is_stale_when_it_is_due_sends_nothing() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, DAY)]));
    bench.advance(&mut run).await.unwrap();
    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    bench.set_quota(group, Some(group.quota + 1));
    bench.advance_at(&mut run, due()).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Stale, Some(group.quota + 1)));
}

#[tokio::test]
async fn a_run_that_was_killed_while_its_rows_were_split_off_makes_each_of_them_once() {
    let bench = Bench::new(&[]).await;
    let groups = calm(&bench, 0).await;
    let rows = [(&groups[0], groups[0].quota + 10, ""), (&groups[1], groups[1].quota + 10, DAY)];
    let mut run = bench.run(&file(rows));
    bench.advance(&mut run).await.unwrap();
    let whole = split_off(&bench, &run.record);
    let waiting = reopened(&bench, &(run.record.id.clone() + &whole[0].0));
    // Killed when the folder was made, and before its file was there.
    fs_err::remove_file(waiting.path("input.csv")).unwrap();
    let mut cut = waiting.clone();
    cut.record.state = RunState::Planned;
    cut.record.input_sha256 = None;
    cut.save().unwrap();
    bench.advance(&mut cut).await.unwrap();
    assert_eq!(cut.record.state, RunState::Planned, "the run that makes it goes first");
    run.record.state = RunState::Applying;
    run.save().unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!(split_off(&bench, &run.record), whole);
}

#[tokio::test]
async fn a_stale_run_is_planned_again_on_request_and_sends_nothing_until_that_plan_is_approved() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, "")]));
    bench.advance(&mut run).await.unwrap();
    let first = run.record.plan_sha256.clone();
    decide(&run, true).unwrap();
    bench.set_quota(group, Some(group.quota + 1));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Stale);
    assert!(!run.is_open());

    decide(&run, true).unwrap();
    assert!(run.is_open());
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Held, Some(group.quota + 1)));
    assert_ne!(run.record.plan_sha256, first);
    assert!(!run.path("error.csv").exists(), "what the stale plan came to is no result of the new one");

    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Done, Some(0)));
}

#[tokio::test]
async fn a_stale_run_with_nothing_left_to_do_ends_when_it_is_planned_again() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, "")]));
    bench.advance(&mut run).await.unwrap();
    decide(&run, true).unwrap();
    bench.set_quota(group, Some(0));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Stale);
    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, run.record.counts["unchanged"]), (RunState::Done, 1));
}

#[tokio::test]
async fn a_comment_row_approves_the_plan_that_it_names_and_only_where_that_is_allowed() {
    for (allowed, state) in [("true", RunState::Done), ("false", RunState::Held)] {
        let bench = Bench::new(&[("QUOTAKEEPER__INBOX__APPROVALS", allowed)]).await;
        let group = &bench.groups(0)[0];
        let text = file([(group, 0, "")]);
        let mut run = bench.run(&text);
        bench.advance(&mut run).await.unwrap();
        assert_eq!(run.record.state, RunState::Held);
        let plan = run.record.plan_sha256.unwrap();
        let mut other = bench.run(&format!("# approved: {}\n{text}", "0".repeat(64)));
        bench.advance(&mut other).await.unwrap();
        assert_eq!(other.record.state, RunState::Held);
        let mut named = bench.run(&format!("{text}# approved: {plan}\n"));
        bench.advance(&mut named).await.unwrap();
        assert_eq!(named.record.state, state);
        assert_eq!(bench.quota(group) == Some(0), state == RunState::Done);
    }
}

#[tokio::test]
async fn a_held_run_that_nobody_decides_on_is_rejected_once_its_time_is_over() {
    let bench = Bench::new(&[("QUOTAKEEPER__GUARD__EXPIRE", "36h")]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, "")]));
    bench.advance(&mut run).await.unwrap();
    let end = run.record.updated + chrono::Duration::hours(36);
    bench.advance_at(&mut run, end - chrono::Duration::seconds(1)).await.unwrap();
    assert_eq!((run.record.state, bench.mails()), (RunState::Held, 1));
    bench.advance_at(&mut run, end).await.unwrap();
    assert_eq!((run.record.state, bench.quota(group)), (RunState::Rejected, Some(group.quota)));
    assert_eq!((run.record.counts["rejected"], bench.mails()), (1, 2));
    let note = &run.record.notes[0];
    assert!(note.contains("1day 12h") && note.contains("guard.expire"), "{note}");
}

#[tokio::test]
async fn a_run_held_since_a_future_date_gets_its_full_time_from_now() {
    let bench = Bench::new(&[("QUOTAKEEPER__GUARD__EXPIRE", "36h")]).await;
    let mut run = bench.run(&file([(&bench.groups(0)[0], 0, "")]));
    bench.advance(&mut run).await.unwrap();
    run.record.updated = noon() + chrono::Duration::days(400);
    run.save().unwrap();
    // A clock that is behind for one pass decides nothing.
    let behind = Clock::starting_at(noon() - chrono::Duration::days(30));
    bench.advance_by(&mut run, &behind).await.unwrap();
    assert_eq!(run.record.updated, noon() + chrono::Duration::days(400));
    bench.advance_at(&mut run, noon()).await.unwrap();
    assert_eq!(run.record.state, RunState::Held);
    assert!(run.record.updated < noon() + chrono::Duration::minutes(1), "{}", run.record.updated);
    bench.advance_at(&mut run, noon() + chrono::Duration::hours(37)).await.unwrap();
    assert_eq!(run.record.state, RunState::Rejected);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_rejects_nothing_and_starts_nothing() {
    let bench = Bench::new(&[("QUOTAKEEPER__GUARD__EXPIRE", "36h")]).await;
    let groups = bench.groups(0);
    let mut held = bench.run(&file([(&groups[0], 0, "")]));
    let mut later = bench.run(&file([(&groups[1], groups[1].quota + 1, DAY)]));
    bench.advance(&mut held).await.unwrap();
    bench.advance(&mut later).await.unwrap();
    let ahead = Clock::starting_at(noon() + chrono::Duration::days(8));
    for run in [&mut held, &mut later] {
        bench.advance_by(run, &ahead).await.unwrap();
    }
    assert_eq!((held.record.state, later.record.state), (RunState::Held, RunState::Scheduled));
    assert_eq!(bench.quota(&groups[1]), Some(groups[1].quota));
    bench.fault("500");
    bench.advance_at(&mut held, noon() + chrono::Duration::days(8)).await.unwrap();
    assert_eq!(held.record.state, RunState::Held, "nobody confirms the time");
}

#[tokio::test]
async fn an_approval_before_its_day_is_stale_at_once_where_the_quota_moved() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, DAY)]));
    bench.advance(&mut run).await.unwrap();
    bench.set_quota(group, Some(group.quota + 1));
    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Stale);
}

#[tokio::test]
async fn a_row_of_another_day_that_changes_nothing_yet_is_not_taken_for_one_of_the_day_that_the_run_waits_for()
 {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    // As it is until its day, then raised: were both of one moment, they would be duplicates.
    let mut run = bench.run(&file([(group, group.quota, ""), (group, group.quota + 10, DAY)]));
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, run.record.counts["unchanged"]), (RunState::Done, 1));
    let mut waiting = reopened(&bench, &format!("{}.20261124T000000Z", run.record.id));
    bench.advance_at(&mut waiting, due()).await.unwrap();
    assert_eq!((waiting.record.state, bench.quota(group)), (RunState::Done, Some(group.quota + 10)));
}

#[tokio::test]
async fn what_takes_back_a_held_change_on_its_day_waits_although_nothing_is_to_be_taken_back_yet() {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    let much = group.quota * 100;
    let mut run = bench.run(&file([(group, much, ""), (group, group.quota, DAY)]));
    bench.advance(&mut run).await.unwrap();
    let names = [(".20261124T000000Z".to_owned(), RunState::Scheduled), (".held".to_owned(), RunState::Held)];
    assert_eq!(split_off(&bench, &run.record), names);
    let [mut back, mut raise] = names.map(|(name, _)| reopened(&bench, &(run.record.id.clone() + &name)));
    decide(&raise, true).unwrap();
    bench.advance(&mut raise).await.unwrap();
    assert_eq!(bench.quota(group), Some(much));
    bench.advance_at(&mut back, due()).await.unwrap();
    assert_eq!((back.record.state, bench.quota(group)), (RunState::Done, Some(group.quota)));
}

/// Raised on one day, and cut below its use on a later one, which is held.
fn raised_then_cut(bench: &Bench, group: &Group) -> Run {
    bench.run(&file([(group, group.quota + 10, DAY), (group, 0, "2026-11-25")]))
}

#[tokio::test]
async fn an_approval_for_a_later_day_stays_valid_while_the_change_before_it_still_waits() {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    let mut run = raised_then_cut(&bench, group);
    bench.advance(&mut run).await.unwrap();
    let mut raise = reopened(&bench, &format!("{}.20261124T000000Z", run.record.id));
    let mut cut = reopened(&bench, &format!("{}.20261125T000000Z-held", run.record.id));
    decide(&cut, true).unwrap();
    bench.advance(&mut cut).await.unwrap();
    assert_eq!(cut.record.state, RunState::Scheduled, "{:?}", cut.record.notes);
    bench.advance_at(&mut raise, due()).await.unwrap();
    bench.advance_at(&mut cut, due() + chrono::Duration::days(1)).await.unwrap();
    assert_eq!((cut.record.state, bench.quota(group)), (RunState::Done, Some(0)));
}

#[tokio::test]
async fn an_approval_for_a_later_day_is_stale_once_the_change_before_it_was_rejected() {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    let mut run = raised_then_cut(&bench, group);
    bench.advance(&mut run).await.unwrap();
    let mut raise = reopened(&bench, &format!("{}.20261124T000000Z", run.record.id));
    decide(&raise, false).unwrap();
    bench.advance(&mut raise).await.unwrap();
    let mut cut = reopened(&bench, &format!("{}.20261125T000000Z-held", run.record.id));
    decide(&cut, true).unwrap();
    bench.advance(&mut cut).await.unwrap();
    assert_eq!((cut.record.state, bench.quota(group)), (RunState::Stale, Some(group.quota)));
}

#[tokio::test]
async fn what_a_comment_row_approves_for_a_later_day_waits_and_is_sent_when_it_is_due() {
    let bench = Bench::new(&[("QUOTAKEEPER__INBOX__APPROVALS", "true")]).await;
    let (calm, doubtful) = (&calm(&bench, 0).await[0], &bench.groups(1)[0]);
    let text = file([(calm, calm.quota - 1, DAY), (doubtful, 0, DAY)]);
    let mut run = bench.run(&text);
    bench.advance(&mut run).await.unwrap();
    let hash = run.record.plan_sha256.unwrap();
    let mut run = bench.run(&format!("{text}# approved: {hash}\n"));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Done);
    let mut held = reopened(&bench, &format!("{}.20261124T000000Z-held", run.record.id));
    bench.advance(&mut held).await.unwrap();
    assert_eq!((held.record.state, bench.quota(doubtful)), (RunState::Scheduled, Some(doubtful.quota)));
    bench.advance_at(&mut held, due()).await.unwrap();
    assert_eq!((held.record.state, bench.quota(doubtful)), (RunState::Done, Some(0)));
}

#[tokio::test]
async fn a_run_that_is_held_again_with_the_same_plan_is_mailed_again() {
    let bench = Bench::new(&[]).await;
    let group = &calm(&bench, 0).await[0];
    let mut run = bench.run(&file([(group, 0, "")]));
    bench.advance(&mut run).await.unwrap();
    decide(&run, true).unwrap();
    bench.set_quota(group, Some(group.quota + 1));
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, bench.mails()), (RunState::Stale, 2));
    bench.set_quota(group, Some(group.quota));
    decide(&run, true).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, bench.mails()), (RunState::Held, 3));
}

#[tokio::test]
async fn an_approval_survives_a_crash_while_it_is_carried_out_after_its_day() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let mut run = bench.run(&file([(group, 0, DAY)]));
    bench.advance(&mut run).await.unwrap();
    let held = run.clone();
    decide(&run, true).unwrap();
    bench.advance_at(&mut run, due()).await.unwrap();
    assert_eq!(run.record.state, RunState::Done);
    // Killed when the plan of that moment was written, and before the state.
    bench.set_quota(group, Some(group.quota));
    fs_err::remove_file(run.path("journal.jsonl")).unwrap();
    let mut again = held;
    again.record.plan_csv_sha256.extend(run.record.plan_csv_sha256);
    again.save().unwrap();
    bench.advance_at(&mut again, due()).await.unwrap();
    assert_eq!(
        (again.record.state, bench.quota(group)),
        (RunState::Done, Some(0)),
        "{:?}",
        again.record.notes
    );
}
