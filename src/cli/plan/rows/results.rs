//! The outcome of a run's rows, for a terminal.

use std::collections::HashMap;

use super::{LISTED_OF_MANY, Layout, Show, limited_rows};
use crate::change::{Code, Outcome, Plan, PlanRow, Problem, RowResult, Verdict};
use crate::cli::plan::style::Style;

/// The results of a run list so many rows of a section, and JSON has them all.
const LISTED: usize = 20;
/// Results of more rows than this are summarized.
const MANY: usize = 100;

/// What became of each row that was to change something: what was not done first.
pub(in crate::cli) fn results(plan: &Plan, results: &[RowResult], style: Style) -> String {
    let outcomes: HashMap<usize, &Outcome> =
        results.iter().map(|result| (result.row, &result.outcome)).collect();
    let (mut failed, mut applied) = (Vec::new(), Vec::new());
    for row in &plan.rows {
        match outcomes.get(&row.row) {
            // These wait in a run of their own.
            Some(Outcome::Failed(Problem { code: Code::Held, .. }))
                if matches!(row.verdict, Verdict::Held(_)) => {}
            Some(Outcome::Failed(problem)) => {
                let verdict = Verdict::Refused(problem.clone());
                failed.push(PlanRow { verdict, warnings: Vec::new(), ..row.clone() });
            }
            Some(Outcome::Applied { before, after }) => {
                let (before, after) = (*before, *after);
                applied.push(PlanRow {
                    verdict: Verdict::Send,
                    warnings: Vec::new(),
                    before,
                    after,
                    ..row.clone()
                });
            }
            // A note of the run says where the rest waits.
            Some(Outcome::Unchanged { .. } | Outcome::Scheduled { .. }) | None => {}
        }
    }
    let many = failed.len() + applied.len() > MANY;
    let limits = if many { LISTED_OF_MANY } else { (LISTED, LISTED) };
    applied.sort_by_key(PlanRow::danger);
    let layout = Layout::new(failed.iter().chain(&applied), plan, style, "--format json");
    let applied: Vec<&PlanRow> = applied.iter().collect();
    let mut text = not_done(&failed, limits.0, &layout);
    if !applied.is_empty() {
        text += &limited_rows("Applied", &applied, (&[], ""), limits.1, &Show::new(&layout));
    }
    text
}

/// What was not done. Rows with the same reason, such as those that fall together with refused ones, say it once.
fn not_done(rows: &[PlanRow], limit: usize, layout: &Layout) -> String {
    let mut by_reason: Vec<(&str, Vec<&PlanRow>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let Verdict::Refused(problem) = &row.verdict else { continue };
        let place = *places.entry(&problem.message).or_insert(by_reason.len());
        match by_reason.get_mut(place) {
            Some((_, rows)) => rows.push(row),
            None => by_reason.push((&problem.message, vec![row])),
        }
    }
    let (alone, shared): (Vec<_>, Vec<_>) = by_reason.into_iter().partition(|(_, rows)| rows.len() == 1);
    let alone: Vec<&PlanRow> = alone.into_iter().flat_map(|(_, rows)| rows).collect();
    let show = Show::new(layout);
    let mut text = String::new();
    if !alone.is_empty() {
        text += &limited_rows("Not done", &alone, (&[], ""), limit, &show);
    }
    for (reason, rows) in shared {
        let show = Show { reason: Some(reason), why: false, ..show };
        text += &limited_rows("Not done, for one reason", &rows, (&[], ""), limit, &show);
    }
    text
}
