//! A change file and what is live → the plan: what would be sent, what would not, and why.
//!
//! Pure: the same file, quotas and limits make the same plan. To add a reason for holding a row see `guard`; what
//! falls together is in `bind`.

mod set_by;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub(crate) use self::set_by::SetByRuns;
use super::effective;
use super::parse::{ChangeFile, Columns, Field, Record, RowChange, Value};
use super::resolve::Visible;
use super::run::sha256;
use super::{Action, Code, NoChange, Plan, PlanOrganization, PlanRow, Problem, Verdict, binding, guard};
use crate::collect::top_consumers::LargestTests;
use crate::config::{Guards, Mode};
use crate::domain::diff::SentRow;
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{
    self, OrgId, Organization, Snapshot, SnapshotRow, Target, Units, UsageRule, grouped, quota_text,
};
use crate::text::words;

/// What a plan is made with, besides the file and what is live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanContext<'a> {
    pub guards: &'a Guards,
    pub mode: Mode,
    pub rule: &'a UsageRule,
    /// The file restores what a run changed: exempt from the guards for share and sum, and from no other.
    pub undo: bool,
    /// The zone in which the days of `effective` begin.
    pub zone: Tz,
    /// Where the units of the targets go, to name in what holds a row.
    pub largest: &'a LargestTests,
    /// What the targets had used when their last billing cycle ended.
    pub last_cycle: &'a LastCycle,
    /// What runs set, to say who changed a quota that is not what the editor saw.
    pub set_by: &'a SetByRuns,
    /// When a run that waits for its time is due, whatever its rows say: `next_cycle` would move on with the cycles.
    pub due: Option<DateTime<Utc>>,
}

impl<'a> PlanContext<'a> {
    /// Of an ordinary file, with its days in UTC, and nothing known of single tests.
    pub(crate) fn new(guards: &'a Guards, mode: Mode, rule: &'a UsageRule) -> Self {
        Self {
            guards,
            mode,
            rule,
            undo: false,
            zone: Tz::UTC,
            largest: LargestTests::none(),
            last_cycle: LastCycle::none(),
            set_by: SetByRuns::none(),
            due: None,
        }
    }
}

/// What a row's ids mean, and when it takes effect.
struct Found {
    target: Result<Target, Problem>,
    due: Result<Option<DateTime<Utc>>, Problem>,
}

/// Holds each row of the file against what is live. Rows that take effect later are planned apart, for their time, and
/// as if what takes effect before them were done.
pub(crate) fn plan(file: &ChangeFile, live: &Snapshot, context: &PlanContext<'_>) -> Plan {
    let mut visible = Visible::new(live, &file.columns);
    let mut organizations = Vec::with_capacity(file.records.len());
    let mut portions: BTreeMap<Option<DateTime<Utc>>, Vec<(&Record, Found)>> = BTreeMap::new();
    for record in &file.records {
        let whose = match &record.change {
            Ok(change) => &change.whose,
            Err(bad) => &bad.whose,
        };
        let found = visible.find(whose);
        let due = match (&record.change, &found) {
            (Ok(change), Ok(row)) => {
                effective::due(change.effective, row, live.taken_at, &file.columns, context)
            }
            _ => Ok(None),
        };
        organizations.push(visible.organization(whose));
        let portion = due.as_ref().copied().unwrap_or_default();
        portions
            .entry(portion)
            .or_default()
            .push((record, Found { target: found.map(|row| row.target), due }));
    }
    let now = live;
    let mut live = Cow::Borrowed(now);
    let mut rows = Vec::with_capacity(file.records.len());
    for portion in portions.into_values() {
        let mut drafts: Vec<PlanRow> = portion
            .into_iter()
            .map(|(record, found)| draft(record, found, &live, &file.columns, context))
            .collect();
        refuse_duplicates(&mut drafts);
        guard::check(&mut drafts, &live, context);
        if drafts.len() < file.records.len() {
            live = Cow::Owned(effective::done(live.into_owned(), &drafts));
        }
        rows.append(&mut drafts);
    }
    rows.sort_by_key(|row| row.row);
    binding::bind(&mut rows, &organizations, context.mode);
    let organizations = touched(&rows, now);
    let sha256 = hash(&rows);
    Plan { rows, organizations, sha256 }
}

/// One row on its own: refused, unchanged, or to be sent as far as nothing else speaks against it.
fn draft(
    record: &Record,
    found: Found,
    live: &Snapshot,
    columns: &Columns,
    context: &PlanContext<'_>,
) -> PlanRow {
    let Found { target, due } = found;
    let rule = context.rule;
    let found = target.map(|target| live.row(&target).expect("it was found there"));
    let mut row = PlanRow {
        row: record.row,
        action: Action::Assign,
        target: None,
        org_name: String::new(),
        account_group_name: String::new(),
        before: None,
        after: None,
        used: None,
        projected: None,
        written: String::new(),
        due: due.as_ref().copied().unwrap_or_default(),
        comment: String::new(),
        verdict: Verdict::Send,
        warnings: Vec::new(),
    };
    let is_known = record.change.as_ref().err().is_none_or(|bad| bad.ids_are_good);
    if let (Ok(found), true) = (&found, is_known) {
        row.target = Some(found.target.clone());
        row.org_name = found.org_name.clone().into_owned();
        row.account_group_name = found.account_group_name.clone().into_owned();
        row.before = found.quota;
        let usage = effective::usage(found, live, row.due);
        row.used = rule.used(&usage);
        row.projected = rule.projected(&usage);
    }
    let change = match &record.change {
        Ok(change) => change,
        Err(bad) => {
            row.verdict = Verdict::Refused(all(&bad.problems));
            return row;
        }
    };
    row.action = change.action;
    row.comment.clone_from(&change.comment);
    match change.value {
        Some(Value::Units(units)) => row.after = Some(units),
        Some(Value::OfPlan(share)) => row.written = share.to_string(),
        None => {}
    }
    let after = found.and_then(|found| {
        due?;
        asked(change, &found, live, columns, rule)
    });
    match after {
        Ok(after) => row.after = after,
        Err(problem) => {
            row.verdict = Verdict::Refused(problem);
            return row;
        }
    }
    let asks_for_none = change.action == Action::Assign && row.after.is_none();
    if change.expected == Some(row.after) {
        // Not "asked to be what it was": whatever it is by now, the editor left it alone.
        row.after = row.before;
        row.verdict = Verdict::Unchanged(NoChange::NotEdited);
    } else if let Some(why) = row.target.as_ref().and_then(|target| live.unreadable(target)) {
        // Unknown is not "none": whatever is planned from here on would be a guess.
        row.verdict = Verdict::Refused(Problem {
            code: Code::UnknownTarget,
            message: format!(
                "the live quota is not known, because the API's answer cannot be read here: {}. Try again later; if it stays \
                 so, report it to ThousandEyes.",
                words::clean(why, 160)
            ),
        });
    } else if row.after == row.before {
        // Also where the expectation is wrong: somebody, perhaps this same file, has already made it so.
        row.verdict = Verdict::Unchanged(NoChange::AlreadySo);
    } else if asks_for_none {
        row.verdict = Verdict::Refused(Problem::in_column(
            Code::BadRow,
            columns.name(Field::Value),
            "`none` is not a quota. To remove the quota, make the action unassign and empty the cell.",
        ));
    } else if let Some(expected) = change.expected.filter(|expected| *expected != row.before) {
        let who = row.target.as_ref().and_then(|target| context.set_by.who_set(target, row.before));
        row.verdict = Verdict::Refused(Problem {
            code: Code::Stale,
            message: format!(
                "`{column}` is `{}`, but the quota is `{live}` now. {}: look at it again, then put `{live}` into `{column}`.",
                plain_quota(expected),
                who.map_or_else(|| "Somebody changed it since".to_owned(), |who| set_by(who, context.zone)),
                column = columns.name(Field::Expected),
                live = plain_quota(row.before)
            ),
        });
    } else {
        row.warnings.extend(effective::past(change.effective, live.taken_at, context));
    }
    row
}

/// Which run set a quota, and when.
fn set_by(row: &SentRow, zone: Tz) -> String {
    let at = words::moment(row.verified.unwrap_or(row.sent), zone);
    format!("Run {} set that on {at} {zone}", row.run)
}

/// The quota that a row asks for, in units. The share of a plan is told by the organization's own row.
fn asked(
    change: &RowChange,
    found: &SnapshotRow,
    live: &Snapshot,
    columns: &Columns,
    rule: &UsageRule,
) -> Result<Option<Units>, Problem> {
    let share = match change.value {
        None => return Ok(None),
        Some(Value::Units(units)) => return Ok(Some(units)),
        Some(Value::OfPlan(share)) => share,
    };
    let org_id = &found.target.org_id;
    let refused = |why: String| {
        Problem::in_column(Code::BadRow, columns.name(Field::Value), &format!("`{share}` {why}"))
    };
    let own = live.row(&Target { org_id: org_id.clone(), aid: None });
    let plan = rule.plan(own.as_ref().and_then(|own| own.plan_units)).filter(|plan| *plan >= 0);
    let (Some(own), Some(plan)) = (own, plan) else {
        return Err(refused(format!(
            "needs the contracted plan of organization {org_id}, which is not known, because its usage could not be read or \
             names no plan. Type the number of units."
        )));
    };
    if rule.looks_mismatched(&own) {
        return Err(refused(format!(
            "needs the contracted plan of organization {org_id}, but that ({}) and its quota ({}) look counted in \
             different units. Type the number of units, or set usage.units_per_quota_unit.",
            grouped(plan),
            quota_text(own.quota)
        )));
    }
    let units = share.of(plan).ok_or_else(|| {
        refused(format!("of {} is too large for a quota. Type the number of units.", grouped(plan)))
    })?;
    Ok(Some(units))
}

/// A row has one code and one message, however much is wrong with it.
fn all(problems: &[Problem]) -> Problem {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    Problem {
        code: problems.first().map_or(Code::BadRow, |problem| problem.code),
        message: messages.join(" "),
    }
}

/// Which of two rows is meant is a guess, so both are refused; so is a good row beside one that can't be read.
fn refuse_duplicates(rows: &mut [PlanRow]) {
    let mut by_target: HashMap<Target, Vec<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(target) = &row.target {
            by_target.entry(target.clone()).or_default().push(index);
        }
    }
    for (target, indices) in by_target.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let numbers: Vec<usize> = indices.iter().map(|index| rows[*index].row).collect();
        for index in indices {
            let row = &mut rows[index];
            if matches!(&row.verdict, Verdict::Refused(problem) if problem.code == Code::BadRow) {
                continue;
            }
            let others = numbers.iter().copied().filter(|number| *number != row.row);
            let others = rows_text(others, numbers.len() - 1);
            row.verdict = Verdict::Refused(Problem {
                code: Code::Duplicate,
                message: format!("{target} is also in {others}. Keep one of them."),
            });
        }
    }
}

/// `row 3`, `rows 3 and 7`, `rows 3, 7, 8 and 12 more`. Takes no more of the numbers than it shows.
pub(super) fn rows_text(mut numbers: impl Iterator<Item = usize>, count: usize) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = numbers.by_ref().take(SHOWN).map(|number| number.to_string()).collect();
    let last = if count > SHOWN { Some(format!("{} more", count - SHOWN)) } else { shown.pop() };
    let word = if count == 1 { "row" } else { "rows" };
    match (shown.join(", "), last.unwrap_or_default()) {
        (first, last) if first.is_empty() => format!("{word} {last}"),
        (first, last) => format!("{word} {first} and {last}"),
    }
}

/// A quota as a cell holds it: digits, or `none`.
pub(super) fn plain_quota(quota: Option<Units>) -> String {
    quota.map_or_else(|| "none".to_owned(), |units| units.to_string())
}

/// What the pending rows ask for, by target.
pub(super) type Asked<'a> = HashMap<&'a Target, Option<Units>>;

/// The organizations that any row is about.
fn touched(rows: &[PlanRow], live: &Snapshot) -> Vec<PlanOrganization> {
    let ids: BTreeSet<&OrgId> = rows.iter().filter_map(|row| Some(&row.target.as_ref()?.org_id)).collect();
    let asked: Asked<'_> = rows
        .iter()
        .filter(|row| row.is_pending())
        .filter_map(|row| Some((row.target.as_ref()?, row.after)))
        .collect();
    let seen = ids.into_iter().filter_map(|org_id| live.organization(org_id));
    seen.map(|seen| organization(seen, &asked)).collect()
}

/// One organization before and after.
pub(super) fn organization(seen: &Organization, asked: &Asked<'_>) -> PlanOrganization {
    let after = |row: SnapshotRow<'_>| asked.get(&row.target).copied().unwrap_or(row.quota);
    PlanOrganization {
        org_id: seen.id.clone(),
        name: seen.name.to_string(),
        quota: seen.own_row().and_then(after),
        plan_units: seen.own.as_ref().and_then(|own| own.plan_units),
        allocated_before: seen.allocated(),
        allocated_after: quota::sum(seen.group_rows().filter_map(after)),
    }
}

/// SHA-256 over the sorted `org_id,aid,before,after` lines (with the time, where it is not now) of all rows that are to be sent or held.
pub(crate) fn hash(rows: &[PlanRow]) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .filter(|row| row.is_pending())
        .filter_map(|row| {
            let Target { org_id, aid } = row.target.as_ref()?;
            let aid = aid.as_ref().map_or("", |aid| aid.as_str());
            // When it is to happen is a part of what a person approves.
            let due = row.due.map_or_else(String::new, |due| format!(",{}", due.to_rfc3339()));
            Some(format!("{org_id},{aid},{},{}{due}\n", plain_quota(row.before), plain_quota(row.after)))
        })
        .collect();
    lines.sort_unstable();
    sha256(lines.concat().as_bytes())
}

/// How many rows of a plan do what. The first four count what is to be sent or held; those add up, with unchanged and
/// refused, to all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub raises: usize,
    pub decreases: usize,
    /// First quotas.
    pub new: usize,
    /// Quotas taken off.
    pub removed: usize,
    pub unchanged: usize,
    pub refused: usize,
    /// How many of the first four wait for approval.
    pub held: usize,
}

impl Plan {
    /// Rows that are sent now without asking anybody.
    pub(crate) fn to_send(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Send && row.due.is_none())
    }

    /// Rows that nobody has to be asked about, and that wait for their time.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Send && row.due.is_some())
    }

    /// Rows that wait for approval.
    pub(crate) fn held(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Held(_)))
    }

    /// Rows that are never sent.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Refused(_)))
    }

    /// Nothing is to be sent, now or once a person approves.
    pub(crate) fn is_empty(&self) -> bool {
        !self.rows.iter().any(PlanRow::is_pending)
    }

    /// These rows as a plan of their own, with a hash of its own.
    pub(crate) fn only(&self, rows: &BTreeSet<usize>) -> Self {
        let rows: Vec<PlanRow> = self.rows.iter().filter(|row| rows.contains(&row.row)).cloned().collect();
        let touched: BTreeSet<&OrgId> =
            rows.iter().filter_map(|row| Some(&row.target.as_ref()?.org_id)).collect();
        let organizations =
            self.organizations.iter().filter(|own| touched.contains(&own.org_id)).cloned().collect();
        let sha256 = hash(&rows);
        Self { rows, organizations, sha256 }
    }

    /// The totals that people read first.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            match row.verdict {
                Verdict::Unchanged(_) => counts.unchanged += 1,
                Verdict::Refused(_) => counts.refused += 1,
                Verdict::Send | Verdict::Held(_) => {
                    counts.held += usize::from(row.verdict != Verdict::Send);
                    *match (row.before, row.after) {
                        (_, None) => &mut counts.removed,
                        (None, Some(_)) => &mut counts.new,
                        (Some(before), Some(after)) if after < before => &mut counts.decreases,
                        (Some(_), Some(_)) => &mut counts.raises,
                    } += 1;
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests;
