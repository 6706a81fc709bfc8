//! `runs`: the list of runs, and one of them in full.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use super::plan::{Tense, to_json, word};
use super::table::{Paint, Side, Table};
use super::{Color, Output};
use crate::app::App;
use crate::change::run::{Run, RunRecord};
use crate::change::story::story;
use crate::change::{Outcome, RunState, RunStory};
use crate::exit_code::Exit;

/// The list shows so many, newest first.
const LISTED: usize = 30;

pub(super) fn runs(
    app: &Arc<App>,
    id: Option<&str>,
    format: Output,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let paint = Paint::stdout(color);
    let Some(id) = id else {
        let (runs, broken) = Run::all(&app.runs())?;
        for problem in broken {
            eprintln!("{problem}");
        }
        if format == Output::Json {
            let records: Vec<_> = runs.iter().map(|run| &run.record).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&records)?)?;
        } else {
            write!(out, "{}", list(&runs, paint))?;
        }
        return Ok(Exit::Done);
    };
    let run = Run::open(&app.runs(), id)?;
    let story = story(&run)?;
    if format == Output::Json {
        let value = json!({ "run": run.record, "plan": to_json(&run.record.file, &story.plan) });
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
    } else {
        write!(out, "{}", text(&run, &story, paint))?;
    }
    Ok(Exit::Done)
}

fn list(runs: &[Run], paint: Paint) -> String {
    if runs.is_empty() {
        return "No runs yet: drop a change file into the inbox.\n".to_owned();
    }
    let mut table = Table::new(&[("run", Side::Left), ("state", Side::Left), ("rows", Side::Left)]);
    for run in runs.iter().rev().take(LISTED) {
        table.row([run.record.id.clone(), run.record.state.to_string(), counts(&run.record)]);
    }
    let mut text = table.render(0, paint);
    if runs.len() > LISTED {
        text += &format!("and {} older (--format json for all)\n", runs.len() - LISTED);
    }
    text
}

fn counts(record: &RunRecord) -> String {
    let counts: Vec<_> = record.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    counts.join(", ")
}

/// One run for a person: where it stands, its plan, what became of it, and what to do.
pub(super) fn text(run: &Run, story: &RunStory, paint: Paint) -> String {
    let record = &run.record;
    let state = match record.state {
        RunState::Done => paint.green("done"),
        RunState::Failed | RunState::Stale => paint.red(record.state.as_str()),
        _ => paint.yellow(record.state.as_str()),
    };
    let mut text = format!("{} · {} · {state}", paint.bold(&record.id), record.file);
    if !record.counts.is_empty() {
        text += &format!(" · {}", counts(record));
    }
    text.push('\n');
    for note in &record.notes {
        text += &format!("  {note}\n");
    }
    if let Some(first) = &record.split_from {
        text += &format!("  Split off from run {first}.\n");
    }
    if let Some(by) = &record.approved_by {
        text += &format!("  Approved by {by}.\n");
    }
    if !story.plan.rows.is_empty() && !matches!(record.state, RunState::Done) {
        text.push('\n');
        text += &super::plan::text(&record.file, &story.plan, paint, Tense::Did);
    }
    let failed: Vec<_> = story.results.iter().filter(|r| matches!(r.outcome, Outcome::Failed(_))).collect();
    for result in failed.iter().take(20) {
        if let Outcome::Failed(problem) = &result.outcome {
            text += &format!("  {} ({})\n", problem.of_row(result.row), word(&result.outcome));
        }
    }
    if failed.len() > 20 {
        text += &format!("  and {} more in error.csv\n", failed.len() - 20);
    }
    text += &format!("  Files: {}\n", run.folder.display());
    if record.state == RunState::Held {
        let id = &record.id;
        let hash = record.plan_sha256.as_deref().unwrap_or_default();
        text += &format!(
            "\n  To send it all the same:  quotakeeper approve {id} --plan {hash}\n  To drop it:               quotakeeper reject {id}\n"
        );
    }
    if let Some(held) = &record.held_as {
        text += &format!("  Its held rows wait as a run of their own:  quotakeeper runs {held}\n");
    }
    text
}
