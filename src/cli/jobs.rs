//! The commands that do jobs: the daemon, `once`, and each job by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::{lock, progress, terminal};
use crate::app::App;
use crate::clock::Clock;
use crate::daemon;
use crate::exit_code::{Exit, Findings};
use crate::health;
use crate::jobs::{self, Backoff, Job};
use crate::lock::{Lock, LockError};

/// The daemon.
pub(super) async fn run(app: &Arc<App>) -> anyhow::Result<Exit> {
    let _lock = lock(app)?;
    app.client()?;
    app.mailer.warned_of_routes();
    health::start(app).await?;
    app.vitals.pulse.of(daemon::run(Arc::clone(app))).await?;
    Ok(Exit::Done)
}

/// Recover, inbox and outbox always; snapshot, reports and prune where due. One job's failure never stops the next.
pub(super) async fn once(app: &Arc<App>, detailed: bool) -> anyhow::Result<Exit> {
    let lock = match Lock::take(&app.config.data.dir) {
        Err(LockError::Busy { holder }) if !detailed => {
            info!(%holder, "another instance is at work: nothing to do");
            return Ok(Exit::Done);
        }
        lock => lock?,
    };
    let passed = pass(app).await;
    drop(lock); // to tell others may take its time
    let success = passed.as_ref().is_ok_and(|findings| !findings.failed);
    health::tell_pass(app, success).await;
    match passed? {
        findings if detailed || findings.failed => Ok(findings.exit()),
        _ => Ok(Exit::Done),
    }
}

/// What `once` does, while it holds the lock.
async fn pass(app: &Arc<App>) -> anyhow::Result<Findings> {
    app.mailer.warned_of_routes();
    let mut findings = Findings::default();
    for job in Job::ALL {
        let now = Clock::read().now();
        let always = matches!(job, Job::Inbox | Job::Outbox);
        let state = app.state(now);
        findings.failed |= !state.is_usable();
        let due = job.due(app, &state, now).is_some();
        if !(always || due) || app.cancel.is_cancelled() {
            continue;
        }
        app.vitals.begins(job);
        let done = progress::shown(app, job.run(app, now)).await;
        app.vitals.ends(job, done.is_ok(), app.cancel.is_cancelled());
        match done {
            Ok(found) => findings = findings.and(found),
            Err(error) => {
                job.log_failure(&error);
                findings.failed = true;
            }
        }
    }
    Ok(findings)
}

/// One job, now.
pub(super) async fn one(app: &Arc<App>, job: Job) -> anyhow::Result<Exit> {
    let _lock = lock(app)?;
    Ok(progress::shown(app, job.run(app, Clock::read().now())).await?.exit())
}

/// All queued mail, whether its time has come or not.
pub(super) async fn outbox(app: &Arc<App>) -> anyhow::Result<Exit> {
    let _lock = lock(app)?;
    let clock = Clock::read();
    let now = clock.now();
    let findings = jobs::outbox(app, &clock, Backoff::Ignore).await?;
    Job::Outbox.succeeded(app, &clock, now, None)?;
    Ok(findings.exit())
}

pub(super) async fn usage_report(app: &Arc<App>, out: Option<&Path>) -> anyhow::Result<Exit> {
    let now = Clock::read().now();
    match out {
        Some(out) => {
            let report = app.usage_report_or_live(now).await?;
            write(out, &app.mailer.usage_html(&report)?)
        }
        None => one(app, Job::UsageReport).await,
    }
}

pub(super) fn changes_report(
    app: &Arc<App>,
    since: Option<Duration>,
    out: Option<&Path>,
) -> anyhow::Result<Exit> {
    let now = Clock::read().now();
    let since = now - since.unwrap_or(Duration::from_secs(30 * 24 * 3600));
    let report = app.changes_report(since, now)?;
    if let Some(out) = out {
        return write(out, &app.mailer.changes_html(&report)?);
    }
    if report.is_empty() && !app.config.mail.changes_when_empty {
        terminal::tell(&format!("{}: no mail (mail.changes_when_empty)", report.headline));
        return Ok(Exit::Done);
    }
    let _lock = lock(app)?;
    app.mailer.changes(&report, now)?;
    Ok(Exit::Done)
}

pub(super) async fn closing_report(app: &Arc<App>, out: Option<&Path>) -> anyhow::Result<Exit> {
    match out {
        Some(out) => {
            let report = app.last_closings(Clock::read().now())?;
            write(out, &app.mailer.closing_html(report)?)
        }
        None => one(app, Job::ClosingReport).await,
    }
}

fn write(out: &Path, html: &str) -> anyhow::Result<Exit> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    anyhow::ensure!(
        folder.is_none_or(Path::is_dir),
        "{} cannot be written: its folder does not exist",
        out.display()
    );
    fs_err::write(out, html)?; // with the user's umask
    terminal::tell(&format!("written: {}", out.display()));
    Ok(Exit::Done)
}
