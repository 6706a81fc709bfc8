//! The stored file and plan of a run, checked against the hashes in its record whenever it is shown or used.
//!
//! Nothing is sent by a plan, and nothing is read from a copy, that is not what it was when it was written.

use super::parse::{ChangeFile, parse};
use super::plan::hash;
use super::results;
use super::run::Run;
use crate::change::plan::{Plan, PlanRow};
use crate::config::Inbox;
use crate::files;
use crate::files::read_if_there;
use crate::files::sha256;

/// A stored file is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{file} in the folder of run {run} is not what quotakeeper wrote there ({why}).")]
pub(crate) struct DamagedFile {
    pub file: &'static str,
    pub run: String,
    pub why: String,
}

impl DamagedFile {
    fn new(run: &Run, file: &'static str, why: impl Into<String>) -> Self {
        Self { file, run: run.record.id.clone(), why: why.into() }
    }
}

/// The plan that a run stored; none where it has none yet.
pub(crate) fn plan_if_any(run: &Run) -> anyhow::Result<Option<Plan>> {
    const FILE: &str = "plan.csv";
    let Some(bytes) = read_if_there(&run.path(FILE), files::ROWS)? else { return Ok(None) };
    let known = &run.record.plan_csv_sha256;
    if !known.is_empty() && !known.contains(&sha256(&bytes)) {
        return Err(DamagedFile::new(run, FILE, "its SHA-256 differs").into());
    }
    let plan = results::plan_from_csv(&bytes).map_err(|problem| DamagedFile::new(run, FILE, problem))?;
    // An earlier version recorded what the plan does and no more.
    if known.is_empty() && !is_recorded(run, &plan) {
        return Err(DamagedFile::new(run, FILE, "the SHA-256 of its plan differs").into());
    }
    Ok(Some(plan))
}

/// The plan that a run stored.
pub(crate) fn stored_plan(run: &Run) -> anyhow::Result<Plan> {
    plan_if_any(run)?.ok_or_else(|| DamagedFile::new(run, "plan.csv", "it is missing").into())
}

fn is_recorded(run: &Run, plan: &Plan) -> bool {
    let Some(recorded) = &run.record.plan_sha256 else { return true };
    // When its time had come, its rows were written without it.
    let in_time = || -> Vec<PlanRow> {
        plan.rows.iter().map(|row| PlanRow { due: row.due.or(run.record.due), ..row.clone() }).collect()
    };
    *recorded == plan.sha256 || *recorded == hash(&in_time())
}

/// The run's copy of the file that was dropped; none where it has none.
fn input(run: &Run) -> anyhow::Result<Option<Vec<u8>>> {
    const FILE: &str = "input.csv";
    let Some(bytes) = read_if_there(&run.path(FILE), files::ROWS)? else { return Ok(None) };
    match &run.record.input_sha256 {
        Some(known) if *known != sha256(&bytes) => {
            Err(DamagedFile::new(run, FILE, "its SHA-256 differs").into())
        }
        _ => Ok(Some(bytes)),
    }
}

/// Whether a run that waits can still read the file that it will be planned again from.
pub(crate) fn check_input(run: &Run) -> anyhow::Result<()> {
    input(run)?.map(drop).ok_or_else(|| DamagedFile::new(run, "input.csv", "it is missing").into())
}

/// The run's file as rows, or why it cannot be used. What was planned once is read as it was then, whatever the configuration says
/// by now: people have seen what it asks for.
pub(crate) fn parsed(run: &Run, settings: &Inbox) -> anyhow::Result<Result<ChangeFile, Vec<String>>> {
    let stored = match input(run) {
        Err(error) if error.is::<DamagedFile>() => {
            return Ok(Err(vec![format!("{error} Drop the file again.")]));
        }
        stored => stored?,
    };
    let Some(bytes) = stored else {
        let notes = &run.record.notes; // the inbox says why it copied none
        let missing = || vec!["The file is missing from the run's folder.".to_owned()];
        return Ok(Err(if notes.is_empty() { missing() } else { notes.clone() }));
    };
    let (columns, most) = match &run.record.columns {
        Some(columns) => (columns, usize::MAX),
        None => (&settings.columns, settings.max_rows),
    };
    let parsed = parse(&bytes, columns, most);
    Ok(parsed.map(|mut file| {
        // Split-off rows keep the numbers that they have in the file that was dropped.
        for (record, row) in file.records.iter_mut().zip(run.record.rows.iter().flatten()) {
            record.row = *row;
        }
        file
    }))
}
