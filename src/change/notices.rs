//! The mails about runs: a run that came to a state has one due, which is written down with the state. At the end of a pass
//! they leave: each file's own mail, or, where a pass came to the end of several files, one mail about all of them.
//!
//! A pass that is killed loses none and repeats none. What is due stands in `run.json`. Which runs one mail is about stands in
//! `notices.json` before that mail is queued, so that it is made again as the same mail.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::process::parsed;
use super::run::Run;
use super::summary::story;
use super::{Plan, RunState, RunStory};
use crate::app::App;
use crate::files::durable;
use crate::files::versioned_json::{self, Kind, Remembered};
use crate::report::words::clean;
use crate::report::{ChangesReport, ReportContext, run_report};

pub(crate) const FILE: Kind = Kind {
    name: "notices.json",
    version: 1,
    without: "without it, one mail about several files may come twice",
};

/// The runs that one mail is about.
#[derive(Default, Serialize, Deserialize)]
struct Batch {
    runs: BTreeSet<String>,
}

/// What there is to say of one run.
pub(crate) struct Notice {
    pub story: RunStory,
    /// The run that its held rows were split off into, as long as nobody has decided on it.
    pub held: Option<RunStory>,
    /// The plan of what waits for a decision.
    pub plan: Option<Vec<u8>>,
    /// What is only planned changes nothing of the owners'.
    pub is_for_owners: bool,
    /// Who owned the dropped file, as far as that is recorded.
    pub dropped_by: String,
}

impl Notice {
    /// As administrators read it.
    pub(crate) fn report(&self, edition: &ReportContext) -> ChangesReport {
        let report = run_report(&self.story, self.held.as_ref(), edition);
        ChangesReport { dropped_by: clean(&self.dropped_by, 60), ..report }
    }
}

/// Queues every mail about a run that is due.
pub(crate) fn flush(app: &App, now: DateTime<Utc>) -> anyhow::Result<()> {
    let data_dir = &app.config.data.dir;
    let path = data_dir.join(FILE.name);
    if let Remembered::Known(batch) = versioned_json::take::<Batch>(data_dir, &FILE, now)? {
        // A pass was killed while it sent this one. A run that is gone needs no mail any more.
        let runs = batch.runs.iter().filter_map(|id| Run::open(&app.runs(), id).ok()).collect();
        queue_together(app, runs, now)?;
        durable::remove(&path)?;
    }
    let runs = due(app)?;
    let files: BTreeSet<&str> = runs.iter().map(|run| run.record.root()).collect();
    if files.len() > 1 {
        let batch = Batch { runs: runs.iter().map(|run| run.record.id.clone()).collect() };
        versioned_json::save(data_dir, &FILE, &batch)?;
        queue_together(app, runs, now)?;
        durable::remove(&path)?;
        return Ok(());
    }
    for run in runs {
        app.mailer.run(&notice(app, &run), now)?;
        settle(run)?;
    }
    Ok(())
}

fn queue_together(app: &App, runs: Vec<Run>, now: DateTime<Utc>) -> anyhow::Result<()> {
    app.mailer.runs(runs.len(), |at| notice(app, &runs[at]), now)?;
    runs.into_iter().try_for_each(settle)
}

/// The same where a command came to its end: what cannot be mailed now leaves with the next pass.
pub(crate) fn flush_or_warn(app: &App, now: DateTime<Utc>) {
    if let Err(error) = flush(app, now) {
        warn!(
            error = format!("{error:#}"),
            "the mail about a run could not be queued: the next pass does it"
        );
    }
}

fn due(app: &App) -> anyhow::Result<Vec<Run>> {
    let mut runs = Run::all(&app.runs())?.0;
    runs.retain(|run| run.record.mail_due);
    Ok(runs)
}

fn settle(mut run: Run) -> anyhow::Result<()> {
    run.record.mail_due = false;
    run.save()
}

/// What cannot be read of a run keeps no mail back: it says so.
fn notice(app: &App, run: &Run) -> Notice {
    let carried = parsed(app, run).ok().and_then(Result::ok).map(|file| file.further()).unwrap_or_default();
    let held = run.record.held_as.as_ref().and_then(|id| Run::open(&app.runs(), id).ok());
    // Somebody may have decided already.
    let held = held.filter(|held| held.record.state == RunState::Held);
    let waiting = if run.record.state == RunState::Held { Some(run) } else { held.as_ref() };
    Notice {
        plan: waiting.and_then(|run| run.read("plan.csv").ok()),
        story: RunStory { carried, ..story(run).unwrap_or_else(|error| without_rows(run, &error)) },
        held: held.as_ref().map(|held| story(held).unwrap_or_else(|error| without_rows(held, &error))),
        is_for_owners: !run.record.planned_only,
        dropped_by: run.record.dropped_by.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn without_rows(run: &Run, error: &anyhow::Error) -> RunStory {
    let record = &run.record;
    let unreadable = format!("Its rows cannot be shown: {error:#}");
    RunStory {
        id: record.id.clone(),
        file: record.file.clone(),
        state: record.state,
        at: record.updated,
        plan: Plan::default(),
        results: Vec::new(),
        carried: BTreeMap::new(),
        held_as: record.held_as.clone(),
        decided: record.decided,
        planned_only: record.planned_only,
        notes: record.notes.iter().cloned().chain([unreadable]).collect(),
    }
}
