//! The mails about runs: a run that came to a state has one due, which is written down with the state. At the end of a pass
//! they leave: each file's own mail, or, where a pass came to the end of several files, one mail about all of them.
//!
//! A pass that is killed loses none and repeats none. What is due stands in `run.json`. Which runs one mail is about stands in
//! `notices.json` before that mail is queued, so that it is made again as the same mail.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::change::run::Run;
use crate::change::stored::parsed;
use crate::change::summary::summarize;
use crate::change::{Outcome, RunState, RunSummary};
use crate::config::Config;
use crate::files;
use crate::files::durable;
use crate::files::versioned_json::{self, Kind, Loaded};
use crate::mail::Mailer;
use crate::report::{ATTACHED, RunNotice};

pub(crate) const FILE: Kind = Kind {
    name: "notices.json",
    version: 1,
    without: "without it, one mail about several files may be sent twice",
    limit: files::RECORD,
};

/// A larger file is not attached: it lies in the run's folder, and what is to be corrected beside the dropped file. There are at
/// most two.
const LARGEST: u64 = ATTACHED as u64 / 2;

/// The runs that one mail is about.
#[derive(Default, Serialize, Deserialize)]
struct Batch {
    runs: BTreeSet<String>,
}

/// Whether a pass was killed while it sent a mail about several files.
pub(crate) fn is_under_way(config: &Config) -> bool {
    config.data.dir.join(FILE.name).exists()
}

/// Queues every mail about a run that is due.
pub(crate) fn flush(config: &Config, mailer: &Mailer, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (data_dir, runs) = (&config.data.dir, config.runs_dir());
    let path = data_dir.join(FILE.name);
    if let Loaded::Known(batch) = versioned_json::read_or_set_aside::<Batch>(data_dir, &FILE, now)? {
        // A pass was killed while it sent this one. A run that is gone needs no mail any more.
        let runs = batch.runs.iter().filter_map(|id| Run::open(&runs, id).ok()).collect();
        queue_together(config, mailer, runs, now)?;
        durable::remove(&path)?;
    }
    let runs = runs_to_mail(&runs)?;
    let files: BTreeSet<&str> = runs.iter().map(|run| run.record.root_id()).collect();
    if files.len() > 1 {
        let batch = Batch { runs: runs.iter().map(|run| run.record.id.clone()).collect() };
        versioned_json::save(data_dir, &FILE, &batch)?;
        queue_together(config, mailer, runs, now)?;
        durable::remove(&path)?;
        return Ok(());
    }
    for run in runs {
        mailer.send_run_notice(&notice(config, &run), now)?;
        settle(run)?;
    }
    Ok(())
}

fn queue_together(
    config: &Config,
    mailer: &Mailer,
    runs: Vec<Run>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    mailer.runs(runs.len(), |at| notice(config, &runs[at]), now)?;
    runs.into_iter().try_for_each(settle)
}

/// The same where a command came to its end: what cannot be mailed now leaves with the next pass.
pub(crate) fn flush_or_warn(config: &Config, mailer: &Mailer, now: DateTime<Utc>) {
    if let Err(error) = flush(config, mailer, now) {
        warn!(
            error = format!("{error:#}"),
            "the mail about a run could not be queued: the next pass does it"
        );
    }
}

fn runs_to_mail(runs: &Path) -> anyhow::Result<Vec<Run>> {
    let mut runs = Run::list_unfinished(runs)?.runs;
    runs.retain(|run| run.record.mail_due);
    Ok(runs)
}

fn settle(mut run: Run) -> anyhow::Result<()> {
    run.record.mail_due = false;
    run.save()
}

/// What cannot be read of a run keeps no mail back: it says so.
fn notice(config: &Config, run: &Run) -> RunNotice {
    let carried = parsed(run, &config.inbox).ok().and_then(Result::ok);
    let carried = carried.map(|file| file.extra_cells()).unwrap_or_default();
    let held = run.record.held_as.as_ref().and_then(|id| Run::open(&config.runs_dir(), id).ok());
    // Somebody may have decided already.
    let held = held.filter(|held| held.record.state == RunState::Held);
    let waiting = if run.record.state == RunState::Held { Some(run) } else { held.as_ref() };
    let summary_of_run =
        RunSummary { carried, ..summarize(run).unwrap_or_else(|error| without_rows(run, &error)) };
    let is_to_be_corrected = run.record.state == RunState::Done
        && summary_of_run.results.iter().any(|result| matches!(result.outcome, Outcome::Failed(_)));
    let plan = waiting.and_then(|run| attachment(run, "plan.csv"));
    let errors = Some(run).filter(|_| is_to_be_corrected).and_then(|run| attachment(run, "error.csv"));
    RunNotice {
        files: plan.into_iter().chain(errors).collect(),
        summary: summary_of_run,
        held: held.as_ref().map(|held| summarize(held).unwrap_or_else(|error| without_rows(held, &error))),
        is_for_owners: !run.record.planned_only,
        by: run.record.people_text(),
    }
}

/// A file of a run. What is too large is not even read.
fn attachment(run: &Run, name: &'static str) -> Option<(&'static str, Vec<u8>)> {
    let bytes = fs_err::metadata(run.path(name)).ok()?.len();
    (bytes <= LARGEST).then(|| run.read(name).ok()).flatten().map(|bytes| (name, bytes))
}

fn without_rows(run: &Run, error: &anyhow::Error) -> RunSummary {
    let mut summary = RunSummary::from_record(&run.record);
    summary.notes.push(format!("Its rows cannot be shown: {error:#}"));
    summary
}
