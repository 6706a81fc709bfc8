//! The one worker: does one unit of work at a time, for the daemon and for `once`.
//!
//! What waits is looked at before each unit, and `agenda` says what comes next: so a long row of files keeps neither mail nor
//! schedules waiting, and a decision of a person is acted on after the unit that is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::warn;

use super::agenda::{Kind, RoundRobin};
use super::handed_over::{HandedOver, Request, answer, answer_of};
use super::retry::Retries;
use super::{RunningJob, catch_panic, log_failure, serve};
use crate::change::run::Run;
use crate::change::{approvals, lifecycle};
use crate::clock::Clock;
use crate::exit_code::{Exit, Findings};
use crate::files::lock;
use crate::jobs::app::App;
use crate::jobs::apply::{AppliedRuns, ToApply, apply};
use crate::jobs::inbox::Pass;
use crate::jobs::job::Job;
use crate::jobs::job::done::{Done, StateNotSaved, Trigger};
use crate::jobs::records::notices;
use crate::jobs::requests::basis::Basis;
use crate::jobs::requests::{self, Answer, Ask};
use crate::jobs::state::State;

/// So often it is looked whether the lock is still this process's while a unit is under way.
const LOCK_LOOKS: Duration = Duration::from_secs(1);

/// So often a long pass looks for files that approve.
const APPROVAL_LOOKS: Duration = Duration::from_secs(10);

/// An inbox pass between two of its steps.
struct UnderWay {
    work: RunningJob,
    slot: DateTime<Utc>,
    pass: Pass,
}

/// What is under way and what waits.
#[derive(Default)]
pub(crate) struct Worker {
    /// `once`: each job at most once, and all mail at the end.
    began_pass: Option<DateTime<Utc>>,
    pass: Option<UnderWay>,
    /// Something was dropped, or somebody wants it to be looked.
    inbox_is_wanted: bool,
    handed_over: HandedOver,
    approvals_at: Option<Instant>,
    retries: Retries,
    served: BTreeSet<Job>,
    /// The scheduled jobs that were done since there was nothing to do.
    done_this_turn: BTreeSet<Job>,
    round_robin: RoundRobin,
    /// The slots that were served last.
    slots: BTreeMap<Job, DateTime<Utc>>,
    pub findings: Findings,
}

/// What comes next.
struct Agenda {
    waiting: BTreeSet<Kind>,
    inbox: Option<DateTime<Utc>>,
    mail: Option<DateTime<Utc>>,
    job: Option<(DateTime<Utc>, Job)>,
}

impl Worker {
    /// One that does what is due once, and then has nothing more to do.
    pub(crate) fn for_a_pass(now: DateTime<Utc>) -> Self {
        Self { began_pass: Some(now), inbox_is_wanted: true, ..Self::default() }
    }

    /// Somebody dropped something into the inbox.
    pub(crate) fn want_inbox(&mut self) {
        self.inbox_is_wanted = true;
        self.approvals_at = None;
    }

    /// Somebody decided on a run.
    pub(crate) fn decided(&mut self, run: String) {
        self.handed_over.decide(run);
    }

    /// Until when there is nothing to do but to wait for dropped files to settle.
    pub(crate) fn settles_at(&self) -> Option<Instant> {
        self.pass.as_ref().and_then(|under_way| under_way.pass.settles_at())
    }

    /// The earliest time at which a failed job is tried again.
    pub(crate) fn retries(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.retries.times()
    }

    /// Does one unit of work, if one waits; whether it did. An error is that this process lost its lock.
    pub(crate) async fn step(&mut self, app: &App) -> anyhow::Result<bool> {
        if !self.has_lock(app)? {
            return Ok(false);
        }
        if self.handed_over.check(&app.config.data.dir) {
            forget_failures(app);
        }
        self.take_approvals(app);
        let agenda = self.agenda(app, Clock::read().now());
        let Some(kind) = self.round_robin.next(&agenda.waiting) else {
            self.done_this_turn.clear();
            return Ok(false);
        };
        tokio::select! {
            done = Box::pin(self.unit(app, kind, &agenda)) => done.map(|()| true),
            lost = lost_lock(app) => Err(lost),
        }
    }

    /// Mail goes out at the end of a pass, also what it made.
    pub(crate) async fn deliver(&mut self, app: &App) -> anyhow::Result<()> {
        if !self.has_lock(app)? {
            return Ok(());
        }
        let now = Clock::read().now();
        tokio::select! {
            done = Box::pin(self.job(app, Job::Outbox, now)) => done,
            lost = lost_lock(app) => Err(lost),
        }
    }

    /// An error once the lock is lost; false where it cannot be looked at, and the next look may see it.
    fn has_lock(&mut self, app: &App) -> anyhow::Result<bool> {
        app.lock.is_not_lost()?;
        let seen = app.lock.check().map_err(anyhow::Error::from);
        if let Err(error) = &seen {
            warn!(error = format!("{error:#}"), "the lock cannot be checked: no work starts until it can");
            self.findings.failed = true;
        }
        Ok(seen.is_ok())
    }

    fn agenda(&mut self, app: &App, now: DateTime<Utc>) -> Agenda {
        let state = app.state(now);
        if !state.is_usable() && !std::mem::replace(&mut self.findings.failed, true) {
            warn!("state.json cannot be used now: scheduled jobs wait until it can be");
        }
        let due = |job: Job| self.due(app, &state, job, now);
        let inbox = due(Job::Inbox).filter(|_| self.began_pass.is_none());
        let mail = due(Job::Outbox).or_else(|| app.mailer.gave_way().then_some(now));
        let jobs = Job::ALL.iter().copied().filter(|job| !matches!(job, Job::Inbox | Job::Outbox));
        let jobs: Vec<_> = jobs.filter_map(|job| Some((due(job)?, job))).collect();
        // In their order, so that a report comes after its snapshot; one that is due again waits until all had their turn.
        let job = jobs.iter().find(|(_, job)| !self.done_this_turn.contains(job)).or(jobs.first()).copied();
        let files = match &self.pass {
            Some(under_way) => under_way.pass.settles_at().is_none(),
            None => inbox.is_some() || self.inbox_is_wanted,
        };
        let kinds = [
            (Kind::Decision, self.handed_over.has_decision()),
            (Kind::Request, self.handed_over.has_request()),
            (Kind::Files, files),
            (Kind::Mail, mail.is_some()),
            (Kind::Schedule, job.is_some()),
        ];
        let waiting = kinds.into_iter().filter_map(|(kind, waits)| waits.then_some(kind)).collect();
        Agenda { waiting, inbox, mail, job }
    }

    /// The slot of a job that is to be served now.
    fn due(&self, app: &App, state: &State, job: Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let slot = job.to_serve(&app.config.schedule, &app.history, state, now)?;
        // What cannot be written down is known here.
        if !state.is_usable() && self.slots.get(&job).is_some_and(|served| *served >= slot) {
            return None;
        }
        let is_done = match self.began_pass {
            // Mail that waited before is sent at the end; in a long pass also once a minute.
            Some(began) if job == Job::Outbox => slot <= began,
            Some(_) => self.served.contains(&job),
            None => false,
        };
        (!is_done && self.retries.may_try(job, slot, now)).then_some(slot)
    }

    async fn unit(&mut self, app: &App, kind: Kind, agenda: &Agenda) -> anyhow::Result<()> {
        match kind {
            Kind::Decision => self.act_on_decision(app).await,
            Kind::Request => self.request(app).await,
            Kind::Files => self.inbox(app, agenda.inbox).await,
            Kind::Mail => self.job(app, Job::Outbox, agenda.mail.unwrap_or_default()).await,
            Kind::Schedule => match agenda.job {
                Some((slot, job)) => self.job(app, job, slot).await,
                None => Ok(()),
            },
        }
    }

    /// A job that is one unit.
    async fn job(&mut self, app: &App, job: Job, slot: DateTime<Utc>) -> anyhow::Result<()> {
        let now = Clock::read().now();
        app.activity.begin(job);
        let done = serve(app, job, Trigger::Schedule, now).await;
        app.activity.end(job, done.is_ok(), app.cancel.is_cancelled());
        self.ended(job, slot, now, done)
    }

    /// The beginning of a pass, its next step, or its end.
    async fn inbox(&mut self, app: &App, slot: Option<DateTime<Utc>>) -> anyhow::Result<()> {
        app.activity.begin(Job::Inbox);
        if self.pass.is_none() {
            let now = Clock::read().now();
            let work = RunningJob::begin(app, Job::Inbox, Trigger::Schedule, now);
            let slot = slot.unwrap_or(now);
            self.inbox_is_wanted = false;
            self.handed_over.pass_begins();
            let services = app.change_services(&work.clock);
            match catch_panic::catch(async { Pass::begin(&services, &app.mailer) }).await {
                Ok(pass) => self.pass = Some(UnderWay { work, slot, pass }),
                Err(error) => return self.pass_ended(app, &work, slot, Err(error)),
            }
        }
        let Some(mut pass) = self.pass.take_if(|under_way| under_way.pass.settles_at().is_none()) else {
            app.activity.pause(Job::Inbox); // the files that lie there are looked at again in a while
            return Ok(());
        };
        let services = app.change_services(&pass.work.clock);
        match catch_panic::catch(Box::pin(pass.pass.step(&services, &app.mailer))).await {
            Ok(true) => {
                self.pass = Some(pass);
                app.activity.pause(Job::Inbox);
                Ok(())
            }
            Ok(false) => {
                let done = pass.pass.end(&services, &app.mailer);
                self.pass_ended(app, &pass.work, pass.slot, done)
            }
            Err(error) => self.pass_ended(app, &pass.work, pass.slot, Err(error)),
        }
    }

    fn pass_ended(
        &mut self,
        app: &App,
        work: &RunningJob,
        slot: DateTime<Utc>,
        done: anyhow::Result<Done>,
    ) -> anyhow::Result<()> {
        app.known_files.end_pass();
        app.shared_reading.end();
        let done = work.end(app, done);
        app.activity.end(Job::Inbox, done.is_ok(), app.cancel.is_cancelled());
        if !app.cancel.is_cancelled() && app.lock.is_not_lost().is_ok() {
            self.handed_over.answer_pass(&app.config.data.dir, &done);
        }
        self.ended(Job::Inbox, slot, Clock::read().now(), done)
    }

    /// What somebody decided on a run is acted on. What fails is taken up again by the next pass, as everything of a run.
    async fn act_on_decision(&mut self, app: &App) -> anyhow::Result<()> {
        let Some(id) = self.handed_over.next_decision() else { return Ok(()) };
        let now = Clock::read().now();
        let work = RunningJob::begin(app, Job::Inbox, Trigger::Schedule, now);
        app.activity.begin(Job::Inbox);
        let advanced = catch_panic::catch(Box::pin(async {
            let mut run = Run::open(&app.runs(), &id)?;
            let advanced = lifecycle::advance(&app.change_services(&work.clock), &mut run).await;
            // Many decisions in a row are one mail.
            if !self.handed_over.has_decision() {
                notices::flush_or_warn(&app.config, &app.mailer, work.clock.now());
            }
            let findings = advanced?;
            Ok(Done { findings, ..Done::unrecorded() })
        }))
        .await;
        let done = work.end(app, advanced.map_err(|error| error.context(format!("run {id} is blocked"))));
        app.activity.end(Job::Inbox, done.is_ok(), app.cancel.is_cancelled());
        self.ended(Job::Inbox, now, now, done)
    }

    /// One job's failure never stops the next; only a lost lock ends everything.
    fn ended(
        &mut self,
        job: Job,
        slot: DateTime<Utc>,
        at: DateTime<Utc>,
        done: anyhow::Result<Findings>,
    ) -> anyhow::Result<()> {
        self.served.insert(job);
        self.done_this_turn.insert(job);
        self.slots.insert(job, slot);
        match done {
            Ok(found) => {
                self.retries.succeeded(job);
                self.findings = self.findings.and(found);
            }
            Err(error) if lock::is_lost(&error) => return Err(error),
            Err(error) => {
                log_failure(job, &error);
                if error.is::<StateNotSaved>() {
                    self.retries.succeeded(job);
                } else {
                    self.retries.failed(job, slot, at);
                }
                self.findings.failed = true;
            }
        }
        Ok(())
    }

    /// Does what a command handed over, and answers it. One that is cut off by a stop has no answer: whoever holds the lock
    /// next does it.
    async fn request(&mut self, app: &App) -> anyhow::Result<()> {
        let data = &app.config.data.dir;
        let own = Basis::from_config(&app.config);
        let Some(Request { id, ask, by }) = self.handed_over.next_request(data, &own) else { return Ok(()) };
        forget_failures(app);
        let (done, runs) = match ask {
            Err(problem) => {
                answer(data, &id, &Answer::new(Exit::Busy as u8, Vec::new(), Some(problem)));
                return Ok(());
            }
            Ok(Ask::Job { job: Job::Inbox, .. }) => {
                self.handed_over.waits_for_next_pass(id);
                self.want_inbox();
                return Ok(());
            }
            Ok(Ask::Job { job, since }) => {
                app.activity.begin(job);
                let done = serve(app, job, Trigger::Person { since }, Clock::read().now()).await;
                // What fails here is for the person who asked.
                app.activity.end(job, done.is_ok(), true);
                (done, Vec::new())
            }
            Ok(Ask::Apply { file, approve }) => {
                app.activity.begin(Job::Inbox);
                let services = app.change_services(&Clock::read());
                let applied = catch_panic::catch(Box::pin(async {
                    let bytes = requests::read_input(data, &id, app.config.inbox.max_bytes)?;
                    let what = ToApply {
                        name: &file,
                        bytes: &bytes,
                        approve: approve.as_deref(),
                        by,
                        request: Some(&id),
                    };
                    apply(&services, &app.mailer, &what).await
                }));
                let applied = applied.await;
                app.activity.pause(Job::Inbox);
                match applied {
                    Ok(AppliedRuns { runs, findings }) => {
                        (Ok(findings), runs.into_iter().map(|run| run.record.id).collect())
                    }
                    Err(error) => (Err(error), Vec::new()),
                }
            }
        };
        app.lock.is_not_lost()?;
        if !app.cancel.is_cancelled() {
            answer(data, &id, &answer_of(&done, runs));
        }
        Ok(())
    }

    /// A file that approves what waits is acted on between two dropped files.
    fn take_approvals(&mut self, app: &App) {
        if self.pass.is_none() || self.approvals_at.is_some_and(|at| at.elapsed() < APPROVAL_LOOKS) {
            return; // a pass looks itself when it ends
        }
        self.approvals_at = Some(Instant::now());
        let services = app.change_services(&Clock::read());
        let approved = services.inbox.open().and_then(|inbox| approvals::take(&services, &inbox));
        match approved {
            Ok(runs) => runs.into_iter().for_each(|run| self.decided(run.record.id)),
            Err(error) => warn!(error = format!("{error:#}"), "approvals in the inbox cannot be read"),
        }
    }
}

/// A person asks: what the API failed to answer a moment ago is asked again.
fn forget_failures(app: &App) {
    if let Some(client) = app.api.if_used() {
        client.forget_failures();
    }
}

/// Comes when the lock is lost while a unit is under way.
async fn lost_lock(app: &App) -> anyhow::Error {
    loop {
        tokio::time::sleep(LOCK_LOOKS).await;
        if let Err(lost) = app.lock.is_not_lost() {
            return lost.into();
        }
    }
}
