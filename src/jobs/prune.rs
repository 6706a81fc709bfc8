//! The prune job: thins the history, and removes finished runs and mail that is no longer needed.
//!
//! What was sent and what was run is also how the same thing is recognized when it comes again. So nothing goes that a snapshot
//! still to be reported, a file still in the inbox, or an open run could need.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use crate::change::Services;
use crate::change::answers;
use crate::change::inbox::first_error::FirstError;
use crate::change::retention as runs;
use crate::change::run::id::{is_id, root_of};
use crate::change::run::{Run, RunRecord};
use crate::config::Config;
use crate::files::leftovers;
use crate::history::History;
use crate::history::retention as snapshots;
use crate::jobs::records::closings;
use crate::jobs::requests;
use crate::jobs::state::StateFile;
use crate::mail::Mailer;
use crate::thousandeyes::{LazyClient, is_believed};

/// Each part by itself: what cannot be removed keeps nothing else.
pub(crate) async fn prune(
    services: &Services<'_>,
    mailer: &Mailer,
    state: &StateFile<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let (config, history) = (services.config, services.history);
    let now = believed(services.api, history, now).await?;
    let mut failed = FirstError::default();
    let parts = [
        thin(config, history, state, now),
        finished_runs(services, now),
        mail(config, history, mailer, now),
        leftovers(config, now),
    ];
    for part in parts {
        if let Err(error) = part {
            failed.note(error);
        }
    }
    failed.or(())
}

/// The time by which something is old. By a clock that jumped ahead everything would be: where the API's own clock is behind, that
/// counts, and where it cannot be asked, the time of the newest snapshot does.
async fn believed(api: &LazyClient, history: &History, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let server = match api.get() {
        Ok(client) => client.server_now(now).await,
        Err(_) => None,
    };
    if is_believed(now, server) {
        return Ok(now);
    }
    let known = match server {
        Some(server) => server,
        None => history.until(now)?.last().copied().unwrap_or(DateTime::UNIX_EPOCH),
    };
    if known < now {
        warn!(by = %known, "the API does not confirm this machine's clock: ages are counted from an earlier time");
    }
    Ok(now.min(known))
}

fn thin(config: &Config, history: &History, state: &StateFile<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let all = history.until(now)?;
    let reported = closings::reported_snapshots(state, now)?;
    let mut superfluous = snapshots::superfluous(&all, config.data.keep);
    superfluous.retain(|at| !reported.contains(at));
    for at in &superfluous {
        history.remove(*at)?;
    }
    info!(kept = all.len() - superfluous.len(), removed = superfluous.len(), "history thinned");
    Ok(())
}

/// Nothing later than this goes: what the last two snapshots show is compared, and reported, once more with the next.
fn before(history: &History, now: DateTime<Utc>, keep: std::time::Duration) -> anyhow::Result<DateTime<Utc>> {
    let last_two = history.until(now)?.into_iter().rev().nth(1);
    Ok((now - keep).min(last_two.unwrap_or(now)))
}

fn finished_runs(services: &Services<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let inbox = services.inbox.open()?;
    let (all, broken) = Run::list(services.runs())?;
    let records: Vec<_> = all.iter().map(|run| &run.record).collect();
    let mut gone =
        runs::superfluous(&records, before(services.history, now, services.config.data.keep_runs)?);
    // One that cannot be read may still be open, and would need what it was split off from.
    gone.retain(|id| !broken.iter().any(|broken| root_of(&broken.id) == root_of(id)));
    // A run whose file is still there is what keeps that file from being run again.
    let by_id: HashMap<&str, &RunRecord> =
        records.iter().map(|record| (record.id.as_str(), *record)).collect();
    gone.retain(|id| !by_id.get(id.as_str()).is_some_and(|record| inbox.may_have_file_of(record)));
    for run in all.iter().filter(|run| gone.contains(&run.record.id)) {
        answers::remove(services, &run.record)?;
    }
    // One that cannot be removed keeps no other.
    let removed: Vec<anyhow::Result<()>> = gone.iter().map(|id| Run::remove(services.runs(), id)).collect();
    let count = removed.iter().filter(|removed| removed.is_ok()).count();
    if count > 0 {
        info!(removed = count, "finished runs removed");
    }
    removed.into_iter().collect()
}

fn mail(config: &Config, history: &History, mailer: &Mailer, now: DateTime<Utc>) -> anyhow::Result<()> {
    let removed = mailer.prune(before(history, now, config.data.keep_mail)?)?;
    if removed > 0 {
        info!(removed, "old mail removed");
    }
    Ok(())
}

/// What killed writes left; also at each start of the daemon.
pub(crate) fn leftovers(config: &Config, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (data, mut failed, mut removed) = (&config.data.dir, FirstError::default(), 0);
    let folders = [
        (data.clone(), 0),
        (data.join("history"), 2),
        (data.join("changes"), 2),
        (config.runs_dir(), 1),
        (data.join("outbox"), 1),
        (data.join("reports"), 0),
        (config.answers_dir(), 1),
        (requests::folder(data), 0),
    ];
    for swept in [leftovers::empty_folders(&config.runs_dir(), is_id, now), requests::sweep_unseen(data, now)]
    {
        match swept {
            Ok(count) => removed += count,
            Err(error) => failed.note(error.into()),
        }
    }
    for (folder, depth) in folders {
        match leftovers::temporary_files(&folder, depth, now) {
            Ok(count) => removed += count,
            Err(error) => failed.note(error.into()),
        }
    }
    if removed > 0 {
        info!(removed, "leftovers of interrupted writes removed");
    }
    failed.or(())
}

#[cfg(test)]
mod tests {
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
        names
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "eml"))
            .count()
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
            (
                Run::list(&bench.app.runs()).unwrap().0.len(),
                sent(bench),
                bench.app.history.list().unwrap().len(),
            )
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
}
