//! What a run's file says and what is live now → its plan, as it would be made at this moment.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::change::explains::{SetByRuns, is_undo};
use crate::change::finish::fail;
use crate::change::parse::{ChangeFile, parse};
use crate::change::plan::{PlanContext, plan};
use crate::change::run::Run;
use crate::change::stored::{self, Damaged, stored_plan};
use crate::change::{Code, Plan, PlanRow, RunState, Verdict, effective};
use crate::clock::Clock;
use crate::collect::Reading;
use crate::domain::quota::OrgId;

/// The run's file; one that cannot be used ends the run, with the reasons.
pub(super) fn input(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<Option<ChangeFile>> {
    match parsed(app, run)? {
        Ok(file) => Ok(Some(file)),
        Err(problems) => {
            run.record.notes = problems;
            fail(app, clock, run)?;
            Ok(None)
        }
    }
}

/// The plan that the run holds; one that is not what was planned ends the run, of which nothing was sent.
pub(super) fn held_plan(app: &App, clock: &Clock, run: &mut Run) -> anyhow::Result<Option<Plan>> {
    match stored_plan(run) {
        Err(error) if error.is::<Damaged>() => {
            run.record.notes = vec![format!("{error} Nothing was sent: drop the file again.")];
            fail(app, clock, run)?;
            Ok(None)
        }
        plan => plan.map(Some),
    }
}

/// The run's file as rows, or why it cannot be used.
pub(in crate::change) fn parsed(app: &App, run: &Run) -> anyhow::Result<Result<ChangeFile, Vec<String>>> {
    let stored = match stored::input(run) {
        Err(error) if error.is::<Damaged>() => return Ok(Err(vec![format!("{error} Drop the file again.")])),
        stored => stored?,
    };
    let Some(bytes) = stored else {
        let notes = &run.record.notes; // the inbox says why it copied none
        let missing = || vec!["The file is missing from the run's folder.".to_owned()];
        return Ok(Err(if notes.is_empty() { missing() } else { notes.clone() }));
    };
    let settings = &app.config.inbox;
    let parsed = parse(&bytes, &settings.columns, settings.max_rows);
    Ok(parsed.map(|mut file| {
        // Split-off rows keep the numbers that they have in the file that was dropped.
        for (record, row) in file.records.iter_mut().zip(run.record.rows.iter().flatten()) {
            record.row = *row;
        }
        file
    }))
}

/// Plans a file against the quotas, names and usage that are live now.
pub(super) async fn look(app: &App, clock: &Clock, run: &Run, file: &ChangeFile) -> anyhow::Result<Plan> {
    // Rows that were split off an undo are an undo still.
    let root = Run::open(&app.runs(), run.record.root())?;
    let undo = root.record.input_sha256.map_or(Ok(false), |hash| is_undo(app, &hash))?;
    let done = if run.record.is_early(clock.now()) { before_it(app, run)? } else { Vec::new() };
    plan_live(app, clock.now(), file, undo, run.record.due, &done).await
}

/// What other rows of the same file will have done by the time that a run is due, if they do it.
fn before_it(app: &App, run: &Run) -> anyhow::Result<Vec<PlanRow>> {
    let mut rows = Vec::new();
    for other in Run::all(&app.runs())?.0 {
        let waits = matches!(other.record.state, RunState::Held | RunState::Scheduled | RunState::Applying);
        if waits && other.record.id != run.record.id && other.record.root() == run.record.root() {
            rows.extend(stored_plan(&other)?.rows.into_iter().filter(|row| row.due < run.record.due));
        }
    }
    rows.sort_by_key(|row| row.due);
    Ok(rows)
}

/// The plan of a file against what is live now, as if these rows were done; `due` is that of a run that waits for its time.
/// Usage is read of the organizations alone in which something would change.
pub(crate) async fn plan_live(
    app: &App,
    now: DateTime<Utc>,
    file: &ChangeFile,
    undo: bool,
    due: Option<DateTime<Utc>>,
    done: &[PlanRow],
) -> anyhow::Result<Plan> {
    let config = &app.config;
    let rule = config.usage.rule();
    let context = PlanContext {
        undo,
        due,
        zone: config.schedule.timezone,
        ..PlanContext::new(&config.guard, config.inbox.mode, &rule)
    };
    let client = app.client()?;
    let mut reading = Reading::targets(client, true, now).await?;
    let without_usage = plan(file, &effective::done(reading.snapshot(), done), &context);
    let organizations: BTreeSet<OrgId> = without_usage
        .rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Unchanged(_)))
        .filter_map(|row| Some(row.target.as_ref()?.org_id.clone()))
        .collect();
    reading.add_usage(client, &organizations).await?;
    let (largest, live) = (reading.largest_tests(&rule), reading.snapshot());
    drop(reading);
    let last_cycle = app.last_cycle(&live)?;
    let is_stale =
        |row: &PlanRow| matches!(&row.verdict, Verdict::Refused(problem) if problem.code == Code::Stale);
    let set_by = if without_usage.rows.iter().any(is_stale) {
        SetByRuns::read(&app.runs(), DateTime::UNIX_EPOCH)
    } else {
        SetByRuns::default()
    };
    let context = PlanContext { largest: &largest, last_cycle: &last_cycle, set_by: &set_by, ..context };
    Ok(plan(file, &effective::done(live, done), &context))
}
