//! Rows that take effect later: runs of their own that wait, planned now and again when they are due.
//!
//! A file of which all waits for one moment waits itself. Else each moment's rows become a run `RUN.20261201T000000Z`,
//! and those among them that a guard holds `RUN.20261201T000000Z-held`, so that one doubtful row keeps no other waiting.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tracing::info;

use super::advance;
use crate::app::App;
use crate::change::ending::{answer, tell};
use crate::change::parse::ChangeFile;
use crate::change::run::{Decision, Run, RunRecord, sha256};
use crate::change::story::story;
use crate::change::{Plan, PlanRow, RunState, RunStory, Verdict, results};
use crate::clock::Clock;
use crate::report::words::counted;

/// What waits together: the moment, and whether a guard holds it.
type Moment = (DateTime<Utc>, bool);

/// The pending rows of a plan that wait, by what they wait for.
fn moments(plan: &Plan) -> BTreeMap<Moment, BTreeSet<usize>> {
    let mut moments: BTreeMap<Moment, BTreeSet<usize>> = BTreeMap::new();
    for row in plan.rows.iter().filter(|row| row.is_pending()) {
        if let Some(due) = row.due {
            moments.entry((due, row.verdict != Verdict::Send)).or_default().insert(row.row);
        }
    }
    moments
}

/// The moment for which a run waits as a whole, if nothing of it ends before.
pub(super) fn of_the_whole(plan: &Plan) -> Option<DateTime<Utc>> {
    let ends_now = |row: &PlanRow| match row.verdict {
        Verdict::Unchanged(_) => false,
        Verdict::Refused(_) => true,
        Verdict::Send | Verdict::Held(_) => row.due.is_none(),
    };
    let moments = moments(plan);
    match moments.keys().next() {
        Some((due, _)) if moments.len() == 1 && !plan.rows.iter().any(ends_now) => Some(*due),
        _ => None,
    }
}

/// The name of the run of a row that waits.
pub(in crate::change) fn id(run: &RunRecord, due: DateTime<Utc>, held: bool) -> String {
    format!("{}.{}{}", run.id, due.format("%Y%m%dT%H%M%SZ"), if held { "-held" } else { "" })
}

/// Says of the rows that wait where they wait.
pub(super) fn notes(app: &App, run: &RunRecord, plan: &Plan) -> Vec<String> {
    let zone = app.config.schedule.timezone;
    let note = |((due, held), rows): (Moment, BTreeSet<usize>)| {
        let time = due.with_timezone(&zone).format("%-d %b %Y, %H:%M %Z");
        let id = id(run, due, held);
        let (rows, wait) = (counted(rows.len(), "row"), if rows.len() == 1 { "waits" } else { "wait" });
        if held {
            format!("{rows} for {time} {wait} for approval as run {id}.")
        } else {
            format!("{rows} {wait} until {time} as run {id}, and will be planned and guarded again then.")
        }
    };
    moments(plan).into_iter().map(note).collect()
}

/// Makes the runs of the rows that wait; after a crash, those that are missing.
pub(super) fn split(
    app: &App,
    clock: &Clock,
    run: &Run,
    file: &ChangeFile,
    plan: &Plan,
) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for ((due, held), rows) in moments(plan) {
        let id = id(&run.record, due, held);
        ids.push(id.clone());
        let record = RunRecord {
            split_from: Some(run.record.id.clone()),
            due: Some(due),
            ..RunRecord::new(id, &run.record.file, run.record.dropped, clock.now())
        };
        let mut waiting = Run::create_as(&app.runs(), record)?;
        if waiting.record.input_sha256.is_some() {
            continue;
        }
        let bytes = results::input_csv(file, &rows);
        waiting.write("input.csv", &bytes)?;
        if let (true, Some(by)) = (held, &run.record.approved_by) {
            let plan_sha256 = plan.only(&rows).sha256;
            waiting.decide(&Decision { approve: true, plan_sha256, by: by.clone(), at: clock.now() })?;
        }
        waiting.record.rows = Some(rows.into_iter().collect());
        waiting.record.input_sha256 = Some(sha256(&bytes));
        waiting.save()?;
    }
    Ok(ids)
}

/// Plans the runs that were just made, so that what a guard holds is known now.
pub(super) async fn plan_now(app: &App, clock: &Clock, ids: Vec<String>) -> anyhow::Result<()> {
    for id in ids {
        let mut waiting = Run::open(&app.runs(), &id)?;
        if waiting.record.state == RunState::Planned {
            Box::pin(advance(app, clock, &mut waiting)).await?;
        }
    }
    Ok(())
}

/// Leaves a run to its time.
pub(super) fn wait(app: &App, clock: &Clock, run: &mut Run, plan: Plan) -> anyhow::Result<()> {
    info!(run = %run.record.id, due = run.record.due.map(|due| due.to_rfc3339()), "waits for its time");
    if run.record.split_from.is_some() && run.record.approved_by.is_none() {
        // The mail of the file that it comes from has told it.
        let told = RunStory { plan, ..story(run)? };
        return answer(app, clock, run, RunState::Scheduled, told);
    }
    tell(app, clock, run, RunState::Scheduled, plan, Vec::new())
}
