//! What the files say, read after each job, so that a scrape reads none of them: only the holder of the lock changes them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::{SpooledTempFile, spooled_tempfile_in};
use tracing::warn;

use super::ready::{self, ReadinessSigns};
use crate::change::RunState;
use crate::change::run::{Listing, Run};
use crate::config::Schedule;
use crate::daemon::metrics::{
    self, ApiMetrics, Counters, JobMetrics, Metrics, MetricsInput, OutboxMetrics, Text,
};
use crate::history::{History, Unreadable, left_out};
use crate::jobs::Job;
use crate::jobs::activity::Work;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::state::State;
use crate::mail::Mailer;
use crate::thousandeyes::Client;

/// A family of metrics that is larger lies in a file.
const IN_MEMORY: usize = 256 << 10;

/// The latest snapshot.
struct RenderedSnapshot {
    at: DateTime<Utc>,
    /// Its part of the metrics.
    targets: Vec<Text>,
}

/// What this process knows by itself.
pub(super) struct Process<'a> {
    pub schedule: &'a Schedule,
    pub history: &'a History,
    /// The API's client, if it was asked yet.
    pub client: Option<&'a Client>,
    pub work: Work,
}

/// What the files said at one moment.
pub(crate) struct Observed {
    state: State,
    runs: Listing,
    outbox: OutboxMetrics,
    unreadable: metrics::Unreadable,
    snapshot: Option<Arc<RenderedSnapshot>>,
}

impl Observed {
    /// Reads them. A snapshot that `before` has rendered is not read again.
    pub(crate) fn read(
        inputs: &ReportInputs<'_>,
        mailer: &Mailer,
        before: Option<&Self>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let (data, history) = (&inputs.config.data.dir, inputs.history);
        let runs = Run::list_again(&inputs.config.runs_dir(), before.map(|before| &before.runs), now)?;
        let unsent = mailer.unsent()?;
        let rendered = before.and_then(|before| before.snapshot.as_ref());
        let snapshots = history.until(now)?;
        let snapshot = match rendered.filter(|rendered| Some(&rendered.at) == snapshots.last()) {
            Some(rendered) => Some(Arc::clone(rendered)),
            None => rendered_snapshot(inputs, &snapshots, now)?.map(Arc::new),
        };
        Ok(Self {
            state: State::read(data, now).unwrap_or_else(|_| State::unusable(data, now)),
            outbox: OutboxMetrics {
                new: unsent.waiting,
                dead: unsent.dead,
                oldest: mailer.oldest_waiting()?,
            },
            unreadable: metrics::Unreadable { runs: runs.broken.len(), mails: unsent.unreadable.len() },
            runs,
            snapshot,
        })
    }

    fn held(&self) -> impl Iterator<Item = &Run> {
        self.runs.runs.iter().filter(|run| run.record.state == RunState::Held)
    }

    /// How many runs wait for a person.
    pub(super) fn held_runs(&self) -> usize {
        self.held().count()
    }

    /// The metrics as they are now. `is_pass`: this process lives for one pass, and its counters mean nothing.
    pub(super) fn metrics(&self, process: &Process<'_>, is_pass: bool, now: DateTime<Utc>) -> Metrics {
        // First: whoever sees a refusal counted sees the wait that it caused too.
        let counters = (!is_pass).then(|| counters(process));
        let api = process.client.map(|client| {
            let budget = client.budget();
            ApiMetrics { limit: budget.limit, remaining: budget.remaining, wait: client.allowance().wait }
        });
        let sheet = metrics::render(&MetricsInput {
            version: env!("CARGO_PKG_VERSION"),
            jobs: Job::ALL.iter().map(|job| self.job(process, *job, now)).collect(),
            panics: self.state.panics(),
            outbox: self.outbox,
            runs: self.runs.counts(),
            unreadable: self.unreadable,
            held_since: self.held().map(|run| run.record.updated).min(),
            api,
            counters,
            snapshot: self.snapshot.as_ref().map(|seen| seen.at),
        });
        let targets = self.snapshot.as_ref().map(|seen| seen.targets.clone());
        Metrics { sheet, targets: targets.unwrap_or_default() }
    }

    fn job(&self, process: &Process<'_>, job: Job, now: DateTime<Utc>) -> JobMetrics {
        let done = self.state.job(job);
        let Process { schedule, history, work, .. } = process;
        let next = || job.schedule(schedule)?.next(schedule.timezone, now);
        JobMetrics {
            name: job.as_str().to_owned(),
            last_success: done.map(|done| done.last_success),
            took: done.map(|done| std::time::Duration::from_millis(done.took_ms)),
            failing_since: self.failing_since(job, work, now),
            due: job.due(schedule, history, &self.state, now).or_else(next),
        }
    }

    /// On a full disk a failure cannot be written down: this process still knows.
    fn failing_since(&self, job: Job, work: &Work, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let known_here = || work.failing.get(&job).map(|since| now - since.elapsed());
        self.state.failing(job).or_else(known_here)
    }

    /// The first slot of a job that nobody served, if that is too long ago. Snapshots have a sentence of their own.
    fn late_since(&self, process: &Process<'_>, job: Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let done = self.state.job(job).filter(|_| job != Job::Snapshot)?;
        let Process { schedule, history, .. } = process;
        job.due(schedule, history, &self.state, now)?;
        let slot = job.schedule(schedule)?.next(schedule.timezone, done.last_success)?;
        (now - slot > allowed_delay(Some(done.took_ms))).then_some(slot)
    }

    /// What has been under way for much longer than it took the last time.
    fn hanging_job(&self, work: &Work) -> Option<(Job, TimeDelta)> {
        let running = work.running.iter().map(|(job, began)| (*job, began.elapsed()));
        let (job, took) = running.max_by_key(|(_, took)| *took)?;
        let took = TimeDelta::from_std(took).unwrap_or(TimeDelta::MAX);
        (took > allowed_delay(self.state.job(job).map(|done| done.took_ms))).then_some((job, took))
    }

    /// What keeps the daemon from being ready, each a sentence.
    pub(super) fn not_ready(
        &self,
        process: &Process<'_>,
        is_read_only: bool,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let Process { schedule, history, work, .. } = process;
        let took = self.state.job(Job::Snapshot).map_or(0, |done| done.took_ms);
        let signs = ReadinessSigns {
            snapshot: self.snapshot.as_ref().map(|seen| seen.at),
            due: Job::Snapshot.due(schedule, history, &self.state, now),
            took: TimeDelta::milliseconds(i64::try_from(took).unwrap_or_default()),
            failing_since: self.failing_since(Job::Snapshot, work, now),
            late: Job::ALL
                .iter()
                .filter_map(|job| Some((*job, self.late_since(process, *job, now)?)))
                .collect(),
            hangs: self.hanging_job(work),
            outbox: self.outbox,
            is_read_only,
            unreadable_mails: self.unreadable.mails,
        };
        ready::reasons(&signs, schedule.timezone, now)
    }
}

/// The newest that can be read.
fn rendered_snapshot(
    inputs: &ReportInputs<'_>,
    snapshots: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> anyhow::Result<Option<RenderedSnapshot>> {
    for at in snapshots.iter().rev().copied() {
        match targets(inputs, at, now) {
            Err(error) if error.is::<Unreadable>() => left_out(&error),
            targets => return Ok(Some(RenderedSnapshot { at, targets: targets? })),
        }
    }
    Ok(None)
}

/// The part of the metrics that is of a snapshot.
fn targets(inputs: &ReportInputs<'_>, at: DateTime<Utc>, now: DateTime<Utc>) -> anyhow::Result<Vec<Text>> {
    let spooled = || spooled_tempfile_in(IN_MEMORY, &inputs.config.data.dir);
    match inputs.each_quota_status(at, now, |statuses| metrics::targets(statuses, spooled)) {
        // The metrics are how somebody learns that the disk is full.
        Err(error) if !error.is::<Unreadable>() => {
            warn!(%error, "the metrics of all targets stay in memory: they cannot be written");
            let in_memory = || SpooledTempFile::new(usize::MAX);
            inputs.each_quota_status(at, now, |statuses| metrics::targets(statuses, in_memory))
        }
        targets => targets,
    }
}

/// Twice what a job took the last time, and some more.
fn allowed_delay(took_ms: Option<u64>) -> TimeDelta {
    let took = took_ms.and_then(|took| i64::try_from(took).ok()).unwrap_or_default();
    ready::LATE + TimeDelta::milliseconds(took.min(24 * 3_600_000) * 2)
}

fn counters(process: &Process<'_>) -> Counters {
    let client = process.client;
    Counters {
        jobs: Job::ALL
            .iter()
            .map(|job| (job.as_str().to_owned(), process.work.tallies.get(job).copied().unwrap_or_default()))
            .collect(),
        requests: client.map(|client| client.request_counts().into_counts()).unwrap_or_default(),
        refusals: client.map_or(0, |client| client.budget().refusals),
    }
}

#[cfg(test)]
mod tests;
