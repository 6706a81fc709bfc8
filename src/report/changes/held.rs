//! What waits for a person, in a few lines.

use serde::Serialize;

use crate::change::{Guard, GuardHit, PlanRow, RunStory, Verdict};
use crate::report::changes::row::name_and_id;
use crate::report::shared::{ReportContext, words};

/// A run that waits for a person, with the commands that decide.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Held {
    pub run: String,
    pub file: String,
    pub rows: usize,
    /// The first reason, with the target's name.
    pub reason: String,
    /// When it is rejected if nobody decides: `Sun 29 Nov 2026, 07:55`.
    pub until: String,
    /// What an approval names: as many digits of the plan's SHA-256 as it takes.
    pub plan: String,
    pub approve: String,
    pub reject: String,
}

/// A held run, and how to decide on it.
pub(crate) fn held(story: &RunStory, context: &ReportContext) -> Held {
    let reasons = || story.plan.rows.iter().filter_map(|row| Some((row, first_reason(row)?)));
    // Rows that are only bound to others say less than those that tripped a guard themselves.
    let telling = reasons().find(|(_, tripped)| tripped.guard != Guard::Bound).or_else(|| reasons().next());
    let reason = telling.map_or_else(String::new, |(row, tripped)| {
        let message = words::clean(&tripped.message, 300);
        match name_and_id(row.target.as_ref(), &row.org_name, &row.account_group_name).0 {
            name if name.is_empty() => message,
            name => format!("{name}: {message}"),
        }
    });
    let plan = story.plan.sha256.get(..8).unwrap_or_default();
    Held {
        run: story.id.clone(),
        file: words::clean(&story.file, 60),
        rows: reasons().count(),
        reason,
        until: context.until(story.at),
        plan: plan.to_owned(),
        approve: format!("quotakeeper approve {} --plan {plan}", story.id),
        reject: format!("quotakeeper reject {}", story.id),
    }
}

fn first_reason(row: &PlanRow) -> Option<&GuardHit> {
    match &row.verdict {
        Verdict::Held(tripped) => tripped.first(),
        _ => None,
    }
}
