//! What a change file would do that somebody picks on the page: compared with the latest snapshot, never sent, and not kept.
//!
//! `quotakeeper plan` compares with what is live, which costs requests: whoever reaches the page must not be able to spend those.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::runs::{OneRun, RunPageExtras, guard_lines};
use crate::change::live_plan::{LiveState, PlanOptions};
use crate::change::parse::{ChangeFile, parse};
use crate::change::{KnownFiles, Plan, RunSummary};
use crate::clock::Clock;
use crate::config::SnapshotParts;
use crate::domain::quota::Snapshot;
use crate::files::sha256;
use crate::jobs::App;
use crate::report::{ChangesReport, Extent, ReportContext, run_report, words};

/// The largest file: what many rows would do is for the terminal.
pub(in crate::daemon) const MOST_BYTES: usize = 1 << 20;
/// As many rows as files of that size usually have. Of the shortest ones, ten times as many would make a page of gigabytes.
const MOST_ROWS: usize = 20_000;

/// A change file that somebody picked.
pub(in crate::daemon) struct PickedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What a file would do by the latest snapshot.
pub(super) fn preview(app: &App, picked: &PickedFile, now: DateTime<Utc>) -> anyhow::Result<OneRun> {
    let inputs = app.report_inputs();
    let context = ReportContext { extent: Extent::Whole, ..inputs.context(now) };
    let inbox = &app.config.inbox;
    let mut said = vec!["This is a preview: nothing was sent, and the file was not kept.".to_owned()];
    let parsed = if picked.bytes.len() as u64 > inbox.max_bytes {
        let limit = inbox.max_bytes;
        Err(vec![format!(
            "The file has more than the {limit} bytes that are allowed (inbox.max_bytes). Split it."
        )])
    } else {
        parse(&picked.bytes, &inbox.columns, inbox.max_rows)
    };
    let rows = parsed.as_ref().map_or(0, |file| file.records.len());
    let (planned, carried, todo) = match parsed {
        Err(problems) => (Err(problems), BTreeMap::new(), "fix the file as described below."),
        Ok(_) if rows > MOST_ROWS => {
            (Err(vec![too_many_rows(rows)]), BTreeMap::new(), "run `quotakeeper plan FILE`.")
        }
        Ok(file) => {
            let latest = inputs.latest(now)?;
            let at = words::moment(latest.taken_at, context.zone);
            let plan = plan(app, latest, &file, &picked.bytes)?;
            said.push(format!("The file was compared with the snapshot of {at}."));
            said.extend(lacks(&app.config.snapshot));
            said.extend(file.doubtful.iter().cloned().chain(file.skipped.sentence()));
            said.extend(how_to_apply(&plan, &app.config.inbox_dir()));
            (Ok(plan), file.extra_cells(), "")
        }
    };
    let summary = RunSummary::of_preview(&picked.name, planned, carried, now);
    let mut report = run_report(&summary, None, &context);
    if rows > MOST_ROWS {
        report.headline = format!("{} is too large for a preview", words::clean(&picked.name, 60));
    }
    Ok(OneRun {
        report: ChangesReport { run: None, todo: todo.to_owned(), ..report }, // there is no error.csv to correct
        beside: RunPageExtras { preview: said, files: Vec::new(), guards: guard_lines(&summary) },
    })
}

fn too_many_rows(rows: usize) -> String {
    format!(
        "The file has {}, and the page shows what up to {} would do.",
        words::counted(rows, "row"),
        words::number(MOST_ROWS)
    )
}

/// What `quotakeeper plan` reads and the snapshots lack.
fn lacks(snapshot: &SnapshotParts) -> impl Iterator<Item = String> {
    let names = (!snapshot.names).then_some(
        "Snapshots are taken without names (`snapshot.names`): rows are refused here that name their targets, or are about \
         account groups without a quota.",
    );
    let usage = (!snapshot.usage).then_some(
        "Snapshots are taken without usage (`snapshot.usage`): guards hold decreases here whatever is used.",
    );
    let as_live = "`quotakeeper plan FILE` reads both.";
    let said: Vec<&str> = names.into_iter().chain(usage).collect();
    let as_live = (!said.is_empty()).then_some(as_live);
    said.into_iter().chain(as_live).map(str::to_owned)
}

/// Nothing where that would change nothing.
fn how_to_apply(plan: &Plan, inbox: &Path) -> Option<String> {
    let inbox = inbox.display();
    if plan.refused_rows().next().is_some() {
        Some(format!("Correct the rows that are refused, then drop the file into {inbox}."))
    } else {
        (!plan.is_empty()).then(|| format!("To apply it, drop it into {inbox}."))
    }
}

fn plan(app: &App, latest: Snapshot, file: &ChangeFile, bytes: &[u8]) -> anyhow::Result<Plan> {
    let services = app.change_services(&Clock::read());
    let undo = KnownFiles::default().is_undo(services.runs(), &sha256(bytes))?;
    // Usage is there, so the API is not asked, and nothing is waited for.
    let mut seen = LiveState::of_snapshot(latest, Instant::now());
    let options = PlanOptions { undo, ..PlanOptions::default() };
    Handle::current()
        .block_on(seen.plan(&services, file, &options))
        .context("the file cannot be compared with the latest snapshot")
}

#[cfg(test)]
mod tests;
