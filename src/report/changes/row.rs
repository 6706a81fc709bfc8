//! One changed quota as reports show it, whoever changed it: before, after, what that does to headroom, and why.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::change::PlanRow;
use crate::domain::diff::{ByRun, Change, Diff, MadeBy};
use crate::domain::quota::{Snapshot, Target, Units, UsageRule};
use crate::report::changes::cause::Cause;
use crate::report::shared::{page_of, words};
use crate::text::words::grouped;

/// One changed, held or refused quota.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that templates ask for")]
pub(crate) struct ChangeRow {
    /// The row of the change file.
    pub row: Option<usize>,
    pub name: String,
    pub id: String,
    /// Where its page is; empty where it is not known.
    pub page: String,
    pub org_name: String,
    /// Of its organization; empty where a row names none.
    #[serde(skip)]
    pub org_id: String,
    /// When a run changed it, or the snapshot was taken that first shows it; none of what is planned.
    #[serde(skip)]
    pub at: Option<DateTime<Utc>>,
    pub before: Option<Units>,
    pub after: Option<Units>,
    /// Whether before and after are known at all; a row that could not be read has neither.
    pub is_change: bool,
    /// `1 060 headroom`, `2 480 short of the 3 480 projected`, `uncapped from now on`.
    pub effect: String,
    pub falls_short: bool,
    /// `7 900 used, 10 800 projected`; empty where the change is not one of a plan.
    pub usage: String,
    /// How the value was written where that is not its digits: `20% of plan`.
    pub written: String,
    /// When it takes effect, where that is not at once: `Tue 1 Dec 2026, 00:00`.
    pub due: String,
    /// `raise-trading.csv, run 20261121T133000Z-raise-trading`, or `outside quotakeeper, between …`; empty where the report says it once.
    pub who: String,
    /// The run that changed it, where `who` names one; else empty.
    pub run: String,
    pub outside: bool,
    pub comment: String,
    /// The further columns of the change file: `ticket: CHG-8841 · asked by: Ann`.
    pub carried: String,
    /// The guards' reasons, or why it was refused; without those that its section says once.
    pub why: Vec<String>,
    /// `287 rows for one reason: …`, or who made them, on the first of rows that share it; else empty.
    pub shared: String,
    /// What is in `why` and `who` stands above it, on the first of those that share it, or in the headline.
    pub is_explained: bool,
    pub warnings: Vec<String>,
    /// Only there because another row is held or refused: listed behind those.
    #[serde(skip)]
    pub falls_with_others: bool,
    /// What kind of reason it is held or refused for; none of a row that is neither.
    #[serde(skip)]
    pub cause: Option<Cause>,
    /// Sorts the most dangerous rows of a plan first.
    #[serde(skip)]
    pub danger: (Units, usize),
}

/// The largest of some changes of diffs, in that order, each with who made it and the headroom that the latest usage leaves.
pub(in crate::report) fn rows_of_changes<'d>(
    changes: impl IntoIterator<Item = (&'d Diff, &'d Change)>,
    at_most: usize,
    latest: &Snapshot,
    rule: &UsageRule,
    zone: Tz,
) -> Vec<ChangeRow> {
    let mut changes: Vec<_> = changes.into_iter().collect();
    changes.sort_by_key(|(_, change)| Reverse(size(change.before, change.after)));
    let listed = changes.into_iter().take(at_most);
    listed.map(|(diff, change)| row_of_change(change, diff, latest, rule, zone)).collect()
}

fn row_of_change(change: &Change, diff: &Diff, latest: &Snapshot, rule: &UsageRule, zone: Tz) -> ChangeRow {
    let needed = latest.row(&change.target).and_then(|row| rule.needed(&row.usage));
    let (who, run, comment, at) = match &change.made_by {
        MadeBy::Run(run) => {
            let ByRun { id, file, comment, at } = &**run;
            let file = if file.is_empty() { String::new() } else { format!("{}, ", words::clean(file, 60)) };
            (format!("{file}run {id}"), id.clone(), words::clean(comment, 120), *at)
        }
        MadeBy::Outside => {
            let who = format!("outside quotakeeper, {}", words::between(change.since, diff.to, zone));
            (who, String::new(), String::new(), diff.to)
        }
    };
    let (effect, falls_short) = effect(change.after, needed);
    let (name, id) = name_and_id(Some(&change.target), &change.org_name, &change.account_group_name);
    ChangeRow {
        row: None,
        name,
        id,
        page: page_of(&change.target),
        org_name: words::clean(&change.org_name, 60),
        org_id: change.target.org_id.to_string(),
        at: Some(at),
        before: change.before,
        after: change.after,
        is_change: true,
        effect,
        falls_short,
        who,
        run,
        outside: change.made_by == MadeBy::Outside,
        comment,
        carried: String::new(),
        why: Vec::new(),
        shared: String::new(),
        is_explained: false,
        warnings: Vec::new(),
        falls_with_others: false,
        cause: None,
        usage: String::new(),
        written: String::new(),
        due: String::new(),
        danger: (0, 0),
    }
}

pub(in crate::report) fn row_of_plan(
    row: &PlanRow,
    before: Option<Units>,
    after: Option<Units>,
    why: Vec<String>,
    zone: Tz,
) -> ChangeRow {
    let needed = row.used.zip(row.projected).map(|(used, projected)| used.max(projected));
    let is_change = row.is_understood();
    let (effect, falls_short) = if is_change { effect(after, needed) } else { (String::new(), false) };
    let (name, id) = name_and_id(row.target.as_ref(), &row.org_name, &row.account_group_name);
    ChangeRow {
        row: Some(row.row),
        name: if row.target.is_none() { words::clean(&row.named, 60) } else { name },
        id,
        page: row.target.as_ref().map_or_else(String::new, page_of),
        org_name: words::clean(&row.org_name, 60),
        org_id: row.target.as_ref().map_or_else(String::new, |target| target.org_id.to_string()),
        at: None,
        before,
        after,
        is_change,
        effect,
        falls_short,
        who: String::new(),
        run: String::new(),
        outside: false,
        comment: words::clean(&row.comment, 120),
        carried: String::new(),
        why,
        shared: String::new(),
        is_explained: false,
        warnings: row.warnings.iter().take(3).map(|warning| words::clean(warning, 200)).collect(),
        falls_with_others: row.falls_with_others(),
        cause: None,
        usage: if is_change { usage(row) } else { String::new() },
        written: words::clean(&row.written, 60),
        due: row.due.map_or_else(String::new, |due| words::moment(due, zone)),
        danger: row.danger(),
    }
}

fn usage(row: &PlanRow) -> String {
    match (row.used, row.projected) {
        (None, None) => String::new(), // `usage unknown` is said beside the change
        (used, projected) => {
            let figure = |units: Option<Units>| units.map_or_else(|| "unknown".to_owned(), grouped);
            format!("{} used, {} projected", figure(used), figure(projected))
        }
    }
}

/// What the quota leaves of what is needed, in words, and whether that is too little.
fn effect(after: Option<Units>, needed: Option<Units>) -> (String, bool) {
    match (after, needed) {
        (None, _) => ("usage becomes unlimited".to_owned(), false),
        (Some(_), None) => ("usage unknown".to_owned(), false),
        (Some(after), Some(needed)) if after < needed => (
            format!("{} short of the {} needed", grouped(needed.saturating_sub(after)), grouped(needed)),
            true,
        ),
        (Some(after), Some(needed)) => (format!("{} headroom", grouped(after.saturating_sub(needed))), false),
    }
}

/// Safe to show; an organization's own quota is shown by the organization's name.
pub(in crate::report) fn name_and_id(
    target: Option<&Target>,
    org_name: &str,
    account_group_name: &str,
) -> (String, String) {
    let Some(target) = target else { return (String::new(), String::new()) };
    let (name, id) = match &target.aid {
        Some(aid) => (account_group_name, aid.as_str()),
        None => (org_name, target.org_id.as_str()),
    };
    let (name, id) = (words::clean(name, 60), words::clean(id, 30));
    (if name.is_empty() { id.clone() } else { name }, id)
}

/// How much a change moves; a cap that comes or goes moves all of it.
pub(in crate::report) fn size(before: Option<Units>, after: Option<Units>) -> Units {
    after.unwrap_or(0).saturating_sub(before.unwrap_or(0)).saturating_abs()
}
