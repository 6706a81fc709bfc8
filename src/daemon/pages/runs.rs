//! Change files: all of them, and one with each of its rows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::ErrorKind;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use fs_err::File;
use serde::Serialize;

use super::address::RUN_FILES;
use super::preview::MOST_BYTES;
use crate::change::plan::guards;
use crate::change::run::{Run, RunRecord};
use crate::change::stored::plan_if_any;
use crate::change::summary;
use crate::change::{Guard, GuardHit, PlanRow, RunState, RunSummary};
use crate::jobs::report_inputs::{ReportInputs, Scope};
use crate::report::{
    ChangeRow, ChangesReport, ChangesSection, Extent, Footer, HeldRun, Level, ReportContext, held,
    run_report, words,
};

/// So many of the latest are listed.
const LISTED: usize = 100;
const PERIOD: Duration = Duration::days(30);

#[derive(Debug, Serialize)]
pub(super) struct Runs {
    headline: String,
    inbox: String,
    /// The largest file that the page shows a preview of.
    most_bytes: usize,
    held: Vec<HeldRun>,
    /// In the order of [`sort_key`].
    lines: Vec<Line>,
    older: usize,
    unreadable: Vec<String>,
    /// What changed lately, whoever changed it.
    sections: Vec<ChangesSection>,
    imprint: Footer,
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    state: &'static str,
    level: Level,
    file: String,
    rows: String,
    by: String,
    /// Until when somebody can decide, when it is due, or when it ended.
    at: String,
}

pub(super) fn runs(inputs: &ReportInputs<'_>, all: bool, now: DateTime<Utc>) -> anyhow::Result<Runs> {
    let context = inputs.context(now);
    let (mut runs, broken) = Run::list(&inputs.config.runs_dir())?;
    runs.reverse();
    runs.sort_by_key(|run| sort_key(&run.record));
    let summaries = runs.iter().filter(|run| run.record.state == RunState::Held);
    let mut waiting: Vec<HeldRun> = summaries
        .filter_map(|run| Some(held(&summary::summarize_for_display(run).ok()?, &context)))
        .collect();
    let older = if all { 0 } else { runs.len().saturating_sub(LISTED) };
    runs.truncate(runs.len() - older);
    let waiting_rows = |run: &Run| match run.record.state {
        RunState::Held => waiting.iter().find(|held| held.run == run.record.id).map(|held| held.rows),
        RunState::Scheduled => Some(plan_if_any(run).ok()??.pending_rows().count()),
        _ => None,
    };
    let lines = runs.iter().map(|run| line(&run.record, waiting_rows(run), &context)).collect();
    waiting.retain(|held| runs.iter().any(|run| run.record.id == held.run && run.waits_for_person()));
    let scope = Scope { extent: Extent::Whole, ..Scope::default() };
    let changed = inputs.changes_report(now - PERIOD, &scope, now)?;
    Ok(Runs {
        headline: match waiting.len() {
            0 => "Nothing waits for approval".to_owned(),
            1 => "1 change file waits for you".to_owned(),
            several => format!("{several} change files wait for you"),
        },
        inbox: inputs.config.inbox_dir().display().to_string(),
        most_bytes: MOST_BYTES,
        held: waiting,
        lines,
        older,
        unreadable: broken
            .into_iter()
            .map(|broken| format!("Run {} cannot be read: {}", broken.id, broken.problem))
            .collect(),
        sections: newest_first(changed.sections, context.zone),
        imprint: (&context).into(),
    })
}

/// What waits for somebody, the next deadline first; what is at work; what is scheduled, the next first; the rest, the newest first.
fn sort_key(record: &RunRecord) -> (u8, i64) {
    let updated = record.updated.timestamp();
    match record.state {
        RunState::Held => (0, updated),
        RunState::Stale => (1, -updated),
        RunState::Planned | RunState::Applying => (2, -updated),
        RunState::Scheduled => (3, record.due.map_or(updated, |due| due.timestamp())),
        RunState::Done | RunState::Failed | RunState::Rejected => (4, -updated),
    }
}

/// The rows of each maker together, those of whom changed something last first, and each run with its moment.
fn newest_first(mut sections: Vec<ChangesSection>, zone: Tz) -> Vec<ChangesSection> {
    for section in &mut sections {
        let mut makers: Vec<Vec<ChangeRow>> = Vec::new();
        for row in std::mem::take(&mut section.rows) {
            match makers.last_mut() {
                Some(rows) if rows[0].who == row.who => rows.push(row),
                _ => makers.push(vec![row]),
            }
        }
        let newest = |rows: &Vec<ChangeRow>| rows.iter().filter_map(|row| row.at).max();
        makers.sort_by_key(|rows| Reverse(newest(rows)));
        for rows in &mut makers {
            let at = newest(rows).filter(|_| !rows[0].run.is_empty());
            let Some(at) = at.map(|at| format!(", {}", words::moment(at, zone))) else { continue };
            if !rows[0].shared.is_empty() {
                rows[0].shared += &at;
            }
            for row in rows {
                row.who += &at;
            }
        }
        section.rows = makers.into_iter().flatten().collect();
    }
    sections
}

/// `waiting` is how many of its rows wait for a person or for their time.
fn line(record: &RunRecord, waiting: Option<usize>, context: &ReportContext) -> Line {
    let zone = context.zone;
    let by = record.dropped_by.as_ref().or(record.applied_by.as_ref());
    Line {
        id: record.id.clone(),
        state: match record.state {
            RunState::Done if record.failed_rows() > 0 && record.counts.contains_key("applied") => {
                "done in part"
            }
            RunState::Done if record.failed_rows() > 0 => "not applied",
            state => state.as_str(),
        },
        level: match record.state {
            RunState::Failed | RunState::Stale => Level::Critical,
            RunState::Held => Level::Warning,
            RunState::Rejected if record.expired_after.is_some() => Level::Warning,
            RunState::Done if record.failed_rows() > 0 => Level::Warning,
            _ => Level::Fine,
        },
        file: words::clean(&record.file, 60),
        rows: match record.state {
            RunState::Held | RunState::Scheduled => {
                waiting.map_or_else(String::new, |rows| words::counted(rows, "row"))
            }
            RunState::Failed | RunState::Stale => {
                words::clean(record.notes.first().map_or("", String::as_str), 120)
            }
            _ => record.counts_in_words(),
        },
        by: by.map_or_else(String::new, |by| {
            words::clean(&by.user.clone().unwrap_or_else(|| by.to_string()), 32)
        }),
        at: match (record.state, record.due) {
            (RunState::Held, _) => format!("until {}", context.until(record.updated)),
            (RunState::Scheduled, Some(due)) => format!("due {}", words::moment(due, zone)),
            _ => words::moment(record.updated, zone),
        },
    }
}

/// One run with each of its rows; or what a file would do that is none.
#[derive(Debug, Serialize)]
pub(super) struct OneRun {
    #[serde(flatten)]
    pub report: ChangesReport,
    pub beside: RunPageExtras,
}

/// What a page says beside the report.
#[derive(Debug, Serialize)]
pub(super) struct RunPageExtras {
    /// That it is a preview, and of what, each a sentence; nothing of a run.
    pub preview: Vec<String>,
    pub files: Vec<&'static str>,
    pub guards: Vec<GuardLine>,
}

/// The rows that one guard holds.
#[derive(Debug, Serialize)]
pub(super) struct GuardLine {
    name: String,
    /// What it holds, in words without figures.
    summary: &'static str,
    rows: usize,
    example: String,
}

/// None where there is none of this name.
pub(super) fn run_page(
    inputs: &ReportInputs<'_>,
    id: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<OneRun>> {
    let Some(run) = open_run(inputs, id)? else { return Ok(None) };
    let summary = summary::summarize_for_display(&run)?;
    let context = ReportContext { extent: Extent::Whole, ..inputs.context(now) };
    let report = run_report(&summary, None, &context);
    let by = words::clean(&run.record.people_text(), 160);
    Ok(Some(OneRun {
        report: ChangesReport { by, ..report },
        beside: RunPageExtras {
            preview: Vec::new(),
            files: RUN_FILES.into_iter().filter(|file| run.path(file).is_file()).collect(),
            guards: guard_lines(&summary),
        },
    }))
}

/// The guards that hold rows, those that hold the most first, each with its first reason.
pub(super) fn guard_lines(summary: &RunSummary) -> Vec<GuardLine> {
    let mut found: BTreeMap<Guard, (usize, String)> = BTreeMap::new();
    for row in &summary.plan.rows {
        for hit in row.held_reasons() {
            let (rows, _) = found.entry(hit.guard).or_insert_with(|| (0, example(row, hit)));
            *rows += 1;
        }
    }
    let line = |(guard, (rows, example)): (Guard, (usize, String))| GuardLine {
        name: guard.as_str().replace('_', " "),
        summary: guard.summary(),
        rows,
        example,
    };
    let mut lines: Vec<GuardLine> = found.into_iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.rows));
    lines
}

/// The reason, and whom it is about.
fn example(row: &PlanRow, hit: &GuardHit) -> String {
    let about = match hit.guard.scope() {
        guards::Scope::Row | guards::Scope::Binding if row.org_name.is_empty() => row.label(),
        guards::Scope::Row | guards::Scope::Binding => format!("{} · {}", row.org_name, row.label()),
        guards::Scope::Organization => row.org_name.clone(),
        guards::Scope::Plan => String::new(),
    };
    let example = if about.is_empty() { hit.message.clone() } else { format!("{about}: {}", hit.message) };
    words::clean(&example, 300)
}

/// One file of a run; none where there is none.
pub(super) fn file(inputs: &ReportInputs<'_>, id: &str, name: &str) -> anyhow::Result<Option<File>> {
    let Some(run) = open_run(inputs, id)? else { return Ok(None) };
    match File::open(run.path(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => Ok(Some(file?)),
    }
}

fn open_run(inputs: &ReportInputs<'_>, id: &str) -> anyhow::Result<Option<Run>> {
    let runs = inputs.config.runs_dir();
    if runs.join(id).join("run.json").is_file() { Ok(Some(Run::open(&runs, id)?)) } else { Ok(None) }
}

#[cfg(test)]
mod tests;
