//! What quotakeeper does, job by job. Each job can be repeated at any time; each leaves whole files or none.

mod caught;
pub(crate) mod prune;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, DurationRound, Utc};
use serde::{Deserialize, Serialize};
use tracing::{debug, error, info, warn};

pub(crate) use self::caught::Panicked;
use crate::answers;
use crate::app::App;
use crate::change::approvals;
use crate::change::notices;
use crate::change::process;
use crate::change::run::Run;
use crate::clock::Clock;
use crate::comparison::compare;
use crate::exit_code::Findings;
use crate::files::reserve;
use crate::first_error::FirstError;
use crate::history::changes;

use crate::quota::Snapshot;
use crate::report;
use crate::schedule::{Expression, Missed};
use crate::snapshot;
use crate::state::{ApiSeen, State, Why};

/// The jobs, in the order in which `once` does them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    /// Dropped files become changed quotas, or wait for a person.
    Inbox,
    /// Quotas and usage become a file of the history; what changed since the last one is told.
    Snapshot,
    /// The morning mail: what is used, and what will run out.
    UsageReport,
    /// What changed in a period, and who changed it.
    ChangesReport,
    /// What was used in the billing cycles that closed since the last such report.
    ClosingReport,
    /// Warnings, and what is back to normal, since the last digest.
    Digest,
    /// Old snapshots are thinned, finished runs and old mail removed.
    Prune,
    /// Queued mail is delivered.
    Outbox,
}

impl Job {
    pub(crate) const ALL: [Self; 8] = [
        Self::Inbox,
        Self::Snapshot,
        Self::UsageReport,
        Self::ChangesReport,
        Self::ClosingReport,
        Self::Digest,
        Self::Prune,
        Self::Outbox,
    ];

    /// The name in logs, mails and `status`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Snapshot => "snapshot",
            Self::UsageReport => "usage report",
            Self::ChangesReport => "changes report",
            Self::ClosingReport => "closing report",
            Self::Digest => "digest",
            Self::Prune => "prune",
            Self::Outbox => "outbox",
        }
    }

    /// When it happens; none when it is switched off.
    pub(crate) fn schedule(self, app: &App) -> Option<Expression> {
        let schedule = &app.config.schedule;
        match self {
            Self::Inbox => Some(schedule.inbox.clone()),
            Self::Snapshot => Some(schedule.snapshot.clone()),
            Self::UsageReport => schedule.usage_report.clone(),
            Self::ChangesReport => schedule.changes_report.clone(),
            // It is read beside the usage report. Who switched that off still has a morning for such mail.
            Self::ClosingReport => schedule.usage_report.clone().or_else(|| schedule.digest.clone()),
            Self::Digest => schedule.digest.clone(),
            Self::Prune => "0 3 * * *".parse().ok(),
            Self::Outbox => "* * * * *".parse().ok(),
        }
    }

    /// The slot that is to be served now, if there is one. What was tried and failed is not let go, whatever `catch_up` says.
    pub(crate) fn due(self, app: &App, state: &State, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !state.is_usable() && !self.takes_what_waits() {
            return None;
        }
        let schedule = &app.config.schedule;
        let grace = (!schedule.catch_up && !state.is_failing(self)).then(|| Duration::minutes(5));
        let slot = self.schedule(app)?.due(schedule.timezone, state.last_success(self), now, grace)?;
        // Without a snapshot there is nothing to report on, and why there is none is told already.
        let too_early = self == Self::UsageReport && app.history.list().is_ok_and(|all| all.is_empty());
        (!too_early).then_some(slot)
    }

    /// The slots of which nothing is left behind when a success at `began` ends a gap.
    fn missed(self, app: &App, state: &State, began: DateTime<Utc>) -> Option<Missed> {
        match self {
            Self::Snapshot | Self::UsageReport | Self::ChangesReport | Self::Digest => {
                self.schedule(app)?.missed(app.config.schedule.timezone, state.last_success(self), began)
            }
            // These take up whatever waits: a later look does the same.
            Self::Inbox | Self::ClosingReport | Self::Prune | Self::Outbox => None,
        }
    }

    /// Whether it needs no memory of when it was done last, because it finds what is to be done where that waits.
    fn takes_what_waits(self) -> bool {
        matches!(self, Self::Inbox | Self::Outbox)
    }

    /// Does the job and remembers its success; a failure, or a panic, is told by mail.
    pub(crate) async fn run(self, app: &App, now: DateTime<Utc>) -> anyhow::Result<Findings> {
        let clock = Clock::starting_at(now);
        let refusals = refusals(app);
        // On the heap: where it is awaited it would be large many times over.
        let done = caught::caught(Box::pin(async {
            match self {
                Self::Inbox => inbox(app, &clock).await,
                Self::Snapshot => take_snapshot(app, &clock).await,
                Self::UsageReport => usage_report(app, now),
                Self::ChangesReport => changes_report(app, now),
                Self::ClosingReport => app.tell_closings(now).map(|()| Findings::default()),
                Self::Digest => app.tell_digest(now).map(|()| Findings::default()),
                Self::Prune => prune::prune(app, now).map(|()| Findings::default()),
                Self::Outbox => outbox(app, &clock, Backoff::Keep).await,
            }
        }));
        let done = done.await;
        let seen = api_seen(app, refusals, clock.now());
        self.ended(app, &clock, now, seen, done)
    }

    fn ended(
        self,
        app: &App,
        clock: &Clock,
        now: DateTime<Utc>,
        seen: Option<ApiSeen>,
        done: anyhow::Result<Findings>,
    ) -> anyhow::Result<Findings> {
        match done.and_then(|findings| self.succeeded(app, clock, now, seen).map(|()| findings)) {
            Ok(findings) => Ok(findings),
            Err(error) => {
                if !app.cancel.is_cancelled() {
                    tell_failure(app, self, &error, now, seen);
                }
                Err(error.context(format!("the {} job failed", self.name())))
            }
        }
    }

    /// Remembers that the job succeeded, having begun at `began`, and says which slots nobody served before.
    pub(crate) fn succeeded(
        self,
        app: &App,
        clock: &Clock,
        began: DateTime<Utc>,
        seen: Option<ApiSeen>,
    ) -> anyhow::Result<()> {
        let took = (clock.now() - began).num_milliseconds();
        let mut state = app.state(clock.now());
        note(&mut state, seen);
        if let Some(missed) = self.missed(app, &state, began) {
            let Missed { slots, first, last } = missed;
            warn!(job = self.name(), slots, %first, %last, "slots were missed before this one");
            state.missed(self, missed);
        }
        // Before the success is written down: what a crash cuts off here is done again, and is the same mail.
        if let Some(since) = state.failing(self) {
            let error = state.why(self).map(|why| why.error.as_str());
            if let Err(error) = app.mailer.works_again(self, since, error, clock.now()) {
                warn!(error = format!("{error:#}"), "that the job works again could not be queued as mail");
            }
        }
        state.succeeded(self, began, took.unsigned_abs())?;
        if let Err(error) = reserve::keep(&app.config.data.dir) {
            debug!(%error, "there is no room to set aside");
        }
        Ok(())
    }

    /// The one line of the log that a failure gets: who started the job writes it.
    pub(crate) fn log_failure(self, error: &anyhow::Error) {
        let todo = report::advice(error);
        error!(job = self.name(), error = format!("{error:#}"), todo, "failed");
    }
}

/// Whether a mail that was refused for now waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backoff {
    Keep,
    /// `outbox` on the command line tries all now.
    Ignore,
}

/// Takes up what a crash cut off and what people decided, then every file that was dropped: each is planned against what
/// is live, held where a guard says so, else applied, read back and answered.
async fn inbox(app: &App, clock: &Clock) -> anyhow::Result<Findings> {
    let inbox = app.inbox().open()?;
    // What a crash cut off, what people decided, what waited for its time.
    let mut failed = FirstError::default();
    if let Err(error) = inbox.recover(clock.now()) {
        failed.note(error);
    }
    let (mut runs, broken) = Run::all(&app.runs())?;
    for problem in broken {
        warn!(run = %problem.id, problem = problem.problem, "a run cannot be read");
    }
    // What a pass that was killed has not mailed.
    if runs.iter().any(|run| run.record.mail_due) {
        match notices::flush(app, clock.now()) {
            Ok(()) => runs.iter_mut().for_each(|run| run.record.mail_due = false),
            Err(error) => failed.note(error.context("a mail about a run could not be queued")),
        }
    }
    runs.retain(|run| !inbox.awaits_file(run));
    let mut findings = BTreeMap::new();
    advance_all(app, clock, runs, &mut findings, &mut failed).await;
    // What was dropped since.
    let taken = inbox.take(clock.now(), &app.cancel).await?;
    answers::not_taken(app, &taken.left, clock.now());
    failed.join(taken.failed);
    advance_all(app, clock, taken.runs, &mut findings, &mut failed).await;
    // What a file beside them approves, also of what was just dropped.
    let approved = approvals::take(app, &inbox, clock.now())?;
    advance_all(app, clock, approved, &mut findings, &mut failed).await;
    answers::deliver_owed(app, clock.now());
    failed.or(findings.into_values().fold(Findings::default(), Findings::and))
}

/// One run that cannot go on never blocks the next, and is taken up again. Where a run stands at last counts.
async fn advance_all(
    app: &App,
    clock: &Clock,
    runs: Vec<Run>,
    findings: &mut BTreeMap<String, Findings>,
    failed: &mut FirstError,
) {
    let mut is_mail_due = false;
    for mut run in runs.into_iter().filter(Run::is_open) {
        if app.cancel.is_cancelled() {
            break;
        }
        match process::advance(app, clock, &mut run).await {
            Ok(found) => {
                findings.insert(run.record.id, found);
            }
            Err(error) => failed.note(error.context(format!("run {} stands still", run.record.id))),
        }
        is_mail_due |= run.record.mail_due;
    }
    if is_mail_due && let Err(error) = notices::flush(app, clock.now()) {
        failed.note(error.context("a mail about a run could not be queued"));
    }
}

/// Reads quotas, names and usage of every organization, writes them as one file, and tells what changed since the last, and
/// what became critical.
async fn take_snapshot(app: &App, clock: &Clock) -> anyhow::Result<Findings> {
    let parts = app.config.snapshot;
    let earlier = app.history.until(clock.now())?;
    let fetched = snapshot::take(app.client()?, parts.names, parts.usage, clock.now()).await?;
    let later = app.history.write(fetched.snapshot().readable())?;
    info!(rows = later.rows().len(), at = %later.taken_at, "snapshot written");
    if let [.., before, last] = earlier[..] {
        // A crash may have come between a snapshot and what was to be told of it; told twice it is told once.
        let told = app.history.read(last).and_then(|last| {
            let before = app.history.read(before)?;
            tell_changes(app, &before, &last, clock.now())
        });
        if let Err(error) = told {
            warn!(error = format!("{error:#}"), "what the last snapshot showed cannot be told");
        }
    }
    if let Some(before) = earlier.iter().rev().find_map(|at| app.read_or_warn(*at)) {
        tell_changes(app, &before, &later, clock.now())?;
    }
    app.tell_critical(&fetched.largest_tests(&app.config.usage.rule()), clock.now())?;
    Ok(Findings::default())
}

/// Writes what changed between two snapshots below `changes/`, and mails what no run of ours explains.
fn tell_changes(app: &App, earlier: &Snapshot, later: &Snapshot, now: DateTime<Utc>) -> anyhow::Result<()> {
    let seen = compare(&app.history, &app.runs(), earlier, later)?;
    changes::write(&app.config.data.dir, &seen)?;
    app.mailer.drift(&seen, later, now)?;
    app.mailer.drift_to_owners(&seen, later, now)
}

/// Mails how every organization and account group stands, and what will run out when.
fn usage_report(app: &App, now: DateTime<Utc>) -> anyhow::Result<Findings> {
    let report = app.usage_report(now)?;
    app.mailer.usage(&report, now)?;
    Ok(Findings::default())
}

/// Mails what changed since the last such report, and who changed it; nothing where nothing did.
fn changes_report(app: &App, now: DateTime<Utc>) -> anyhow::Result<Findings> {
    let since = app.state(now).last_success(Job::ChangesReport);
    let since = since.unwrap_or(now - Duration::days(30));
    let report = app.changes_report(since, now)?;
    if report.is_empty() && !app.config.mail.changes_when_empty {
        info!("nothing changed since the last report: no mail");
    } else {
        app.mailer.changes(&report, now)?;
    }
    Ok(Findings::default())
}

/// Delivers queued mail; what a server refuses for now waits and is tried again.
pub(crate) async fn outbox(app: &App, clock: &Clock, backoff: Backoff) -> anyhow::Result<Findings> {
    // Here, because mail goes out whatever else is stopped.
    app.report_own_files(clock.now());
    let delivered = app.mailer.deliver(clock.now(), backoff == Backoff::Ignore, &app.cancel).await?;
    if delivered.sent + delivered.dead > 0 {
        info!(sent = delivered.sent, waiting = delivered.waiting, dead = delivered.dead, "outbox");
    }
    Ok(Findings::default())
}

/// How often the API refused a request of this process for its rate.
fn refusals(app: &App) -> u64 {
    app.asked_client().map_or(0, |client| client.budget().refusals)
}

/// What the API's last answers said, if there were any; `refusals` are those from before the job.
fn api_seen(app: &App, before: u64, now: DateTime<Utc>) -> Option<ApiSeen> {
    let client = app.asked_client()?;
    let (ago, server) = client.last_answer()?;
    let (budget, at) = (client.budget(), now - ago);
    Some(ApiSeen {
        at,
        limit: budget.limit,
        remaining: budget.remaining,
        day: at.with_timezone(&app.config.schedule.timezone).date_naive(),
        refusals: budget.refusals - before,
        clock_ahead: (at - server).num_seconds(),
    })
}

/// Takes over what the API said. That the clocks differ is said when it begins.
fn note(state: &mut State, seen: Option<ApiSeen>) {
    let Some(seen) = seen else { return };
    if seen.is_clock_wrong() && !state.api().is_some_and(|before| before.is_clock_wrong()) {
        let todo = "set this machine's clock: schedules and the times in the history go by it";
        warn!(seconds_ahead = seen.clock_ahead, todo, "this machine's clock is not the API's");
    }
    state.saw(seen);
}

/// A failure that cannot be mailed is still in the log and in the exit code.
fn tell_failure(app: &App, job: Job, error: &anyhow::Error, now: DateTime<Utc>, seen: Option<ApiSeen>) {
    if report::is_full_disk(error)
        && let Err(error) = reserve::give_up(&app.config.data.dir)
    {
        warn!(%error, "the room that was set aside cannot be given up");
    }
    let mut state = app.state(now);
    if error.is::<Panicked>() {
        state.panicked();
    }
    let last_success = state.last_success(job);
    let why = Why { error: format!("{error:#}"), todo: report::advice(error).map(str::to_owned) };
    note(&mut state, seen);
    // Where nothing can be remembered, the same outage must not be another at each try.
    let today = || now.duration_trunc(Duration::days(1)).unwrap_or(now);
    let since = state.failed(job, now, why).ok().flatten();
    let since = since.unwrap_or_else(|| last_success.unwrap_or_else(today));
    if let Err(mail) = app.mailer.failure(job, error, since, last_success, now) {
        warn!(error = format!("{mail:#}"), "the failure could not be queued as mail");
    }
}

#[cfg(test)]
mod tests;
