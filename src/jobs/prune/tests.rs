//! What goes, and what stays because somebody needs it.

use chrono::{DateTime, Duration, Utc};

use crate::change::RunState;
use crate::change::run::Run;
use crate::jobs::Job;
use crate::testing::testbed::{Bench, file, noon};

fn later(days: i64) -> DateTime<Utc> {
    noon() + Duration::days(days)
}

/// The messages that were delivered.
fn sent(bench: &Bench) -> usize {
    let names = fs_err::read_dir(bench.folder.path().join("outbox/sent")).unwrap();
    names.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "eml")).count()
}

/// As if it were this time, here and at the API.
async fn job(bench: &Bench, job: Job, now: DateTime<Utc>) {
    bench.clock.set(now);
    // What another job queued in this very minute is due.
    let later = if job == Job::Outbox { Duration::minutes(1) } else { Duration::zero() };
    job.run(&bench.app, now + later).await.unwrap();
}

fn drop_file(bench: &Bench, name: &str, content: &str) {
    let path = bench.app.config.inbox_dir().join(name);
    crate::files::durable::write(&path, content.as_bytes()).unwrap();
}

#[tokio::test]
async fn old_mail_goes_and_nothing_is_sent_twice_for_that() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    job(&bench, Job::Snapshot, noon()).await;
    bench.set_quota(&group, Some(group.quota + 1));
    job(&bench, Job::Snapshot, noon() + Duration::hours(1)).await;
    job(&bench, Job::Outbox, noon() + Duration::hours(1)).await;
    assert_eq!(sent(&bench), 1, "of the drift");

    // Long after, what was reported last may have to be reported again, with the next snapshot.
    job(&bench, Job::Prune, later(100)).await;
    assert_eq!(sent(&bench), 1);
    for day in 101..104 {
        job(&bench, Job::Snapshot, later(day)).await;
        job(&bench, Job::Outbox, later(day)).await;
    }
    assert_eq!(sent(&bench), 1, "not reported again");
    job(&bench, Job::Prune, later(104)).await;
    assert_eq!(sent(&bench), 0);
    job(&bench, Job::Snapshot, later(105)).await;
    job(&bench, Job::Outbox, later(105)).await;
    assert_eq!(sent(&bench), 0);
}

#[tokio::test]
async fn mail_that_is_not_sent_stays_however_old() {
    let bench = Bench::new(&[]).await;
    drop_file(&bench, "bad.csv", "no header\n");
    job(&bench, Job::Inbox, noon()).await;
    job(&bench, Job::Prune, later(1_000)).await;
    assert_eq!(bench.mails(), 1);
}

#[tokio::test]
async fn a_finished_run_goes_with_its_answers_and_one_that_waits_stays() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &file([(&group, group.quota + 1)]));
    job(&bench, Job::Inbox, noon()).await;
    drop_file(&bench, "cut.csv", &file([(&group, 1)]));
    job(&bench, Job::Inbox, later(1)).await;
    let answers = bench.app.config.answers_dir();
    fs_err::write(answers.join("a.csv/mine.txt"), "of a person").unwrap();

    job(&bench, Job::Prune, later(399)).await;
    assert_eq!(Run::list(&bench.app.runs()).unwrap().0.len(), 2);
    job(&bench, Job::Prune, later(402)).await;
    let left = Run::list(&bench.app.runs()).unwrap().0;
    assert_eq!(left.iter().map(|run| run.record.state).collect::<Vec<_>>(), [RunState::Held]);
    assert!(!answers.join("a.csv/status.txt").exists() && answers.join("a.csv/mine.txt").exists());
    assert!(answers.join("cut.csv/status.txt").exists());
}

#[tokio::test]
async fn the_answers_of_a_later_file_of_that_name_stay() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    for (day, more) in [(0, 1), (300, 2)] {
        drop_file(&bench, "a.csv", &file([(&group, group.quota + more)]));
        job(&bench, Job::Inbox, later(day)).await;
    }
    job(&bench, Job::Prune, later(410)).await;
    assert_eq!(Run::list(&bench.app.runs()).unwrap().0.len(), 1);
    assert!(bench.app.config.answers_dir().join("a.csv/status.txt").exists());
}

#[tokio::test]
async fn a_file_of_a_read_only_inbox_is_acted_on_once_however_long_it_lies_there() {
    let bench = Bench::new(&[("QUOTAKEEPER__INBOX__READ_ONLY", "true")]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &file([(&group, group.quota + 1)]));
    job(&bench, Job::Inbox, noon()).await;
    bench.set_quota(&group, Some(group.quota + 5));
    job(&bench, Job::Prune, later(1_000)).await;
    job(&bench, Job::Inbox, later(1_000)).await;
    assert_eq!(bench.quota(&group), Some(group.quota + 5));
}

#[tokio::test]
async fn a_change_is_attributed_to_its_run_even_if_the_run_and_the_snapshots_are_old() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    job(&bench, Job::Snapshot, noon()).await;
    job(&bench, Job::Snapshot, noon() + Duration::hours(1)).await;
    drop_file(&bench, "a.csv", &file([(&group, group.quota + 1)]));
    job(&bench, Job::Inbox, later(1)).await;
    job(&bench, Job::Outbox, later(1)).await;
    job(&bench, Job::Prune, later(500)).await;
    job(&bench, Job::Snapshot, later(501)).await;
    job(&bench, Job::Outbox, later(501)).await;
    assert_eq!(sent(&bench), 1, "the run's own mail and none of drift");
}
#[tokio::test]
async fn a_clock_that_jumped_ahead_removes_nothing() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    let hour = |hours| noon() + Duration::hours(hours);
    for hours in 0..3 {
        job(&bench, Job::Snapshot, hour(hours)).await;
    }
    drop_file(&bench, "a.csv", &file([(&group, group.quota + 1)]));
    job(&bench, Job::Inbox, noon()).await;
    job(&bench, Job::Outbox, noon()).await;
    let everything = |bench: &Bench| {
        (Run::list(&bench.app.runs()).unwrap().0.len(), sent(bench), bench.app.history.list().unwrap().len())
    };
    assert_eq!(everything(&bench), (1, 1, 3));
    job(&bench, Job::Snapshot, later(2)).await;
    job(&bench, Job::Snapshot, later(3)).await;
    for days in [8, 365, 5_000] {
        Job::Prune.run(&bench.app, later(days)).await.unwrap();
        assert_eq!(everything(&bench), (1, 1, 5), "the API's clock is behind by {days} days");
    }
    bench.fault("500");
    bench.app.api.get().unwrap().forget_failures();
    for days in [8, 365, 5_000] {
        Job::Prune.run(&bench.app, later(days)).await.unwrap();
        assert_eq!(
            everything(&bench),
            (1, 1, 5),
            "the API does not answer, and the newest snapshot is recent"
        );
    }
}
