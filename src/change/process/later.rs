//! Rows that take effect later: runs of their own that wait, planned now and again when they are due.
//!
//! A file of which all waits for one moment waits itself. Else each moment's rows become a run `RUN.20261201T000000Z`,
//! and those among them that a guard holds `RUN.20261201T000000Z-held`, so that one doubtful row keeps no other waiting.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tracing::info;

use super::part;
use crate::app::App;
use crate::change::finish::{answer, hold, tell};
use crate::change::parse::ChangeFile;
use crate::change::run::id::of_later;
use crate::change::run::{Run, RunRecord};
use crate::change::summary::story;
use crate::change::{Plan, PlanRow, RunState, RunStory, Verdict};
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

/// The moment for which a run waits as a whole: that of every row. A row of another day, also one that changes nothing
/// as things are, would be taken for one of that moment when it comes.
pub(super) fn of_the_whole(plan: &Plan) -> Option<DateTime<Utc>> {
    let moments = moments(plan);
    let (due, _) = *moments.keys().next()?;
    let waits = |row: &PlanRow| row.due == Some(due) && !matches!(row.verdict, Verdict::Refused(_));
    (moments.len() == 1 && plan.rows.iter().all(waits)).then_some(due)
}

/// The name of the run of a row that waits.
pub(in crate::change) fn id(run: &RunRecord, due: DateTime<Utc>, held: bool) -> String {
    of_later(&run.id, due, held)
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

/// Makes the runs of the rows that wait; after a crash, those that are missing. They wait as they were planned: what
/// comes before them in the file may itself wait, and then what is live now says nothing of them.
pub(super) fn split(
    app: &App,
    clock: &Clock,
    run: &Run,
    file: &ChangeFile,
    plan: &Plan,
) -> anyhow::Result<()> {
    for ((due, held), rows) in moments(plan) {
        let record = RunRecord {
            due: Some(due),
            approved_by: run.record.approved_by.clone().filter(|_| held),
            ..run.record.part(id(&run.record, due, held), clock.now())
        };
        let Some((mut waiting, plan)) = part(app, record, file, plan, rows)? else { continue };
        if held && waiting.record.approved_by.is_none() {
            hold(app, clock, &mut waiting, plan)?;
        } else {
            // The mail of the file that it comes from tells it.
            let told = RunStory { plan, ..story(&waiting)? };
            answer(app, clock, &mut waiting, RunState::Scheduled, told)?;
        }
    }
    Ok(())
}

/// Leaves a run to its time.
pub(super) fn wait(app: &App, clock: &Clock, run: &mut Run, plan: Plan) -> anyhow::Result<()> {
    info!(run = %run.record.id, due = run.record.due.map(|due| due.to_rfc3339()), "waits for its time");
    tell(app, clock, run, RunState::Scheduled, plan, Vec::new())
}
