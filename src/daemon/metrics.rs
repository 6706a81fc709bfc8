//! The metrics as one sheet of plain data, and its text for Prometheus. Pure: whoever has a sheet can render it.
//!
//! What is read from files (`state.json`, runs, outbox, the latest snapshot) means the same whoever wrote those files.
//! Counters are of this process alone ([`Counters`]): Prometheus sees that they begin again with the daemon. A `once` lives
//! for one pass, and its counters would hold the same few numbers each time, which `rate()` takes for nothing at all: its
//! sheets have none of them, and say by `last_success` and `failing_since` what must outlive it.
//!
//! Unknown is absent and never 0. The label is `job_name`, because `job` is Prometheus' own.

mod exposition;
mod targets;
#[cfg(test)]
pub(crate) mod tests;
mod text;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::exposition::{Exposition, Kind};
pub(crate) use self::targets::targets;
pub(crate) use self::text::Text;
use crate::change::RunState;
use crate::jobs::activity::JobCounts;

/// What the text format calls itself.
pub(crate) const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How one job stands, by what was remembered of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct JobMetrics {
    pub name: String,
    pub last_success: Option<DateTime<Utc>>,
    /// Of the last success.
    pub took: Option<Duration>,
    pub failing_since: Option<DateTime<Utc>>,
    /// The slot that is to be served now, or else the next one; none if it is switched off.
    pub due: Option<DateTime<Utc>>,
}

/// How many messages lie in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutboxMetrics {
    pub new: usize,
    pub dead: usize,
    /// When the oldest of those that wait was queued.
    pub oldest: Option<DateTime<Utc>>,
}

/// What lies there and cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub runs: usize,
    pub mails: usize,
}

/// The rate budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiMetrics {
    pub limit: Option<u32>,
    pub remaining: Option<u32>,
    /// How long no request may go from now on.
    pub wait: Duration,
}

/// What was counted since this process began.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counters {
    /// By the names of the jobs.
    pub jobs: BTreeMap<String, JobCounts>,
    /// By operation and status.
    pub requests: BTreeMap<(&'static str, String), u64>,
    /// Requests that were refused for their rate (429).
    pub refusals: u64,
}

/// Everything that is published.
#[derive(Clone, Debug, Default)]
pub(crate) struct MetricsInput<'a> {
    pub version: &'a str,
    pub jobs: Vec<JobMetrics>,
    /// How often a job has panicked, counted in `state.json`.
    pub panics: u64,
    pub outbox: OutboxMetrics,
    pub runs: BTreeMap<RunState, usize>,
    /// Runs, and mails, whose record cannot be read.
    pub unreadable: Unreadable,
    /// Since when the run waits that was held first.
    pub held_since: Option<DateTime<Utc>>,
    /// None until this process asked the API.
    pub api: Option<ApiMetrics>,
    /// None for a process that lives for one pass.
    pub counters: Option<Counters>,
    /// When the latest snapshot was taken.
    pub snapshot: Option<DateTime<Utc>>,
}

/// The metrics of one moment, in the text format: the small part that changes, then the large part that is rendered once for
/// a snapshot and shared by all who are sent it.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub sheet: String,
    /// What [`targets()`] makes of the snapshot.
    pub targets: Vec<Text>,
}

impl Metrics {
    /// All of it in one piece, for those who take no parts.
    pub(crate) fn into_bytes(self) -> io::Result<Vec<u8>> {
        let mut all = self.sheet.into_bytes();
        for mut text in self.targets {
            while text.length() > 0 {
                all.extend(text.next_piece()?);
            }
        }
        Ok(all)
    }
}

/// The sheet in the text format. [`targets()`] follow it.
pub(crate) fn render(sheet: &MetricsInput<'_>) -> String {
    use Kind::Gauge;
    // Named one by one, so that a new field cannot be forgotten here.
    let MetricsInput {
        version,
        jobs,
        panics,
        outbox: _,
        runs: _,
        unreadable: _,
        held_since: _,
        api,
        counters,
        snapshot,
    } = sheet;
    let mut text = Exposition::with_capacity(16_384);
    let mut info = text.family(Gauge, "quotakeeper_build_info", "The version that runs.");
    info.sample(&[("version", version)], 1);

    job_times(&mut text, jobs);
    text.add_single(
        Kind::Counter,
        "quotakeeper_job_panics_total",
        "Job panics since state.json was created, over all processes.",
        Some(panics),
    );
    mails_and_runs(&mut text, sheet);
    rate_limit(&mut text, api.as_ref());
    if let Some(counters) = counters {
        since_start(&mut text, counters);
    }

    text.add_single(
        Gauge,
        "quotakeeper_snapshot_timestamp_seconds",
        "When the latest snapshot was taken, whose figures these are.",
        snapshot.map(epoch),
    );
    text.finish()
}

fn job_times(text: &mut Exposition, jobs: &[JobMetrics]) {
    use Kind::Gauge;
    let mut last =
        text.family(Gauge, "quotakeeper_job_last_success_timestamp_seconds", "When the job last succeeded.");
    for job in jobs {
        last.add_if_known(&[("job_name", &job.name)], job.last_success.map(epoch));
    }
    let mut took =
        text.family(Gauge, "quotakeeper_job_last_duration_seconds", "How long its last success took.");
    for job in jobs {
        took.add_if_known(&[("job_name", &job.name)], job.took.map(|took| took.as_secs_f64()));
    }
    let mut failing = text.family(
        Gauge,
        "quotakeeper_job_failing_since_timestamp_seconds",
        "Since when the job has been failing; absent while it works.",
    );
    for job in jobs {
        failing.add_if_known(&[("job_name", &job.name)], job.failing_since.map(epoch));
    }
    let mut due = text.family(
        Gauge,
        "quotakeeper_job_due_timestamp_seconds",
        "The slot of its schedule that the job has to serve now, or else its next one.",
    );
    for job in jobs {
        due.add_if_known(&[("job_name", &job.name)], job.due.map(epoch));
    }
}

fn mails_and_runs(text: &mut Exposition, sheet: &MetricsInput<'_>) {
    use Kind::Gauge;
    let MetricsInput { outbox, runs, unreadable, held_since, .. } = sheet;
    let mut messages = text.family(
        Gauge,
        "quotakeeper_outbox_messages",
        "Mails that wait to be delivered (new), or that a mail server refused for good (dead).",
    );
    messages.sample(&[("state", "new")], outbox.new);
    messages.sample(&[("state", "dead")], outbox.dead);
    text.add_single(
        Gauge,
        "quotakeeper_outbox_oldest_message_timestamp_seconds",
        "When the oldest mail was queued that still waits; absent while none does.",
        outbox.oldest.map(epoch),
    );
    let mut states = text.family(Gauge, "quotakeeper_runs", "Runs of change files that are kept, by state.");
    for state in RunState::ALL {
        states.sample(&[("state", state.as_str())], runs.get(state).copied().unwrap_or_default());
    }
    let mut records = text.family(
        Gauge,
        "quotakeeper_unreadable_records",
        "Runs (run) and mails (mail) whose record cannot be read: nothing is done with them until it can be.",
    );
    records.sample(&[("kind", "run")], unreadable.runs);
    records.sample(&[("kind", "mail")], unreadable.mails);
    text.add_single(
        Gauge,
        "quotakeeper_runs_held_since_timestamp_seconds",
        "When the longest-waiting held run was held; absent if none waits.",
        held_since.map(epoch),
    );
}

fn rate_limit(text: &mut Exposition, api: Option<&ApiMetrics>) {
    use Kind::Gauge;
    text.add_single(
        Gauge,
        "quotakeeper_api_rate_limit_requests",
        "Requests per minute that the API allows the organization, as last reported.",
        api.and_then(|api| api.limit),
    );
    text.add_single(
        Gauge,
        "quotakeeper_api_rate_limit_remaining_requests",
        "Requests left in that minute, as last reported, less those sent since.",
        api.and_then(|api| api.remaining),
    );
    text.add_single(
        Gauge,
        "quotakeeper_api_rate_limit_wait_seconds",
        "Seconds until the rate limit allows the next request.",
        api.map(|api| api.wait.as_secs_f64()),
    );
}

fn since_start(text: &mut Exposition, counters: &Counters) {
    let Counters { jobs, requests, refusals } = counters;
    let mut runs = text.family(
        Kind::Counter,
        "quotakeeper_job_runs_total",
        "How often the job ran since the daemon began, by how it ended.",
    );
    for (job, tally) in jobs {
        runs.sample(&[("job_name", job), ("outcome", "success")], tally.successes);
        runs.sample(&[("job_name", job), ("outcome", "failure")], tally.failures);
    }
    let mut busy = text.family(
        Kind::Counter,
        "quotakeeper_job_busy_seconds_total",
        "How long the job worked in all since the daemon began, waits for the rate limit included.",
    );
    for (job, tally) in jobs {
        busy.sample(&[("job_name", job)], tally.busy.as_secs_f64());
    }
    let mut sent = text.family(
        Kind::Counter,
        "quotakeeper_api_requests_total",
        "Requests to the ThousandEyes API since the daemon began, each try by itself.",
    );
    for ((operation, status), count) in requests {
        sent.sample(&[("operation", operation), ("status", status)], count);
    }
    text.add_single(
        Kind::Counter,
        "quotakeeper_api_rate_limited_total",
        "Requests that the API refused for their rate (429) since the daemon began.",
        Some(refusals),
    );
}

fn epoch(moment: DateTime<Utc>) -> i64 {
    moment.timestamp()
}
