//! A run as mails, `runs` and `status` tell it, put together from the files in its folder.

use std::collections::BTreeMap;

use super::run::Run;
use super::{Outcome, Plan, Problem, RowResult, RunStory, results};
use crate::files::csv_cell::plain;
use crate::files::read_if_there;

/// Reads a run's plan and results; both are empty as long as there are none.
pub(crate) fn story(run: &Run) -> anyhow::Result<RunStory> {
    let plan = match read_if_there(&run.path("plan.csv"))? {
        Some(bytes) => results::plan_from_csv(&bytes).map_err(anyhow::Error::msg)?,
        None => Plan::default(),
    };
    let mut rows = Vec::new();
    for (name, succeeded) in [("success.csv", true), ("error.csv", false)] {
        if let Some(bytes) = read_if_there(&run.path(name))? {
            outcomes(&bytes, succeeded, &mut rows)?;
        }
    }
    rows.sort_by_key(|result: &RowResult| result.row);
    let record = &run.record;
    Ok(RunStory {
        id: record.id.clone(),
        file: record.file.clone(),
        state: record.state,
        at: record.updated,
        plan,
        results: rows,
        carried: BTreeMap::new(),
        held_as: record.held_as.clone(),
        decided: record.decided,
        notes: record.notes.clone(),
    })
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
                let message = plain(message).to_owned();
                let outcome = match *status {
                    "applied" => Outcome::Applied { before, after },
                    "scheduled" => Outcome::Scheduled { before, after, message },
                    _ => Outcome::Unchanged { quota: before, message },
                };
                (row, outcome)
            }
            (false, [.., row, code, message]) => {
                let code = code.parse().map_err(anyhow::Error::msg)?;
                (row, Outcome::Failed(Problem { code, message: plain(message).to_owned() }))
            }
            _ => anyhow::bail!("a result has too few columns"),
        };
        rows.push(RowResult { row: row.parse()?, outcome });
    }
    Ok(())
}
