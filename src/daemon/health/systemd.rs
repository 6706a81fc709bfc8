//! What the daemon reports to systemd, where it asks (`Type=notify`): ready, what it does, that it lives, that it stops.
//!
//! The watchdog is notified twice in its time, and only while the loop of the daemon turns (see `liveness`): a wait for the rate
//! limit inside a job is no hang.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock::Clock;
use crate::config::Schedule;
use crate::jobs::Job;
use crate::jobs::activity::{Activity, Work};
use crate::text::words::moment_in;

/// Notifies systemd until the daemon ends; at once where there is no systemd. `status` gives the status line of the moment.
pub(super) async fn keep_notified(
    activity: &Activity,
    cancel: &CancellationToken,
    status: impl Fn() -> String,
) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let mut ready = activity.readiness();
    if ready.wait_for(|ready| *ready).await.is_err() {
        return;
    }
    notify(&[NotifyState::Ready, NotifyState::Status(&status())]);
    tokio::select! {
        () = follow(activity, status) => {}
        () = watchdog(activity) => {}
        () = cancel.cancelled() => {}
    }
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// A reload begins.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "systemd cannot be notified"),
    }
}

/// And is over, whatever came of it.
pub(super) fn reloaded() {
    notify(&[NotifyState::Ready]);
}

/// The status line, each time that it changes.
async fn follow(activity: &Activity, status: impl Fn() -> String) {
    let mut work = activity.follow();
    let mut notified = String::new();
    while work.changed().await.is_ok() {
        let status = status();
        if status != notified {
            notify(&[NotifyState::Status(&status)]);
            notified = status;
        }
    }
}

async fn watchdog(activity: &Activity) {
    let half = sd_notify::watchdog_enabled().map(|within| within / 2).filter(|half| !half.is_zero());
    let Some(half) = half else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(half);
    let mut was_stuck = false;
    loop {
        ticks.tick().await;
        let stuck = activity.stuck_for();
        match stuck {
            None => notify(&[NotifyState::Watchdog]),
            Some(silence) if !was_stuck => {
                error!(seconds = silence.as_secs(), "the loop is stuck: the watchdog is no longer notified");
            }
            Some(_) => {}
        }
        was_stuck = stuck.is_some();
    }
}

/// The status line as it is now.
pub(super) fn status(schedule: &Schedule, work: &Work) -> String {
    let now = Clock::read().now();
    let zone = schedule.timezone;
    let next = Job::ALL.iter().filter(|job| !job.takes_what_waits());
    let next = next.filter_map(|job| Some((job.schedule(schedule)?.next(zone, now)?, *job))).min();
    status_line(work, next, zone)
}

/// `snapshot · failing: outbox`, or `idle · next: snapshot Sun 22 Nov 2026, 10:00 UTC`. What is looked for each minute is no next
/// thing to wait for.
fn status_line(work: &Work, next: Option<(DateTime<Utc>, Job)>, zone: Tz) -> String {
    let names = |jobs: Vec<Job>| jobs.into_iter().map(Job::name).collect::<Vec<_>>().join(", ");
    let mut line = match (work.running.is_empty(), next) {
        (false, _) => format!("at work: {}", names(work.running.keys().copied().collect())),
        (true, None) => "idle".to_owned(),
        (true, Some((at, job))) => {
            format!("idle · next: {} {}", job.name(), moment_in(at, zone))
        }
    };
    if !work.failing.is_empty() {
        line += &format!(" · failing: {}", names(work.failing.keys().copied().collect()));
    }
    line
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "systemd cannot be notified");
    }
}

#[cfg(test)]
mod tests;
