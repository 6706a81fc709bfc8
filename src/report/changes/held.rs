//! A run that waits for approval, in a few lines.

use serde::Serialize;

use crate::change::plan::short_hash;
use crate::change::{Guard, GuardHit, PlanRow, RunSummary, Verdict};
use crate::report::changes::row::name_and_id;
use crate::report::shared::{ReportContext, words};

/// A run that waits for a person, with the commands that decide.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HeldRun {
    pub run: String,
    pub file: String,
    pub rows: usize,
    /// The reason that weighs most, with the target's name, and how many rows have others.
    pub reason: String,
    /// When it is rejected if nobody decides: `Sun 29 Nov 2026, 07:55`.
    pub until: String,
    /// What an approval names: as many digits of the plan's SHA-256 as it takes.
    pub plan: String,
    pub approve: String,
    pub reject: String,
}

/// A held run, and how to decide on it.
pub(crate) fn held(summary: &RunSummary, context: &ReportContext) -> HeldRun {
    let rows = summary.plan.rows.iter().filter(|row| main_reason(row).is_some()).count();
    let plan = short_hash(&summary.plan.sha256);
    HeldRun {
        run: summary.id.clone(),
        file: words::clean(&summary.file, 60),
        rows,
        reason: reason(summary),
        until: context.until(summary.at),
        plan: plan.to_owned(),
        approve: format!("quotakeeper approve {} --plan {plan}", summary.id),
        reject: format!("quotakeeper reject {}", summary.id),
    }
}

/// Why a run is held: the reason that weighs most, with the target's name and organization, and how many rows have others.
pub(crate) fn reason(summary: &RunSummary) -> String {
    let reasons = || summary.plan.rows.iter().filter_map(|row| Some((row, main_reason(row)?)));
    // Guards are declared with what stops tests first; rows that are only bound to others say least.
    let telling = reasons().min_by_key(|(_, tripped)| tripped.guard);
    let others = reasons().filter(|(_, tripped)| tripped.guard != Guard::Bound).count().saturating_sub(1);
    telling.map_or_else(String::new, |(row, tripped)| {
        let message = words::clean(&tripped.message, 300);
        let name = name_and_id(row.target.as_ref(), &row.org_name, &row.account_group_name).0;
        let organization = words::clean(&row.org_name, 60);
        let reason = match (name.is_empty(), organization.is_empty() || organization == name) {
            (true, _) => message,
            (_, true) => format!("{name}: {message}"),
            // Another organization may have a group of this name.
            _ => format!("{organization} · {name}: {message}"),
        };
        match others {
            0 => reason,
            others => format!("{reason}. And {}.", words::counted(others, "more row")),
        }
    })
}

fn main_reason(row: &PlanRow) -> Option<&GuardHit> {
    match &row.verdict {
        Verdict::Held(tripped) => tripped.iter().min_by_key(|tripped| tripped.guard),
        _ => None,
    }
}
