//! Jobs against the simulator: what they report, what they report once, and what must not stop them.

use std::os::unix::fs::MetadataExt;

use chrono::Duration;

use super::job::done::Done;
use super::serve::{RunningJob, catch_panic};
use super::state::slots;
use super::{Job, Trigger, serve};
use crate::change::run::Run;
use crate::domain::diff::MadeBy;
use crate::history::changes;
use crate::schedule::Missed;
use crate::testing::testbed::{Bench, file, noon};

#[tokio::test]
async fn a_snapshot_taken_in_the_same_second_as_a_run_attributes_the_changes_to_the_run() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    Job::Snapshot.run(&bench.app, noon() - Duration::hours(1)).await.unwrap();
    let inbox = bench.app.config.inbox_dir();
    crate::files::durable::write(&inbox.join("a.csv"), file([(&group, group.quota + 1)]).as_bytes()).unwrap();
    Job::Inbox.run(&bench.app, noon()).await.unwrap();
    let run = Run::list(&bench.app.runs()).unwrap().0.remove(0);
    // The snapshot of `once` begins when the run is done, and its file is named by the second.
    Job::Snapshot.run(&bench.app, run.record.updated).await.unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(1)).await.unwrap();
    let diffs =
        changes::between(bench.folder.path(), noon() - Duration::hours(2), noon() + Duration::days(1))
            .unwrap();
    let [only] = &diffs[..] else { panic!("{diffs:?}") };
    assert!(matches!(&only.changes[..], [change] if matches!(change.made_by, MadeBy::Run(_))), "{only:?}");
}

#[tokio::test]
async fn neither_a_damaged_snapshot_nor_a_damaged_run_keeps_snapshots_from_being_taken() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    let mut run = bench.run(&file([(&group, group.quota + 1)]));
    bench.advance(&mut run).await.unwrap();
    run.write("journal.jsonl", b"damaged\n").unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(1)).await.unwrap();
    let latest = *bench.app.history.list().unwrap().last().unwrap();
    fs_err::write(bench.app.history.path(latest), "damaged").unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(2)).await.unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(3)).await.unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(4)).await.unwrap();
    assert_eq!(bench.app.history.list().unwrap().len(), 5);
}

#[tokio::test]
async fn a_snapshot_of_the_future_is_not_what_later_ones_are_compared_with() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    Job::Snapshot.run(&bench.app, noon() + Duration::days(400)).await.unwrap();
    bench.set_quota(&group, Some(group.quota + 1));
    for hour in 1..4 {
        Job::Snapshot.run(&bench.app, noon() + Duration::hours(hour)).await.unwrap();
    }
    assert_eq!(changes::between(bench.folder.path(), noon(), noon() + Duration::days(1)).unwrap().len(), 1);
    assert_eq!(bench.mails(), 1);
}

#[tokio::test]
async fn an_outage_is_reported_by_one_mail_until_it_ends() {
    let bench = Bench::new(&[]).await;
    bench.fault("401");
    for minutes in [0, 5, 10] {
        assert!(Job::Snapshot.run(&bench.app, noon() + Duration::minutes(minutes)).await.is_err());
    }
    assert_eq!(bench.mails(), 1);
    bench.world.state().clear_faults();
    for minutes in [15, 16] {
        Job::Snapshot.run(&bench.app, noon() + Duration::minutes(minutes)).await.unwrap();
    }
    assert_eq!(bench.mails(), 2, "and by one that it is over");
    bench.fault("401");
    assert!(Job::Snapshot.run(&bench.app, noon() + Duration::minutes(20)).await.is_err());
    assert_eq!(bench.mails(), 3);
}

#[tokio::test]
async fn neither_a_damaged_snapshot_of_the_week_nor_a_damaged_held_run_silences_the_usage_report() {
    let bench = Bench::new(&[]).await;
    for hour in 0..3 {
        Job::Snapshot.run(&bench.app, noon() + Duration::hours(hour)).await.unwrap();
    }
    fs_err::write(bench.app.history.path(noon()), "damaged").unwrap();
    let group = bench.groups(0).remove(0);
    for _ in 0..2 {
        let mut run = bench.run(&file([(&group, 0)]));
        bench.advance(&mut run).await.unwrap();
    }
    Run::list(&bench.app.runs()).unwrap().0[0].write("plan.csv", b"damaged\n1\n").unwrap();
    Job::UsageReport.run(&bench.app, noon() + Duration::hours(3)).await.unwrap();
    assert_eq!(crate::jobs::report_inputs::waiting_runs::held_summaries(&bench.app.runs()).unwrap().len(), 1);
}

#[tokio::test]
async fn a_panic_in_a_job_is_counted_and_mailed_as_its_error_and_the_next_run_starts_fresh() {
    let bench = Bench::new(&[]).await;
    let panicking = |what: &'static str| async move {
        tokio::task::yield_now().await;
        std::panic::panic_any(what)
    };
    for panics in 1..=2 {
        let done = catch_panic::catch(panicking("index out of bounds")).await;
        let work = RunningJob::begin(&bench.app, Job::Snapshot, Trigger::Schedule, noon());
        let error = work.end(&bench.app, done).unwrap_err();
        assert!(format!("{error:#}").contains("index out of bounds"), "{error:#}");
        assert_eq!(bench.app.state(noon()).panics(), panics);
    }
    assert_eq!(bench.mails(), 1);
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    assert_eq!(bench.app.state(noon()).panics(), 2, "they stay counted");
}

#[tokio::test]
async fn slots_that_nobody_served_are_remembered_as_a_gap_when_the_next_one_is() {
    let bench = Bench::new(&[]).await;
    let state = || bench.app.state(noon() + Duration::hours(6));
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    bench.clock.set(noon() + Duration::hours(1));
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(1)).await.unwrap();
    assert_eq!(state().last_missed(Job::Snapshot), None);
    let later = noon() + Duration::minutes(5 * 60 + 20);
    assert_eq!(
        Job::Snapshot.due(&bench.app.config.schedule, &bench.app.history, &state(), later),
        Some(noon() + Duration::hours(5))
    );
    bench.clock.set(later);
    Job::Snapshot.run(&bench.app, later).await.unwrap();
    assert_eq!(
        Job::Snapshot.due(&bench.app.config.schedule, &bench.app.history, &state(), later),
        None,
        "caught up once"
    );
    let missed = Missed { slots: 3, first: noon() + Duration::hours(2), last: noon() + Duration::hours(4) };
    assert_eq!(state().last_missed(Job::Snapshot), Some(missed));
    // The inbox takes up whatever waits, whenever it looks.
    Job::Inbox.run(&bench.app, noon()).await.unwrap();
    Job::Inbox.run(&bench.app, later).await.unwrap();
    assert_eq!(state().last_missed(Job::Inbox), None);
}

#[tokio::test]
async fn how_long_a_snapshot_took_counts_its_reports_where_they_took_long() {
    let bench = Bench::new(&[]).await;
    tokio::time::pause();
    let took_beside_reports_of = |reports: std::time::Duration| {
        let app = &bench.app;
        async move {
            let work = RunningJob::begin(app, Job::Snapshot, Trigger::Schedule, noon());
            tokio::time::advance(std::time::Duration::from_secs(5)).await;
            slots::served(&app.config.schedule, app.state(noon()), Job::Snapshot, &work.clock, noon())
                .unwrap();
            tokio::time::advance(reports).await;
            work.end(app, Ok(Done::default())).unwrap();
            app.state(noon()).job(Job::Snapshot).unwrap().took_ms / 1000
        }
    };
    assert_eq!(took_beside_reports_of(std::time::Duration::from_millis(100)).await, 5, "written once");
    assert_eq!(took_beside_reports_of(std::time::Duration::from_secs(90)).await, 95);
}

#[tokio::test]
async fn without_catch_up_a_slot_that_failed_is_still_tried_again() {
    let mut bench = Bench::new(&[]).await;
    bench.app.config.schedule.catch_up = false;
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    let (slot, later) = (noon() + Duration::hours(1), noon() + Duration::minutes(70));
    let due = |bench: &Bench| {
        Job::Snapshot.due(&bench.app.config.schedule, &bench.app.history, &bench.app.state(later), later)
    };
    assert_eq!(due(&bench), None, "nothing ran then");
    bench.fault("401");
    Job::Snapshot.run(&bench.app, slot).await.unwrap_err();
    assert_eq!(due(&bench), Some(slot));
}

#[tokio::test]
async fn a_written_snapshot_counts_as_taken_and_its_changes_are_reported_once_reporting_works_again() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    bench.set_quota(&group, Some(group.quota + 1));
    // A file where the folder of the changes should be.
    fs_err::write(bench.folder.path().join("changes"), "").unwrap();
    let hour = noon() + Duration::hours(1);
    let state = || bench.app.state(noon() + Duration::hours(2));
    for minutes in [0, 5, 10] {
        Job::Snapshot.run(&bench.app, hour + Duration::minutes(minutes)).await.unwrap_err();
        assert_eq!(bench.app.history.list().unwrap().len(), 2, "one snapshot for the hour");
        assert_eq!(
            Job::Snapshot.due(
                &bench.app.config.schedule,
                &bench.app.history,
                &state(),
                hour + Duration::minutes(minutes)
            ),
            None
        );
        assert!(state().is_failing(Job::Snapshot));
    }
    let failures = bench.mails();
    fs_err::remove_file(bench.folder.path().join("changes")).unwrap();
    Job::Snapshot.run(&bench.app, hour + Duration::minutes(15)).await.unwrap();
    assert!(!state().is_failing(Job::Snapshot));
    assert_eq!(state().last_success(Job::Snapshot), Some(hour), "the slot was served then");
    // What changed, and that the job works again.
    assert_eq!((bench.app.history.list().unwrap().len(), bench.mails()), (2, failures + 2));
}

#[tokio::test]
async fn a_snapshot_that_nobody_could_write_down_is_done_and_no_gap() {
    let bench = Bench::new(&[]).await;
    for hour in 0..3 {
        Job::Snapshot.run(&bench.app, noon() + Duration::hours(hour)).await.unwrap();
        if hour == 0 {
            fs_err::copy(bench.folder.path().join("state.json"), bench.folder.path().join("old")).unwrap();
        }
    }
    // As if nothing could be written there since noon.
    fs_err::rename(bench.folder.path().join("old"), bench.folder.path().join("state.json")).unwrap();
    let due = |minutes| {
        let now = noon() + Duration::minutes(minutes);
        Job::Snapshot.due(&bench.app.config.schedule, &bench.app.history, &bench.app.state(now), now)
    };
    assert_eq!(due(125), None);
    assert_eq!(due(181), Some(noon() + Duration::hours(3)));
    Job::Snapshot.run(&bench.app, noon() + Duration::hours(3)).await.unwrap();
    assert_eq!(bench.app.state(noon() + Duration::hours(3)).last_missed(Job::Snapshot), None);
}

#[tokio::test]
async fn a_failure_is_cleared_by_the_next_success_no_matter_who_asked() {
    let bench = Bench::new(&[]).await;
    let person = Trigger::Person { since: None };
    for (first, second) in [(person, Trigger::Schedule), (Trigger::Schedule, person)] {
        bench.fault("401");
        serve(&bench.app, Job::Snapshot, first, noon()).await.unwrap_err();
        assert!(bench.app.state(noon() + Duration::hours(2)).is_failing(Job::Snapshot));
        bench.world.state().clear_faults();
        serve(&bench.app, Job::Snapshot, second, noon() + Duration::minutes(1)).await.unwrap();
        assert!(!bench.app.state(noon() + Duration::hours(2)).is_failing(Job::Snapshot));
    }
}

#[tokio::test]
async fn a_snapshot_that_failed_on_request_stays_failed_until_one_is_taken() {
    let bench = Bench::new(&[]).await;
    let failing = || bench.app.state(noon() + Duration::hours(2)).is_failing(Job::Snapshot);
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    bench.fault("401");
    let asked = noon() + Duration::minutes(5);
    serve(&bench.app, Job::Snapshot, Trigger::Person { since: None }, asked).await.unwrap_err();
    let pass = asked + Duration::minutes(1);
    let to_serve = |now| {
        Job::Snapshot.to_serve(&bench.app.config.schedule, &bench.app.history, &bench.app.state(now), now)
    };
    assert_eq!(to_serve(pass), None, "its slot was served, and nothing of it is left to report");
    assert!(failing());
    assert_eq!(bench.mails(), 1, "and no mail says that it works again");
    bench.world.state().clear_faults();
    let slot = noon() + Duration::hours(1);
    assert_eq!(to_serve(slot), Some(slot));
    Job::Snapshot.run(&bench.app, slot).await.unwrap();
    assert!(!failing());
    assert_eq!(bench.mails(), 2);
}

#[tokio::test]
async fn a_failure_of_a_job_that_no_schedule_would_do_again_is_for_who_asked() {
    let bench = Bench::new(&[]).await;
    fs_err::write(bench.folder.path().join("changes"), "").unwrap();
    let person = Trigger::Person { since: None };
    serve(&bench.app, Job::ChangesReport, person, noon()).await.unwrap_err();
    assert!(!bench.app.state(noon() + Duration::hours(2)).is_failing(Job::ChangesReport));
    assert_eq!(bench.mails(), 0);
}

#[tokio::test]
async fn a_changes_report_begins_where_the_last_one_ended_no_matter_who_asks() {
    let bench = Bench::new(&[]).await;
    let last = || bench.app.state(noon() + Duration::days(3)).last_success(Job::ChangesReport);
    Job::ChangesReport.run(&bench.app, noon()).await.unwrap();
    let later = noon() + Duration::days(2);
    let part = Trigger::Person { since: Some(later - Duration::hours(1)) };
    serve(&bench.app, Job::ChangesReport, part, later).await.unwrap();
    assert_eq!(last(), Some(noon()), "a part of the time leaves the rest to the next report");
    serve(&bench.app, Job::ChangesReport, Trigger::Person { since: None }, later).await.unwrap();
    assert_eq!(last(), Some(later));
}

#[tokio::test]
async fn a_pass_that_finds_nothing_writes_nothing_within_its_slot() {
    let bench = Bench::new(&[]).await;
    let written = || fs_err::metadata(bench.folder.path().join("state.json")).unwrap().ino();
    Job::Inbox.run(&bench.app, noon()).await.unwrap();
    let first = written();
    for seconds in 1..20 {
        Job::Inbox.run(&bench.app, noon() + Duration::seconds(seconds)).await.unwrap();
    }
    assert_eq!(written(), first);
    Job::Inbox.run(&bench.app, noon() + Duration::minutes(1)).await.unwrap();
    assert_ne!(written(), first, "a new slot is worth a note");
}
