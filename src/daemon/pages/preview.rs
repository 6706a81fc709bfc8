//! What a change file would do that somebody picks on the page: compared with the latest snapshot, never sent, and not kept.
//!
//! `quotakeeper plan` compares with what is live, which costs requests: whoever reaches the page must not be able to spend those.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::runtime::Handle;

use super::runs::{GuardLine, guard_lines};
use crate::change::live_plan::{LiveState, PlanOptions};
use crate::change::parse::{ChangeFile, parse};
use crate::change::{KnownFiles, Plan, RunSummary};
use crate::clock::Clock;
use crate::domain::quota::Snapshot;
use crate::files::sha256;
use crate::jobs::App;
use crate::report::{ChangesReport, Extent, ReportContext, run_report, words};

/// The largest file, some 20,000 rows: what many of them would do is for the terminal.
pub(in crate::daemon) const MOST_BYTES: usize = 1 << 20;

/// A change file that somebody picked.
pub(in crate::daemon) struct PickedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Serialize)]
pub(super) struct Preview {
    #[serde(flatten)]
    report: ChangesReport,
    beside: PreviewExtras,
}

/// What the page says beside the report.
#[derive(Debug, Serialize)]
struct PreviewExtras {
    /// That it is a preview, and of what, each a sentence.
    preview: Vec<String>,
    files: [&'static str; 0],
    guards: Vec<GuardLine>,
}

/// What a file would do by the latest snapshot.
pub(super) fn preview(app: &App, picked: &PickedFile, now: DateTime<Utc>) -> anyhow::Result<Preview> {
    let inputs = app.report_inputs();
    let context = ReportContext { extent: Extent::Whole, ..inputs.context(now) };
    let inbox = &app.config.inbox;
    let mut said = vec!["This is a preview: nothing was sent, and the file was not kept.".to_owned()];
    let (planned, carried, todo) = match parse(&picked.bytes, &inbox.columns, inbox.max_rows) {
        Err(problems) => (Err(problems), BTreeMap::new(), "fix the file as described below."),
        Ok(file) => {
            let latest = inputs.latest(now)?;
            let at = words::moment(latest.taken_at, context.zone);
            said.push(format!("The file was compared with the snapshot of {at}."));
            said.push(format!("To apply it, drop it into {}.", app.config.inbox_dir().display()));
            said.extend(file.doubtful.iter().cloned().chain(file.skipped.sentence()));
            (Ok(plan(app, latest, &file, &picked.bytes)?), file.extra_cells(), "")
        }
    };
    let summary = RunSummary::of_preview(&picked.name, planned, carried, now);
    let report = run_report(&summary, None, &context);
    Ok(Preview {
        report: ChangesReport { run: None, todo: todo.to_owned(), ..report }, // there is no error.csv to correct
        beside: PreviewExtras { preview: said, files: [], guards: guard_lines(&summary) },
    })
}

fn plan(app: &App, latest: Snapshot, file: &ChangeFile, bytes: &[u8]) -> anyhow::Result<Plan> {
    let services = app.change_services(&Clock::read());
    let undo = KnownFiles::default().is_undo(services.runs(), &sha256(bytes))?;
    // Usage is there, so the API is not asked, and nothing is waited for.
    let mut seen = LiveState::of_snapshot(latest);
    let options = PlanOptions { undo, ..PlanOptions::default() };
    Handle::current()
        .block_on(seen.plan(&services, file, &options))
        .context("the file cannot be compared with the latest snapshot")
}
