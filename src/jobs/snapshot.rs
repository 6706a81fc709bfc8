//! The snapshot job: quotas, names and usage of every organization become one file, and what changed is reported.
//!
//! The slot is served once the file is written. Reporting is retried by itself: an error there takes no second snapshot.

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::job::done::Done;
use super::records::alerts::Latest;
use super::records::{Reporting, alerts, own_api};
use super::state::{api_word, slots};
use crate::clock::Clock;
use crate::collect;
use crate::domain::quota::Snapshot;
use crate::domain::top_consumers::TopConsumers;
use crate::files::lock::HeldLock;
use crate::first_error::FirstError;
use crate::history::{Unreadable, changes, left_out};
use crate::jobs::job::Job;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::report_inputs::comparison::compare;
use crate::thousandeyes::LazyClient;

/// What it works with.
#[derive(Clone, Copy)]
pub(super) struct SnapshotContext<'a> {
    pub reporting: Reporting<'a>,
    pub api: &'a LazyClient,
    pub lock: &'a HeldLock,
}

/// Reads quotas, names and usage of every organization, writes them as one file, and reports what changed since the last, and
/// what became critical.
pub(super) async fn take(
    job: &SnapshotContext<'_>,
    clock: &Clock,
    began: DateTime<Utc>,
) -> anyhow::Result<Done> {
    let ReportInputs { config, history, .. } = job.reporting.inputs;
    let (parts, rule) = (config.snapshot, config.usage.rule());
    let earlier = history.until(clock.now())?;
    let fetched =
        collect::read_snapshot(job.api.get()?, parts.names, parts.usage, &rule, clock.now()).await?;
    job.lock.check()?;
    let mut state = job.reporting.state.read_or_begin(clock.now());
    // The slots that were missed are counted by it. Whoever ends the job notes what else the answers said.
    let refusals = api_word::refusals(job.api);
    api_word::note(&mut state, api_word::seen(job.api, config.schedule.timezone, refusals, clock.now()));
    let (mut seen, largest) = (fetched.snapshot.readable(), fetched.top_consumers);
    let (at, rows) = history.write(&seen)?;
    seen.taken_at = at; // as its file says
    info!(rows, %at, "snapshot written");
    let mut failed = FirstError::default();
    if let Err(error) = own_api::remember(config, clock.now()) {
        failed.note(error);
    }
    if let Err(error) = slots::served(&config.schedule, state, Job::Snapshot, clock, began) {
        failed.note(error);
    }
    if let [before @ .., last] = &earlier[..]
        && !alerts::has_judged(&config.data.dir, *last)
    {
        // A crash may have come between a snapshot and its reports. Reported again, it is the same mail.
        let reported = history.read(*last).and_then(|last| report_changes(job, before, &last, clock.now()));
        if let Err(error) = reported {
            warn!(error = format!("{error:#}"), "what the last snapshot showed could not be reported");
        }
    }
    if let Err(error) = report(job, &earlier, &seen, &largest, clock.now()) {
        failed.note(error);
    }
    failed.or(Done::default())
}

/// Reports what the last snapshot showed, where that failed after it was written.
pub(super) fn report_again(job: &SnapshotContext<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let history = job.reporting.inputs.history;
    let all = history.until(now)?;
    if let [earlier @ .., latest] = &all[..] {
        report(job, earlier, &history.read(*latest)?, TopConsumers::empty(), now)?;
    }
    Ok(())
}

fn report(
    job: &SnapshotContext<'_>,
    earlier: &[DateTime<Utc>],
    latest: &Snapshot,
    largest: &TopConsumers,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    report_changes(job, earlier, latest, now)?;
    alerts::report_critical(&job.reporting, Latest { snapshot: Some(latest), largest }, now)
}

/// Writes below `changes/` what changed since the last earlier snapshot that can be read, and mails what no run of ours explains.
fn report_changes(
    job: &SnapshotContext<'_>,
    earlier: &[DateTime<Utc>],
    later: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let ReportInputs { config, history, .. } = job.reporting.inputs;
    // Where the later one cannot be read, no other earlier one helps.
    let file = history.path(later.taken_at);
    let is_for_an_earlier_one =
        |error: &anyhow::Error| error.downcast_ref::<Unreadable>().is_some_and(|found| !found.is_of(&file));
    for before in earlier.iter().rev() {
        let seen = match compare(history, &config.runs_dir(), *before, later.taken_at) {
            Err(error) if is_for_an_earlier_one(&error) => {
                left_out(&error);
                continue;
            }
            compared => compared?,
        };
        changes::write(&config.data.dir, &seen)?;
        job.reporting.mailer.send_drift(&seen, later, now)?;
        return job.reporting.mailer.drift_to_owners(&seen, later, now);
    }
    Ok(())
}
