//! A run as mails, `runs` and `status` tell it, put together from the files in its folder.

use std::collections::{BTreeMap, HashMap};

use super::run::{Run, RunRecord, id};
use super::stored::{Damaged, plan_if_any};
use super::{Outcome, Plan, Problem, RowResult, RunStory};
use crate::files::csv_cell::plain;
use crate::files::read_if_there;

/// Reads a run's plan and results; both are empty as long as there are none.
pub(crate) fn story(run: &Run) -> anyhow::Result<RunStory> {
    told(run, plan_if_any(run)?.unwrap_or_default(), run.record.notes.clone())
}

/// The same for a person who looks at the run: a plan that is not what was planned is not shown, and that is said.
pub(crate) fn shown(run: &Run) -> anyhow::Result<RunStory> {
    match plan_if_any(run) {
        Err(error) if error.is::<Damaged>() => {
            let notes = run.record.notes.iter().cloned().chain([error.to_string()]);
            told(run, Plan::default(), notes.collect())
        }
        plan => told(run, plan?.unwrap_or_default(), run.record.notes.clone()),
    }
}

fn told(run: &Run, plan: Plan, notes: Vec<String>) -> anyhow::Result<RunStory> {
    let mut rows = Vec::new();
    for (name, succeeded) in [("success.csv", true), ("error.csv", false)] {
        if let Some(bytes) = read_if_there(&run.path(name))? {
            outcomes(&bytes, succeeded, &mut rows)?;
        }
    }
    rows.sort_by_key(|result: &RowResult| result.row);
    let due: HashMap<usize, _> = plan.rows.iter().filter_map(|row| Some((row.row, row.due?))).collect();
    for result in &mut rows {
        if let Outcome::Scheduled { run: waits_as, .. } = &mut result.outcome {
            *waits_as = due.get(&result.row).map(|due| id::of_later(&run.record.id, *due, false));
        }
    }
    Ok(RunStory { plan, results: rows, notes, ..RunStory::of(&run.record) })
}

impl RunStory {
    /// What the record says: nothing of any row.
    pub(crate) fn of(record: &RunRecord) -> Self {
        Self {
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
            notes: record.notes.clone(),
        }
    }
}

/// The columns that results add stand behind the input's own: read from the right, whatever those are called.
fn outcomes(bytes: &[u8], succeeded: bool, rows: &mut Vec<RowResult>) -> anyhow::Result<()> {
    for record in csv::Reader::from_reader(bytes).records() {
        let record = record?;
        let cells: Vec<&str> = record.iter().collect();
        let (row, outcome) = match (succeeded, cells.as_slice()) {
            (true, [.., row, status, before, after, message]) => {
                let quota = |text: &str| text.parse().ok();
                let (before, after) = (quota(before), quota(after));
                let message = plain(message).into_owned();
                let outcome = match *status {
                    "applied" => Outcome::Applied { before, after },
                    "scheduled" => Outcome::Scheduled { before, after, run: None, message },
                    _ => Outcome::Unchanged { quota: before, message },
                };
                (row, outcome)
            }
            (false, [.., row, code, message]) => {
                let code = code.parse().map_err(anyhow::Error::msg)?;
                (row, Outcome::Failed(Problem { code, message: plain(message).into_owned() }))
            }
            _ => anyhow::bail!("a result has too few columns"),
        };
        rows.push(RowResult { row: row.parse()?, outcome });
    }
    Ok(())
}
