//! A run as mails, `runs` and `status` show it, put together from the files in its folder.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::run::{Run, RunRecord, id};
use super::stored::{DamagedFile, plan_if_any};
use crate::change::codes::{Problem, RunState};
use crate::change::outcome::{Outcome, RowResult};
use crate::change::plan::Plan;
use crate::files;
use crate::files::csv_cell::without_inert_mark;
use crate::files::read_if_there;

/// A run as mails and `runs` show it.
#[derive(Clone, Debug)]
pub(crate) struct RunSummary {
    /// The name of its folder: `20261122T180500Z-raise-emea`.
    pub id: String,
    /// The name of the dropped file.
    pub file: String,
    /// Where it stands.
    pub state: RunState,
    /// When it came to that state.
    pub at: DateTime<Utc>,
    /// What it would do, or did; empty when the file could not be read.
    pub plan: Plan,
    /// One for each row once they are known; empty for a held run.
    pub results: Vec<RowResult>,
    /// The first further columns of the file, by row, each as its header and the text: why somebody asked for it. Mails show them.
    pub carried: BTreeMap<usize, Vec<(String, String)>>,
    /// The run that the held rows were split off into.
    pub held_as: Option<String>,
    /// How many decisions were acted on: it can come to a state again.
    pub decided: u32,
    /// `inbox.apply` is false: what would be sent is not, and its outcomes say only that.
    pub planned_only: bool,
    /// It is rejected because nobody decided in time.
    pub expired: bool,
    /// Why it failed, went stale or was rejected, each a full sentence with the fix; and what else is to be known.
    pub notes: Vec<String>,
}

/// Reads a run's plan and results; both are empty as long as there are none.
pub(crate) fn summarize(run: &Run) -> anyhow::Result<RunSummary> {
    read_summary(run, plan_if_any(run)?.unwrap_or_default(), run.record.notes.clone())
}

/// The same for a person who looks at the run: a plan that is not what was planned is not shown, and that is said.
pub(crate) fn summarize_for_display(run: &Run) -> anyhow::Result<RunSummary> {
    match plan_if_any(run) {
        Err(error) if error.is::<DamagedFile>() => {
            let notes = run.record.notes.iter().cloned().chain([error.to_string()]);
            read_summary(run, Plan::default(), notes.collect())
        }
        plan => read_summary(run, plan?.unwrap_or_default(), run.record.notes.clone()),
    }
}

fn read_summary(run: &Run, plan: Plan, notes: Vec<String>) -> anyhow::Result<RunSummary> {
    let mut rows = Vec::new();
    for (name, succeeded) in [("success.csv", true), ("error.csv", false)] {
        if let Some(bytes) = read_if_there(&run.path(name), files::ROWS)? {
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
    Ok(RunSummary { plan, results: rows, notes, ..RunSummary::from_record(&run.record) })
}

impl RunSummary {
    /// As mails show it: what is only planned came to its end, and is a plan.
    pub(crate) fn shown_state(&self) -> RunState {
        if self.planned_only { RunState::Planned } else { self.state }
    }

    /// What a file would do, or why it cannot be used, that became no run.
    pub(crate) fn of_preview(
        file: &str,
        planned: Result<Plan, Vec<String>>,
        carried: BTreeMap<usize, Vec<(String, String)>>,
        at: DateTime<Utc>,
    ) -> Self {
        let (state, plan, notes) = match planned {
            Ok(plan) => (RunState::Planned, plan, Vec::new()),
            Err(problems) => (RunState::Failed, Plan::default(), problems),
        };
        Self {
            id: String::new(),
            file: file.to_owned(),
            state,
            at,
            plan,
            results: Vec::new(),
            carried,
            held_as: None,
            decided: 0,
            planned_only: false,
            expired: false,
            notes,
        }
    }

    /// What the record says: nothing of any row.
    pub(crate) fn from_record(record: &RunRecord) -> Self {
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
            expired: record.expired_after.is_some(),
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
                let message = without_inert_mark(message).into_owned();
                let outcome = match *status {
                    "applied" => Outcome::Applied { before, after },
                    "scheduled" => Outcome::Scheduled { before, after, run: None, message },
                    _ => Outcome::Unchanged { quota: before, message },
                };
                (row, outcome)
            }
            (false, [.., row, code, message]) => {
                let code = code.parse().map_err(anyhow::Error::msg)?;
                (row, Outcome::Failed(Problem { code, message: without_inert_mark(message).into_owned() }))
            }
            _ => anyhow::bail!("a result has too few columns"),
        };
        rows.push(RowResult { row: row.parse()?, outcome });
    }
    Ok(())
}
