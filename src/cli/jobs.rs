//! The commands that do jobs: the daemon, `once`, and each job by itself.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::info;

use super::arguments::{ReportFile, ReportKind, ReportOutputArgs};
use super::handover::{self, Handover, HandoverOutcome};
use super::terminal::OutputNotWritten;
use super::time_arguments::TimeContext;
use super::wanted_organizations::{Earlier, WantedOrganizations};
use super::{progress, terminal};
use crate::clock::Clock;
use crate::daemon::{self, Source, health, server};
use crate::domain::quota::Snapshot;
use crate::exit_code::{Exit, Findings};
use crate::files::lock::LockError;
use crate::jobs::report_inputs::Scope;
use crate::jobs::requests::Ask;
use crate::jobs::requests::basis::Basis;
use crate::jobs::{self, App, Job, Sends, Trigger, Worker, closing_report};
use crate::page;
use crate::report::{self, Extent, Ranking, changes_table, write_closing_table, write_usage_table};

/// This process as one that may hold the lock.
pub(super) fn handover(app: &App) -> Handover<'_> {
    let basis = Basis::from_config(&app.config);
    Handover {
        basis,
        data_dir: &app.config.data.dir,
        lock: &app.lock,
        activity: &app.activity,
        cancel: &app.cancel,
    }
}

/// The daemon.
pub(super) async fn run(app: &Arc<App>, source: &Source) -> anyhow::Result<Exit> {
    handover::hold(&handover(app))?;
    app.api.get()?;
    app.mailer.warned_of_routes();
    let probes = health::start(app)?;
    if let Some(listen) = app.config.server.listen {
        server::start(probes, listen).await?;
    }
    app.activity.liveness.watch(daemon::run(Arc::clone(app), source)).await?;
    Ok(Exit::Done)
}

/// Recover, inbox and outbox always; snapshot, reports and prune where due. One job's failure never stops the next.
pub(super) async fn once(app: &Arc<App>, detailed: bool) -> anyhow::Result<Exit> {
    match handover::hold(&handover(app)) {
        Err(LockError::Busy { holder }) if !detailed => {
            info!(%holder, "another instance is at work: nothing to do");
            return Ok(Exit::Done);
        }
        taken => taken?,
    }
    let passed = progress::with_progress(&app.api, pass(app)).await;
    app.lock.release(); // what follows may take its time
    let success = passed.as_ref().is_ok_and(|findings| !findings.failed);
    health::report_pass(app, success).await;
    match passed? {
        findings if detailed || findings.failed => Ok(findings.exit()),
        _ => Ok(Exit::Done),
    }
}

/// What `once` does, while it holds the lock.
async fn pass(app: &Arc<App>) -> anyhow::Result<Findings> {
    app.mailer.warned_of_routes();
    let mut worker = Worker::for_a_pass(Clock::read().now());
    until_idle(app, &mut worker).await?;
    while !app.cancel.is_cancelled() {
        worker.deliver(app).await?;
        // What people asked for meanwhile, and what became due, may have made mail.
        if !until_idle(app, &mut worker).await? {
            break;
        }
    }
    Ok(worker.findings)
}

/// Whether there was anything to do.
async fn until_idle(app: &App, worker: &mut Worker) -> anyhow::Result<bool> {
    let mut did_anything = false;
    while !app.cancel.is_cancelled() {
        if worker.step(app).await? {
            did_anything = true;
            continue;
        }
        let Some(at) = worker.settles_at() else { break };
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = app.cancel.cancelled() => {}
        }
    }
    Ok(did_anything)
}

/// One job, now.
pub(super) async fn run_job(app: &Arc<App>, job: Job, since: Option<DateTime<Utc>>) -> anyhow::Result<Exit> {
    if let HandoverOutcome::There { holder, answer } =
        handover::ask(&handover(app), &Ask::Job { job, since }, None).await?
    {
        return Ok(handover::report_answer(job.name(), &holder, &answer));
    }
    let served = jobs::serve(app, job, Trigger::Person { since }, Clock::read().now());
    let found = progress::with_progress(&app.api, served).await?;
    if let Some(hint) = unsent(job).filter(|_| app.config.mail.transport.is_off()) {
        terminal::eprint(&hint);
    }
    Ok(found.exit())
}

/// What to say where mail is off: such a job did nothing that its user could see.
fn unsent(job: Job) -> Option<String> {
    let nothing_was_sent = "Mail is off (mail.transport): nothing was sent.";
    match job.sends() {
        Sends::Report(report) => Some(format!(
            "{nothing_was_sent} `quotakeeper report {report} --out {report}.html` writes the report to a file."
        )),
        Sends::Mail => Some(nothing_was_sent.to_owned()),
        Sends::Nothing => None,
    }
}

/// Where a report goes that is written and not sent, and what it is on.
pub(super) struct ReportOutput<'a> {
    pub file: &'a ReportFile,
    /// Ids or names; all organizations where there are none.
    pub organizations: &'a [String],
    pub since: Option<DateTime<Utc>>,
}

impl<'a> ReportOutput<'a> {
    /// None for a report that is sent.
    pub(super) fn from_args(
        ReportOutputArgs { out, org }: &'a ReportOutputArgs,
        since: Option<DateTime<Utc>>,
    ) -> Option<Self> {
        Some(Self { file: out.as_ref()?, organizations: org, since })
    }
}

pub(super) async fn usage_report(
    app: &App,
    asked: &ReportOutput<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let inputs = app.report_inputs();
    let latest = inputs.latest_or_live(&app.api, now).await?;
    let scope = asked.scope(&latest, earlier(app))?;
    let latest = scope.narrow(latest);
    match asked.file {
        ReportFile::Page(path) => {
            let routes = app.mailer.warned_of_routes().unwrap_or_default();
            inputs.with_usage_page((&latest, &scope), &|target| routes.owners(target), now, |page| {
                write_with(path, |file| page::write_usage(page, file))
            })
        }
        ReportFile::Table(path) => {
            let (rule, slopes, context) =
                (app.config.usage.rule(), inputs.slopes(&latest)?, inputs.context(now));
            let judging = inputs.judging(latest.taken_at, &rule, &context);
            let ranking = Ranking::new(latest.places().enumerate(), usize::MAX, &slopes, judging);
            write_with(path, |file| write_usage_table(&ranking, file))
        }
    }
}

pub(super) fn changes_report(
    app: &App,
    asked: &ReportOutput<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let inputs = app.report_inputs();
    let latest = app.history.latest_readable(now)?.unwrap_or_else(|| Snapshot::new(now, []));
    let scope = asked.scope(&latest, earlier(app))?;
    let since = scope.since.unwrap_or(now - TimeDelta::days(30));
    let report = inputs.changes_report(since, &scope, now)?;
    match asked.file {
        ReportFile::Page(path) => write(path, page::plain_page("changes.html", &report, None)?.as_bytes()),
        ReportFile::Table(path) => write(path, &changes_table(&report, usize::MAX).bytes),
    }
}

pub(super) fn closing_report(
    app: &App,
    asked: &ReportOutput<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let inputs = app.report_inputs();
    let latest = inputs.latest(now)?;
    let scope = asked.scope(&latest, earlier(app))?;
    let latest = scope.narrow(latest);
    closing_report::with_last_closings(&inputs, &latest, now, |input, context| match asked.file {
        ReportFile::Page(path) => {
            let report = report::closing_report(input, context);
            write(path, page::plain_page("cycles.html", &report, None)?.as_bytes())
        }
        ReportFile::Table(path) => write_with(path, |file| write_closing_table(input, file)),
    })
}

fn earlier(app: &App) -> Earlier<'_> {
    Earlier { history: &app.history, zone: app.config.schedule.timezone, asked: None }
}

impl ReportOutput<'_> {
    fn scope(&self, latest: &Snapshot, earlier: Earlier<'_>) -> anyhow::Result<Scope> {
        let organizations = WantedOrganizations::new(self.organizations).ids(&[latest], earlier)?;
        Ok(Scope { organizations, since: self.since, extent: Extent::Whole })
    }
}

fn write(out: &Path, content: &[u8]) -> anyhow::Result<Exit> {
    write_with(out, |file| Ok(file.write_all(content)?))
}

/// Writes a file whole or not at all.
fn write_with(
    out: &Path,
    content: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    anyhow::ensure!(
        folder.is_none_or(Path::is_dir),
        "{} cannot be written: its folder does not exist",
        out.display()
    );
    let name = out.file_name().context("the file that is to be written has no name")?.to_string_lossy();
    if let Ok(there) = std::fs::symlink_metadata(out) {
        anyhow::ensure!(
            there.is_file(),
            "{} is a link, a folder or a pipe, and only a file is replaced: name another one",
            out.display()
        );
    }
    // Others may write where commands are run: whatever lies there is replaced, and never written through or waited for.
    let unfinished = out.with_file_name(format!(".{name}.{:016x}", fastrand::u64(..)));
    let write = || -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create_new(&unfinished)?); // with the user's umask
        content(&mut file)?;
        file.flush()?;
        drop(file);
        Ok(std::fs::rename(&unfinished, out)?)
    };
    if let Err(error) = write() {
        let _ = std::fs::remove_file(&unfinished); // it may never have been there
        let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
        return match causes.find_map(std::io::Error::raw_os_error) {
            Some(code) => {
                let error = std::io::Error::from_raw_os_error(code);
                Err(OutputNotWritten { what: out.display().to_string(), error }.into())
            }
            None => Err(error),
        };
    }
    terminal::eprint(&format!("written: {}", out.display()));
    Ok(Exit::Done)
}

/// A report is sent as its job does it, or written to a file.
pub(super) async fn report(app: &Arc<App>, kind: &ReportKind, when: TimeContext) -> anyhow::Result<Exit> {
    let moment = |since: Option<&str>| since.map(|since| when.since(since)).transpose();
    match kind {
        ReportKind::Usage { written, since } => {
            let since = moment(since.as_deref())?;
            match ReportOutput::from_args(written, since) {
                Some(asked) => usage_report(app, &asked, when.now).await,
                None => run_job(app, Job::UsageReport, since).await,
            }
        }
        ReportKind::Changes { written, since } => {
            let since = moment(since.as_deref())?;
            match ReportOutput::from_args(written, since) {
                Some(asked) => changes_report(app, &asked, when.now),
                None => run_job(app, Job::ChangesReport, since).await,
            }
        }
        ReportKind::Closing { written } => match ReportOutput::from_args(written, None) {
            Some(asked) => closing_report(app, &asked, when.now),
            None => run_job(app, Job::ClosingReport, None).await,
        },
    }
}
