//! The daemon: does what waits, sleeps until the next slot or until a file is dropped, and ends cleanly.
//!
//! What is due is decided by `schedule`, the same for `once`; what comes next of it, by the worker in `jobs`.
//! tokio-cron-scheduler only wakes the loop: it stores a fixed offset for a zone and lets a slow job overlap itself, so it
//! gets one one-shot job for the earliest slot, and all that job does is to notify. So slots coalesce, jobs never overlap, and
//! a change of clocks is the pure function's business.

pub(crate) mod freed_memory;
pub(crate) mod health;
mod info;
pub(crate) mod metrics;
mod pages;
mod reload;
pub(crate) mod server;
pub(crate) mod status;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_cron_scheduler::{Job as Alarm, JobScheduler};
use tracing::{info, warn};

pub(crate) use self::info::DaemonInfo;
pub(crate) use self::reload::Source;
use self::reload::{PublishedInfo, reload};
use self::watch::Watch;
use crate::change::run::Run;
use crate::clock::Clock;
use crate::config::Schedule;
use crate::jobs::{App, Job, Worker, prune};

/// The alarm rings earlier; this only bounds what can go wrong with it.
const LONGEST_SLEEP: std::time::Duration = std::time::Duration::from_secs(60);

/// Where the kernel does not say that a command hands something over.
const UNWATCHED: std::time::Duration = std::time::Duration::from_secs(5);

/// Serves all jobs on their schedules until the app is cancelled, or its lock is lost.
pub(crate) async fn run(app: Arc<App>, source: &Source) -> anyhow::Result<()> {
    let mut app = app;
    let wake = Arc::new(Notify::new());
    let mut watch = Watch::begin(&app.config, &app.inbox_memory, &wake);
    let asked_to_reload = on_hangup(&wake)?;
    let shown = PublishedInfo::new(&app, source.read());
    tokio::spawn(shown.clone().keep_shown(Arc::clone(&app)));
    let mut alarms = JobScheduler::new().await.context("the scheduler cannot be made")?;
    alarms.start().await.context("the scheduler cannot be started")?;
    if let Err(error) = prune::remove_leftovers(&app.config, Clock::read().now()) {
        warn!(error = format!("{error:#}"), "leftovers of interrupted writes cannot be removed");
    }
    if let Err(error) = Run::forget_finished(&app.config.runs_dir()) {
        warn!(error = format!("{error:#}"), "runs that were put back while nobody ran are noticed later");
    }
    info!("running");
    app.activity.set_ready();

    let mut worker = Worker::default();
    let mut rings_at = None;
    while !app.cancel.is_cancelled() {
        // Or folders would be made where `data.dir` was, which keeps it from being put back.
        app.lock.is_not_lost()?;
        if asked_to_reload.swap(false, Ordering::Relaxed) {
            app = reload(&app, source, &shown);
            watch = Watch::begin(&app.config, &app.inbox_memory, &wake);
            worker.want_inbox();
            rings_at = None;
        }
        if !watch.is_current(&app.config) {
            watch = Watch::begin(&app.config, &app.inbox_memory, &wake);
            worker.want_inbox();
        }
        if watch.take_drop_signal() {
            worker.want_inbox();
        }
        if worker.step(&app).await? {
            continue;
        }
        let now = Clock::read().now();
        if let Some(at) = next_wake(&app.config.schedule, &worker, now)
            && rings_at.is_none_or(|rings| rings <= now || rings > at)
        {
            match set_alarm(&alarms, at, now, &wake).await {
                Ok(()) => rings_at = Some(at),
                Err(error) => {
                    warn!(error = format!("{error:#}"), "no alarm was set: checking the clock every minute");
                }
            }
        }
        // The alarm goes by the clock on the wall, and its list is kept closed by the steady one: a clock that is set, back or forward,
        // must not keep us asleep.
        let longest = if watch.sees_requests() { LONGEST_SLEEP } else { UNWATCHED };
        let longest = Instant::now() + longest;
        let until = worker.settles_at().map_or(longest, |at| at.min(longest));
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            () = app.cancel.cancelled() => {}
            never = quieten(&alarms, rings_at.map_or(longest, |at| Instant::now() + until_then(at, now))) => match never {},
        }
    }
    alarms.shutdown().await.context("the scheduler did not stop")?;
    info!("stopped");
    Ok(())
}

/// SIGHUP, which is answered between two units of work.
fn on_hangup(wake: &Arc<Notify>) -> anyhow::Result<Arc<AtomicBool>> {
    let mut hangups = signal(SignalKind::hangup())?;
    let (wake, asked) = (Arc::clone(wake), Arc::new(AtomicBool::new(false)));
    let asks = Arc::clone(&asked);
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            asks.store(true, Ordering::Relaxed);
            wake.notify_one();
        }
    });
    Ok(asked)
}

fn until_then(at: DateTime<Utc>, now: DateTime<Utc>) -> std::time::Duration {
    (at - now).to_std().unwrap_or_default()
}

/// The earliest moment at which anything can be due.
fn next_wake(schedule: &Schedule, worker: &Worker, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let slots = Job::ALL.iter().filter_map(|job| job.schedule(schedule)?.next(schedule.timezone, now));
    slots.chain(worker.retries()).filter(|at| *at > now).min()
}

/// Keeps the scheduler from its list until an alarm can be due: it would look at it twice a second, for which it wakes the processor.
async fn quieten(alarms: &JobScheduler, until: Instant) -> Infallible {
    let context = alarms.context();
    let list = context.metadata_storage.write().await;
    tokio::time::sleep_until(until).await;
    drop(list);
    std::future::pending().await
}

async fn set_alarm(
    alarms: &JobScheduler,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    wake: &Arc<Notify>,
) -> anyhow::Result<()> {
    // The scheduler counts whole seconds and rounds down: a second more, or it rings before the slot.
    let wait = std::time::Duration::from_secs(until_then(at, now).as_secs() + 1);
    let wake = Arc::clone(wake);
    let alarm = Alarm::new_one_shot_async(wait, move |_, _| {
        let wake = Arc::clone(&wake);
        Box::pin(async move { wake.notify_one() })
    });
    alarms
        .add(alarm.context("the scheduler accepted no alarm")?)
        .await
        .context("the scheduler accepted no alarm")?;
    Ok(())
}
