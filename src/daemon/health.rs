//! How others learn that the daemon works: what it remembers of itself, and where it reports that.
//!
//! ```text
//! daemon, once    ─▶ activity ─▶ systemd   readiness, status line, watchdog   ◀── liveness: does the loop turn?
//!                         ├──▶ heartbeat   a GET when all is well, /fail when a job fails
//!                         └──▶ observed    what the files say, read after each job
//!                                ├──▶ server    /healthz /readyz /metrics, when asked   (ready: pure)
//!                                └──▶ publish   the same metrics to a file, or to a Pushgateway
//! ```
//!
//! None of them keeps a job waiting, holds the lock, or makes a job fail.

mod heartbeat;
mod latest_observed;
mod observed;
mod outgoing;
pub(in crate::daemon) mod probes;
mod publish;
mod ready;
mod systemd;

use std::sync::Arc;

use tracing::warn;

use self::heartbeat::Heartbeat;
use self::latest_observed::LatestObserved;
use self::observed::Observed;
use self::outgoing::Outage;
use self::probes::{Probes, process};
use self::publish::Publisher;
use crate::clock::Clock;
use crate::jobs::App;
use crate::jobs::activity::HeartbeatSignal;

/// Begins to report on the daemon, and gives what a server may ask. What cannot begin is an error now, not later.
pub(crate) fn start(app: &Arc<App>) -> anyhow::Result<Probes> {
    let (publisher, latest) = (Publisher::new(&app.config)?, Arc::<LatestObserved>::default());
    if let Some(heartbeat) = Heartbeat::new(&app.config)? {
        tokio::spawn(send_heartbeats(Arc::clone(app), heartbeat));
    }
    let probes = Probes { app: Arc::clone(app), latest: Arc::clone(&latest) };
    if app.config.server.listen.is_some() || publisher.is_some() {
        tokio::spawn(keep_observed(Arc::clone(app), latest, publisher));
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let status = || systemd::status(&app.current().config.schedule, &app.activity.work());
        systemd::keep_notified(&app.activity, &app.cancel, status).await;
    });
    Ok(probes)
}

/// Reports a pass of `once` to the same places, before it ends. Nothing where a signal ended it: it is neither.
pub(crate) async fn report_pass(app: &Arc<App>, success: bool) {
    let reporting = async {
        if let Some(mut publisher) = Publisher::new(&app.config)? {
            let latest = Arc::default();
            Outage::new("metrics").note(refresh(app, &latest).await);
            publish(&mut publisher, app, &latest, true).await;
        }
        if let Some(mut heartbeat) = Heartbeat::new(&app.config)? {
            heartbeat.send(if success { HeartbeatSignal::Success } else { HeartbeatSignal::Failure }).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        () = app.cancel.cancelled() => {}
        reported = reporting => if let Err(error) = reported {
            warn!(error = format!("{error:#}"), "this pass cannot be reported");
        },
    }
}

/// systemd waits for the end of a reload, where it asks for it.
pub(crate) fn reloading() {
    systemd::reloading();
}

pub(crate) fn reloaded() {
    systemd::reloaded();
}

async fn send_heartbeats(app: Arc<App>, mut heartbeat: Heartbeat) {
    let mut work = app.activity.follow();
    let mut sent = 0;
    while work.changed().await.is_ok() {
        let (count, beat) = work.borrow_and_update().beats;
        if let Some(beat) = beat.filter(|_| count > sent) {
            sent = count;
            heartbeat.send(beat).await;
        }
    }
}

/// Reads the files at the start and after each job, and passes the metrics on after each job.
async fn keep_observed(app: Arc<App>, latest: Arc<LatestObserved>, mut publisher: Option<Publisher>) {
    let mut stale = Outage::new("metrics");
    let mut work = app.activity.follow();
    let mut seen = None;
    loop {
        let ended = work.borrow_and_update().jobs_ended();
        if seen != Some(ended) {
            stale.note(refresh(&app, &latest).await);
            if let Some(publisher) = publisher.as_mut().filter(|_| seen.is_some()) {
                publish(publisher, &app.current(), &latest, false).await;
            }
        }
        seen = Some(ended);
        if work.changed().await.is_err() {
            return;
        }
    }
}

/// Publishes what is known; nothing before the files were read.
async fn publish(publisher: &mut Publisher, app: &App, latest: &LatestObserved, is_pass: bool) {
    if let Some(observed) = latest.observed() {
        match observed.metrics(&process(app), is_pass, Clock::read().now()).into_bytes() {
            Ok(metrics) => publisher.publish(metrics).await,
            Err(error) => warn!(%error, "the metrics cannot be published"),
        }
    }
}

/// Reads the files, on a thread where it keeps nobody waiting. Without success what was known stays.
async fn refresh(app: &Arc<App>, latest: &Arc<LatestObserved>) -> Result<(), String> {
    let (reader, known) = (app.current(), latest.observed());
    let read = tokio::task::spawn_blocking(move || {
        Observed::read(&reader.report_inputs(), &reader.mailer, known.as_deref(), Clock::read().now())
    });
    let observed = read.await.map_err(anyhow::Error::from).flatten();
    observed.map(|observed| latest.set(observed)).map_err(|error| format!("{error:#}"))
}
