//! The one way in which a job is done, whoever starts it: the daemon, `once`, or a command.
//!
//! How it ended is remembered in `state.json`, and a failure is mailed, until the next success clears it, whoever started
//! either. Where a job is switched off no schedule would ever clear it: then a failure is for the person who asked, and reads it.

mod agenda;
pub(super) mod catch_panic;
mod handed_over;
mod retry;
pub(super) mod worker;

use anyhow::Context;
use chrono::{DateTime, Duration, DurationRound, Utc};
use tracing::{debug, error, warn};

use self::catch_panic::Panicked;
use super::job::done::{Done, RecordAs, StateNotSaved, Trigger};
use super::records::own_files;
use super::snapshot::{self, SnapshotContext};
use super::state::api_word;
use super::state::slots::{note_missed, took};
use super::{changes_report, closing_report, digest, inbox, outbox, prune, usage_report};
use crate::clock::Clock;
use crate::exit_code::Findings;
use crate::files::lock;
use crate::files::reserve;
use crate::jobs::app::App;
use crate::jobs::job::Job;
use crate::jobs::state::{ApiSeen, FailureReason, JobState, State};
use crate::report::{self, FailingJob};

/// In milliseconds: so much makes no difference to whoever asks how long a job takes.
const LITTLE: u64 = 1000;

/// A job under way: when it began, and what the API's rate limit had refused by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningJob {
    pub job: Job,
    pub trigger: Trigger,
    pub clock: Clock,
    began: DateTime<Utc>,
    refusals: u64,
    /// Its slot was served before: only what that showed is to be reported.
    is_served: bool,
}

impl RunningJob {
    pub(super) fn begin(app: &App, job: Job, trigger: Trigger, now: DateTime<Utc>) -> Self {
        let is_served = trigger == Trigger::Schedule
            && job == Job::Snapshot
            && job.owes_report(&app.config.schedule, &app.history, &app.state(now), now);
        Self {
            job,
            trigger,
            clock: Clock::starting_at(now),
            began: now,
            refusals: api_word::refusals(&app.api),
            is_served,
        }
    }

    /// Remembers how the job ended; a failure, or a panic, is mailed.
    pub(super) fn end(&self, app: &App, done: anyhow::Result<Done>) -> anyhow::Result<Findings> {
        let failed = |error: anyhow::Error| error.context(format!("the {} job failed", self.job.name()));
        // Whose lock is lost writes nothing more.
        if let Err(lost) = app.lock.is_not_lost() {
            return Err(failed(lost.into()));
        }
        let zone = app.config.schedule.timezone;
        let seen = api_word::seen(&app.api, zone, self.refusals, self.clock.now());
        match done.and_then(|done| self.on_success(app, done, seen).map(|()| done.findings)) {
            Ok(findings) => Ok(findings),
            Err(error) => {
                let is_remembered =
                    self.trigger == Trigger::Schedule || self.job.schedule(&app.config.schedule).is_some();
                if is_remembered && !app.cancel.is_cancelled() && !lock::is_lost(&error) {
                    self.report_failure(app, &error, seen);
                }
                Err(failed(error))
            }
        }
    }

    fn on_success(&self, app: &App, done: Done, seen: Option<ApiSeen>) -> anyhow::Result<()> {
        if done.record_as == RecordAs::Unrecorded {
            return Ok(());
        }
        let state = app.state(self.clock.now());
        let is_known = done.is_idle
            && !state.is_failing(self.job)
            && self.job.due(&app.config.schedule, &app.history, &state, self.clock.now()).is_none();
        if is_known {
            return Ok(());
        }
        if !self.is_written_down(&state, seen) {
            self.write_down(app, done.record_as, state, seen)?;
        }
        if let Err(error) = reserve::keep(&app.config.data.dir) {
            debug!(%error, "disk space cannot be reserved");
        }
        Ok(())
    }

    /// A snapshot is, as soon as its file is there; and how long it took too, unless its reports took long.
    fn is_written_down(&self, state: &State, seen: Option<ApiSeen>) -> bool {
        let is_of_this = |known: JobState| {
            known.last_success == self.began
                && took(&self.clock, self.began) < known.took_ms.saturating_add(LITTLE)
        };
        state.job(self.job).is_some_and(is_of_this)
            && !state.is_failing(self.job)
            && seen.is_none_or(|seen| seen.refusals == 0)
    }

    fn write_down(
        &self,
        app: &App,
        as_what: RecordAs,
        mut state: State,
        seen: Option<ApiSeen>,
    ) -> anyhow::Result<()> {
        api_word::note(&mut state, seen);
        // Before the success is written down: what a crash cuts off here is done again, and is the same mail.
        if let Some(since) = state.failing(self.job) {
            let error = state.why(self.job).map(|why| why.error.as_str());
            if let Err(error) = app.mailer.works_again(self.job.name(), since, error, self.clock.now()) {
                warn!(error = format!("{error:#}"), "the mail that the job works again could not be queued");
            }
        }
        let written = if as_what == RecordAs::Recovered {
            state.recovered(self.job)
        } else {
            note_missed(&app.config.schedule, self.job, &mut state, self.began);
            state.succeeded(self.job, self.began, took(&self.clock, self.began))
        };
        written.context(StateNotSaved)
    }

    /// A failure that cannot be mailed is still in the log and in the exit code.
    fn report_failure(&self, app: &App, error: &anyhow::Error, seen: Option<ApiSeen>) {
        let (job, now) = (self.job, self.began);
        if report::is_full_disk(error)
            && let Err(error) = reserve::give_up(&app.config.data.dir)
        {
            warn!(%error, "the reserved disk space cannot be released");
        }
        let mut state = app.state(now);
        if error.is::<Panicked>() {
            state.panicked();
        }
        let why = FailureReason {
            error: format!("{error:#}"),
            hint: report::advice(error).map(str::to_owned),
            after_serving: self.is_served || state.last_success(job).is_some_and(|at| at >= now),
        };
        api_word::note(&mut state, seen);
        let done = error.is::<StateNotSaved>().then(|| state.clone());
        let remembered = state.failed(job, now, why).ok().flatten();
        if let (Some(done), None) = (done, remembered) {
            done.stays_unwritten();
        }
        // Where nothing can be remembered, the same outage must not be another at each try, or in the next process.
        let today = || now.duration_trunc(Duration::days(1)).unwrap_or(now);
        let written = State::read(&app.config.data.dir, now).ok();
        let last_success = written.as_ref().and_then(|state| state.last_success(job));
        let since = remembered.or_else(|| written.as_ref().and_then(|state| state.failing(job)));
        let since = since.unwrap_or_else(|| last_success.unwrap_or_else(today));
        let failing = FailingJob { name: job.name(), since, last_success, retried_within: retry::WAIT };
        if let Err(mail) = app.mailer.failure(failing, error, now) {
            warn!(error = format!("{mail:#}"), "the failure could not be queued as mail");
        }
    }
}

impl Job {
    /// Does the job as its schedule would.
    pub(crate) async fn run(self, app: &App, now: DateTime<Utc>) -> anyhow::Result<Findings> {
        serve(app, self, Trigger::Schedule, now).await
    }
}

/// Does a job from its beginning to its end.
pub(crate) async fn serve(
    app: &App,
    job: Job,
    trigger: Trigger,
    now: DateTime<Utc>,
) -> anyhow::Result<Findings> {
    let work = RunningJob::begin(app, job, trigger, now);
    let (reporting, mailer) = (app.reporting(), &app.mailer);
    let services = app.change_services(&work.clock);
    let taker = SnapshotContext { reporting, api: &app.api, lock: &app.lock };
    // On the heap: where it is awaited it would be large many times over.
    let done = catch_panic::catch(Box::pin(async {
        match job {
            Job::Inbox => inbox::run_pass(&services, mailer).await,
            Job::Snapshot if work.is_served => {
                snapshot::report_again(&taker, now).map(|()| Done::recovered())
            }
            Job::Snapshot => snapshot::take(&taker, &work.clock, now).await,
            Job::UsageReport => usage_report::queue(&reporting, now),
            Job::ChangesReport => changes_report::queue(&reporting, trigger, now),
            Job::ClosingReport => closing_report::queue(&reporting, now).map(|()| Done::default()),
            Job::Digest => digest::queue(&reporting, now).map(|()| Done::default()),
            Job::Prune => {
                prune::prune(&services, mailer, &reporting.state, now).await.map(|()| Done::default())
            }
            Job::Outbox => {
                // Here, because mail goes out whatever else is stopped.
                own_files::report(&reporting, &app.logged_own_files, work.clock.now());
                outbox::deliver(mailer, &app.cancel, &work.clock, trigger).await
            }
        }
    }));
    let done = done.await;
    work.end(app, done)
}

/// The one line of the log that a failure gets: who started the job writes it.
fn log_failure(job: Job, error: &anyhow::Error) {
    let hint = report::advice(error);
    error!(job = job.name(), error = format!("{error:#}"), hint, "failed");
}
