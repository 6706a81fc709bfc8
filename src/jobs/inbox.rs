//! The inbox job: a pass over what waits there, one run or one file at a time.
//!
//! First what files approve, what a crash cut off and what came due, then every file that was dropped: each is planned against what is
//! live, held where a guard says so, else applied, read back and answered. Last, what files beside them approve. Between two steps the
//! worker does other things, and the configuration may become another one, so a step takes nothing for granted: it opens its run when
//! it comes to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::job::done::Done;
use super::records::notices;
use super::requests;
use crate::change::answers;
use crate::change::inbox::{Claim, FirstScan, NotTaken, OpenInbox, SettledFiles, is_read};
use crate::change::run::{Listing, Run};
use crate::change::{RunState, Services, approvals, lifecycle};
use crate::exit_code::Findings;
use crate::first_error::FirstError;
use crate::mail::Mailer;

/// A pass that takes longer mails in between what it did.
const MAILED: Duration = Duration::from_secs(600);

/// A pass under way.
pub(super) struct Pass {
    /// None where it cannot be opened: then no file is taken, and what was taken before goes on.
    inbox: Option<OpenInbox>,
    /// What cannot be taken.
    not_taken: Vec<NotTaken>,
    /// The runs whose answers could not be written, by earlier passes or by this one.
    owed: BTreeSet<String>,
    /// When what was done was mailed last.
    mailed: Instant,
    /// Runs to advance, by their ids.
    runs: VecDeque<String>,
    files: Files,
    findings: BTreeMap<String, Findings>,
    failed: FirstError,
    is_idle: bool,
    /// A run went on, or could not: somebody may have to be told.
    has_news: bool,
}

/// The dropped files of a pass.
enum Files {
    /// They are looked at again then: who still writes one has changed it by that time.
    Settling(FirstScan, Instant),
    Settled(SettledFiles),
    /// All are taken, and so are the approvals.
    Done,
}

impl Pass {
    /// Takes up what a crash cut off, and looks what there is to do.
    pub(super) fn begin(services: &Services<'_>, mailer: &Mailer) -> anyhow::Result<Self> {
        // Files that were dropped for another API are not even taken.
        services.api.is_allowed()?;
        let mut failed = FirstError::default();
        let inbox = services.inbox.open().map_err(|error| failed.note(error)).ok();
        let listing = recovered(services, inbox.as_ref(), &mut failed)?;
        if let Err(error) = requests::sweep(&services.config.data.dir) {
            failed.note(error);
        }
        if let Some(Err(error)) = inbox.as_ref().map(|inbox| approvals::take_first(services, inbox)) {
            failed.note(error);
        }
        if let Err(error) = listing.remember(services.runs(), services.now()) {
            warn!(
                error = format!("{error:#}"),
                "each pass looks at all runs: it cannot be written down which are finished"
            );
        }
        let Listing { mut runs, broken, .. } = listing;
        for broken in broken {
            warn!(run = %broken.id, problem = broken.problem, "a run cannot be read");
        }
        // What a pass that was killed has not mailed.
        if runs.iter().any(|run| run.record.mail_due) || notices::is_under_way(services.config) {
            match notices::flush(services.config, mailer, services.now()) {
                Ok(()) => runs.iter_mut().for_each(|run| run.record.mail_due = false),
                Err(error) => failed.note(error.context("a mail about a run could not be queued")),
            }
        }
        services.known_files.begin_pass();
        services.shared_reading.begin();
        let owed = runs.iter().filter(|run| run.owes_answers()).map(|run| run.record.id.clone()).collect();
        let awaits_file = |run: &Run| inbox.as_ref().map_or(!is_read(run), |inbox| inbox.awaits_file(run));
        runs.retain(|run| run.is_open() && !awaits_file(run));
        sort_by_time(&mut runs);
        let (first, not_taken) = inbox.as_ref().map(OpenInbox::first_scan).transpose()?.unwrap_or_default();
        Ok(Self {
            is_idle: runs.is_empty() && first.is_empty(),
            files: match inbox {
                Some(_) => Files::Settling(first, Instant::now() + services.inbox.settle),
                None => Files::Done,
            },
            runs: runs.into_iter().map(|run| run.record.id).collect(),
            inbox,
            not_taken,
            owed,
            mailed: Instant::now(),
            findings: BTreeMap::new(),
            failed,
            has_news: false,
        })
    }

    /// Until when there is nothing to do but to wait for the files to settle; none when there is.
    pub(super) fn settles_at(&self) -> Option<Instant> {
        match &self.files {
            Files::Settling(first, until)
                if self.runs.is_empty() && !first.is_empty() && *until > Instant::now() =>
            {
                Some(*until)
            }
            Files::Settling(..) | Files::Settled(_) | Files::Done => None,
        }
    }

    /// Does one thing: advances a run, or takes a file; false when there is nothing more.
    pub(super) async fn step(&mut self, services: &Services<'_>, mailer: &Mailer) -> anyhow::Result<bool> {
        if let Some(id) = self.runs.pop_front() {
            match Run::open(services.runs(), &id) {
                Ok(run) => self.advance(services, mailer, run).await,
                Err(error) => self.failed.note(error),
            }
            return Ok(true);
        }
        let Some(inbox) = &self.inbox else { return Ok(false) };
        if !matches!(self.files, Files::Done) {
            // The configuration may be another one by now.
            services.api.is_allowed()?;
            if !inbox.is_of(&services.inbox) {
                return self.look_again(services).map(|()| true);
            }
        }
        // What takes no time of its own is no step.
        loop {
            match &mut self.files {
                Files::Settling(first, _) => {
                    let (settled, not_taken) = if first.is_empty() {
                        (SettledFiles::default(), Vec::new())
                    } else {
                        inbox.settled_files(first, services.clock.steady().into_std())?
                    };
                    self.not_taken.extend(not_taken);
                    self.files = Files::Settled(settled);
                }
                Files::Settled(settled) => match inbox.claim_next(settled, services.now()) {
                    Some(Ok(Claim::Run(run))) => {
                        self.advance(services, mailer, *run).await;
                        return Ok(true);
                    }
                    Some(Ok(Claim::Nothing)) => {}
                    Some(Ok(Claim::NotTaken(not))) => self.not_taken.push(not),
                    Some(Ok(Claim::Failed(not, error))) => {
                        self.failed.note(error);
                        self.not_taken.push(not);
                    }
                    Some(Err(error)) => self.failed.note(error),
                    None => {
                        self.files = Files::Done;
                        answers::not_taken(services, &std::mem::take(&mut self.not_taken));
                        let mut approved = approvals::take(services, inbox)?;
                        sort_by_time(&mut approved);
                        self.runs.extend(approved.into_iter().map(|run| run.record.id));
                        if !self.runs.is_empty() {
                            return Ok(true);
                        }
                    }
                },
                Files::Done => return Ok(false),
            }
        }
    }

    /// Looks at the inbox as it is configured now; what was not taken yet has to settle again.
    fn look_again(&mut self, services: &Services<'_>) -> anyhow::Result<()> {
        let inbox = self.inbox.insert(services.inbox.open()?);
        let (first, not_taken) = inbox.first_scan()?;
        self.not_taken = not_taken;
        self.files = Files::Settling(first, Instant::now() + services.inbox.settle);
        Ok(())
    }

    /// One run that cannot go on never blocks the next, and is taken up again. Where a run stands at last counts.
    async fn advance(&mut self, services: &Services<'_>, mailer: &Mailer, mut run: Run) {
        self.is_idle = false;
        let before = run.record.clone();
        let advanced = lifecycle::advance(services, &mut run).await;
        self.has_news |= advanced.is_err() || run.record != before;
        self.owed.extend(run.owes_answers().then(|| run.record.id.clone()));
        let id = run.record.id;
        match advanced {
            Ok(found) => drop(self.findings.insert(id, found)),
            Err(error) => self.failed.note(error.context(format!("run {id} is blocked"))),
        }
        // There is one mail for a pass, unless that takes very long.
        if self.mailed.elapsed() > MAILED {
            self.mail_outcomes(services, mailer);
        }
    }

    /// What came of all of it, after one mail about it.
    pub(super) fn end(mut self, services: &Services<'_>, mailer: &Mailer) -> anyhow::Result<Done> {
        if self.has_news {
            self.mail_outcomes(services, mailer);
        }
        answers::deliver_owed(services, &self.owed);
        let findings = self.findings.into_values().fold(Findings::default(), Findings::and);
        self.failed.or(Done { findings, is_idle: self.is_idle, ..Done::default() })
    }

    fn mail_outcomes(&mut self, services: &Services<'_>, mailer: &Mailer) {
        self.mailed = Instant::now();
        if let Err(error) = notices::flush(services.config, mailer, services.now()) {
            self.failed.note(error.context("a mail about a run could not be queued"));
        }
    }
}

/// The runs that may have something to do, after what a crash cut off was taken up.
fn recovered(
    services: &Services<'_>,
    inbox: Option<&OpenInbox>,
    failed: &mut FirstError,
) -> anyhow::Result<Listing> {
    let listing = Run::list_unfinished(services.runs())?;
    let Some(inbox) = inbox else { return Ok(listing) };
    match inbox.is_to_recover(&listing.runs) {
        Ok(false) => return Ok(listing),
        Ok(true) => inbox.recover(services.now()).unwrap_or_else(|error| failed.note(error)),
        Err(error) => failed.note(error),
    }
    Run::list_unfinished(services.runs())
}

/// Whatever was dropped first: the later day has the last word, also where a pass finds both past. What was begun is ended first.
fn sort_by_time(runs: &mut [Run]) {
    runs.sort_by_key(|run| run.record.due.filter(|_| run.record.state != RunState::Applying));
}

/// A whole pass in one go, as the command does it.
pub(super) async fn run_pass(services: &Services<'_>, mailer: &Mailer) -> anyhow::Result<Done> {
    let done = async {
        let mut pass = Pass::begin(services, mailer)?;
        while !services.cancel.is_cancelled() {
            if let Some(at) = pass.settles_at() {
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = services.cancel.cancelled() => break,
                }
            }
            services.lock.check()?;
            if !pass.step(services, mailer).await? {
                break;
            }
        }
        pass.end(services, mailer)
    };
    let done = done.await;
    services.known_files.end_pass();
    services.shared_reading.end();
    done
}

#[cfg(test)]
mod tests;
