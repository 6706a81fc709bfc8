//! The daemon: serves what is due, sleeps until the next slot or until a file is dropped, and ends cleanly.
//!
//! What is due is decided by `schedule`, the same for `once`. tokio-cron-scheduler only wakes the loop: it stores a fixed
//! offset for a zone and lets a slow job overlap itself, so it gets one one-shot job for the earliest slot, and all that
//! job does is to notify. So slots coalesce, jobs never overlap, and a change of clocks is the pure function's business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job as Alarm, JobScheduler};
use tracing::{info, warn};

use crate::app::App;
use crate::clock::Clock;
use crate::files::durable;
use crate::jobs::{Job, prune};

/// A job that failed is tried again after this, or at its next slot.
const RETRY: Duration = Duration::minutes(5);

/// The alarm rings earlier; this only bounds what can go wrong with it.
const LONGEST_SLEEP: std::time::Duration = std::time::Duration::from_secs(60);

/// A slot that was tried and failed.
#[derive(Clone, Copy, Debug)]
struct Failed {
    slot: DateTime<Utc>,
    at: DateTime<Utc>,
}

/// Serves all jobs on their schedules until the app is cancelled.
pub(crate) async fn run(app: Arc<App>) -> anyhow::Result<()> {
    let wake = Arc::new(Notify::new());
    let dropped = Arc::new(AtomicBool::new(false));
    let _watcher = watch(&app, &wake, &dropped);
    let mut alarms = JobScheduler::new().await.context("the scheduler cannot be made")?;
    alarms.start().await.context("the scheduler cannot be started")?;
    if let Err(error) = prune::leftovers(&app, Clock::read().now()) {
        warn!(error = format!("{error:#}"), "leftovers of interrupted writes cannot be removed");
    }
    info!("running");
    app.vitals.is_ready();

    let mut failed: BTreeMap<Job, Failed> = BTreeMap::new();
    let mut rings_at = None;
    while !app.cancel.is_cancelled() {
        for job in Job::ALL {
            let now = Clock::read().now();
            let due =
                job.due(&app, &app.state(now), now).filter(|slot| may_try(*slot, failed.get(&job), now));
            let called = job == Job::Inbox && dropped.swap(false, Ordering::Relaxed);
            if (due.is_none() && !called) || app.cancel.is_cancelled() {
                continue;
            }
            if serve(&app, job, now).await {
                failed.remove(&job);
            } else {
                failed.insert(job, Failed { slot: due.unwrap_or(now), at: now });
            }
        }
        let now = Clock::read().now();
        if let Some(at) = next_wake(&app, &failed, now)
            && rings_at.is_none_or(|rings| rings <= now || rings > at)
        {
            match set_alarm(&alarms, at, now, &wake).await {
                Ok(()) => rings_at = Some(at),
                Err(error) => warn!(error = format!("{error:#}"), "looking at the clock each minute instead"),
            }
        }
        if !dropped.load(Ordering::Relaxed) {
            tokio::select! {
                () = wake.notified() => {}
                // The alarm goes by the clock on the wall: one that is set back must not keep us asleep.
                () = tokio::time::sleep(LONGEST_SLEEP) => {}
                () = app.cancel.cancelled() => {}
            }
        }
    }
    alarms.shutdown().await.context("the scheduler did not stop")?;
    info!("stopped");
    Ok(())
}

/// Runs one job; whether it succeeded. What went wrong in it, a panic too, is told here and ends nothing else.
async fn serve(app: &App, job: Job, now: DateTime<Utc>) -> bool {
    app.vitals.begins(job);
    let done = job.run(app, now).await;
    app.vitals.ends(job, done.is_ok(), app.cancel.is_cancelled());
    if let Err(error) = &done {
        job.log_failure(error);
    }
    done.is_ok()
}

fn may_try(slot: DateTime<Utc>, failed: Option<&Failed>, now: DateTime<Utc>) -> bool {
    failed.is_none_or(|failed| slot > failed.slot || now >= failed.at + RETRY)
}

/// The earliest moment at which anything can be due.
fn next_wake(app: &App, failed: &BTreeMap<Job, Failed>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let zone = app.config.schedule.timezone;
    let slots = Job::ALL.iter().filter_map(|job| job.schedule(app)?.next(zone, now));
    slots.chain(failed.values().map(|failed| failed.at + RETRY)).filter(|at| *at > now).min()
}

async fn set_alarm(
    alarms: &JobScheduler,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    wake: &Arc<Notify>,
) -> anyhow::Result<()> {
    // The scheduler counts whole seconds and rounds down: a second more, or it rings before the slot.
    let wait = std::time::Duration::from_secs((at - now).num_seconds().unsigned_abs() + 1);
    let wake = Arc::clone(wake);
    let alarm = Alarm::new_one_shot_async(wait, move |_, _| {
        let wake = Arc::clone(&wake);
        Box::pin(async move { wake.notify_one() })
    });
    alarms.add(alarm.context("the scheduler took no alarm")?).await.context("the scheduler took no alarm")?;
    Ok(())
}

/// Lets a dropped file be seen at once. The scheduled look makes it certain, where the kernel tells nothing (network
/// mounts, `ConfigMaps`).
fn watch(app: &App, wake: &Arc<Notify>, dropped: &Arc<AtomicBool>) -> Option<notify::RecommendedWatcher> {
    let folder = app.config.inbox_dir();
    let (wake, dropped, memory) = (Arc::clone(wake), Arc::clone(dropped), Arc::clone(&app.inbox_memory));
    let watching = durable::create_folder(&folder).map_err(anyhow::Error::from).and_then(|_| {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let changed = event.is_ok_and(|event| {
                memory.writers.observe(&event, std::time::Instant::now());
                let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
                matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_)) || event.kind == closed
            });
            if changed {
                dropped.store(true, Ordering::Relaxed);
                wake.notify_one();
            }
        })?;
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    match watching {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            let error = format!("{error:#}");
            warn!(error, "the inbox cannot be watched: it is looked at on its schedule");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_slot_is_tried_again_later_or_at_the_next_slot() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let failed = Failed { slot: at("2026-11-22T08:00:00Z"), at: at("2026-11-22T08:00:02Z") };
        let slot = failed.slot;
        assert!(may_try(slot, None, at("2026-11-22T08:00:01Z")));
        assert!(!may_try(slot, Some(&failed), at("2026-11-22T08:01:00Z")));
        assert!(may_try(slot, Some(&failed), at("2026-11-22T08:05:02Z")));
        assert!(may_try(at("2026-11-22T08:01:00Z"), Some(&failed), at("2026-11-22T08:01:00Z")));
    }
}
