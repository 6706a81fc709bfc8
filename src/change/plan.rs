//! A change file and what is live → the plan: what would be sent, what would not, and why.
//!
//! Pure: the same file, quotas and limits make the same plan. To add a reason for holding a row see [`guards`]; what falls
//! together is in [`binding`].

mod binding;
mod consequences;
mod context;
mod draft;
pub(in crate::change) mod effective;
pub(crate) mod guards;
mod model;
mod row;
mod set_by;
mod stale;
mod totals;
mod vanished;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use self::binding::RowsByOrganization;
pub(crate) use self::context::PlanContext;
use self::draft::{Found, draft, judge};
pub(crate) use self::model::{Counts, Plan, PlanOrganization, hash};
pub(crate) use self::row::{GuardHit, NoChange, PlanRow, Verdict, is_decrease, plain_quota};
pub(crate) use self::set_by::SetByRuns;
pub(crate) use self::stale::staleness;
use self::totals::touched_organizations;
pub(crate) use self::vanished::VanishedQuotas;
use super::parse::{ChangeFile, Record, TargetRef};
use super::resolve::VisibleTargets;
use crate::change::codes::{Code, Problem};
use crate::domain::quota::{OrgId, Place, Snapshot};
use crate::text::words::rows_text;

/// Holds each row of the file against what is live. Rows that take effect later are planned apart, for their time, and
/// as if what takes effect before them were done.
pub(crate) fn plan(file: &ChangeFile, live: &Snapshot, context: &PlanContext<'_>) -> Plan {
    let mut visible = VisibleTargets::new(live, &file.columns);
    let mut organizations = RowsByOrganization::default();
    let mut rows = Vec::with_capacity(file.records.len());
    let mut later: BTreeMap<DateTime<Utc>, Vec<(&Record, Found<'_>)>> = BTreeMap::new();
    for (index, record) in file.records.iter().enumerate() {
        let found = interpret_row(record, &mut visible, live, file, context);
        match &found.target {
            Ok(place) => organizations.add(index, &place.organization.id),
            Err(_) => organizations.add_refused(index, &visible.organizations(target_ref(record))),
        }
        match found.due() {
            None => rows.push(draft(record, found, live, &file.columns, context)),
            Some(due) => later.entry(due).or_default().push((record, found)),
        }
    }
    check_portion(&mut rows, live, context);
    let mut live_then = Cow::Borrowed(live);
    let mut done = 0;
    for portion in later.into_values() {
        if done < rows.len() {
            live_then = Cow::Owned(effective::with_rows_done(live_then.into_owned(), &rows[done..]));
            done = rows.len();
        }
        for (record, found) in portion {
            let place_then =
                |place: Place<'_>| live_then.place(&place.target()).expect("its targets are the same");
            let target = found.target.map(place_then);
            rows.push(draft(record, Found { target, ..found }, &live_then, &file.columns, context));
        }
        check_portion(&mut rows[done..], &live_then, context);
    }
    rows.sort_by_key(|row| row.row);
    binding::bind(&mut rows, organizations, context.mode);
    let organizations = touched_organizations(&rows, live);
    let sha256 = hash(&rows);
    Plan { rows, organizations, sha256 }
}

/// Judges rows that take effect at the same time beside each other.
fn check_portion(rows: &mut [PlanRow], live: &Snapshot, context: &PlanContext<'_>) {
    refuse_duplicates(rows);
    guards::check(rows, live, context);
}

/// What a plan needs to know beyond the quotas.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The organizations in which rows may change something: those whose usage counts.
    pub organizations: BTreeSet<OrgId>,
    /// The organizations in which a quota counts that the answer may lack: that of a row's target, or those of all account groups, whose
    /// sum guards compare with the organization's own.
    pub all_must_show: BTreeSet<OrgId>,
    /// The organizations in which rows lower a quota, or set a first one: those whose usage must be right.
    pub lowered: BTreeSet<OrgId>,
    /// Whether a row may expect another quota than is there: who set that one is worth a word.
    pub is_stale: bool,
}

/// Looks at each row by itself, which takes a fraction of the time of a plan.
pub(crate) fn outline(file: &ChangeFile, live: &Snapshot, context: &PlanContext<'_>) -> Outline {
    let mut visible = VisibleTargets::new(live, &file.columns);
    let mut outline = Outline::default();
    let mut last = None;
    for record in &file.records {
        let found = interpret_row(record, &mut visible, live, file, context);
        let (is_later, known) = (found.due().is_some(), found.known_place(record));
        let (after, verdict) = judge(record, found, live, &file.columns, context);
        if let Some(place) = known
            && last != Some(&place.organization.id)
            && (place.quota().is_none() || guards::is_summed(place, after, context))
        {
            last = Some(&place.organization.id);
            outline.all_must_show.insert(place.organization.id.clone());
        }
        // What a row meets later depends on the rows before it.
        outline.is_stale |=
            is_later || matches!(&verdict, Verdict::Refused(problem) if problem.code == Code::Stale);
        let org_id = known.map(|place| &place.organization.id);
        let before = known.and_then(Place::quota);
        if let Some(org_id) = org_id.filter(|org_id| {
            after.is_some_and(|after| before.is_none_or(|before| after < before))
                && !outline.lowered.contains(*org_id)
        }) {
            outline.lowered.insert(org_id.clone());
        }
        let org_id = org_id.filter(|_| is_later || !matches!(verdict, Verdict::Unchanged(_)));
        if let Some(org_id) = org_id.filter(|org_id| !outline.organizations.contains(*org_id)) {
            outline.organizations.insert(org_id.clone());
        }
    }
    outline
}

fn target_ref(record: &Record) -> &TargetRef {
    match &record.change {
        Ok(change) => &change.whose,
        Err(bad) => &bad.whose,
    }
}

/// What a row means, and when it takes effect.
fn interpret_row<'s>(
    record: &Record,
    visible: &mut VisibleTargets<'s>,
    live: &Snapshot,
    file: &ChangeFile,
    context: &PlanContext<'_>,
) -> Found<'s> {
    let target = visible.find(target_ref(record));
    let due = match (&record.change, &target) {
        (Ok(change), Ok(place)) => {
            effective::due_at(change.effective, *place, live.taken_at, &file.columns, context)
        }
        _ => Ok(None),
    };
    let quota_now = target.as_ref().ok().copied().and_then(Place::quota);
    Found { target, due, quota_now }
}

/// Which of two rows is meant is a guess, so both are refused; so is a good row beside one that can't be read.
fn refuse_duplicates(rows: &mut [PlanRow]) {
    let mut order: Vec<usize> = (0..rows.len()).filter(|index| rows[*index].target.is_some()).collect();
    order.sort_by(|a, b| rows[*a].target.cmp(&rows[*b].target));
    let chunks = order.chunk_by(|a, b| rows[*a].target == rows[*b].target);
    let twice: Vec<&[usize]> = chunks.filter(|indices| indices.len() > 1).collect();
    for indices in twice {
        let numbers: Vec<usize> = indices.iter().map(|index| rows[*index].row).collect();
        for index in indices {
            let row = &mut rows[*index];
            if matches!(&row.verdict, Verdict::Refused(problem) if problem.code == Code::BadRow) {
                continue;
            }
            let others = numbers.iter().copied().filter(|number| *number != row.row);
            let others = rows_text(others, numbers.len() - 1);
            let Some(target) = &row.target else { continue };
            row.verdict = Verdict::Refused(Problem {
                code: Code::Duplicate,
                message: format!("{target} is also in {others}. Keep one of them."),
            });
        }
    }
}

/// So many digits of a plan's hash as people compare and copy.
pub(crate) fn short_hash(sha256: &str) -> &str {
    sha256.get(..8).unwrap_or(sha256)
}

#[cfg(test)]
mod tests;
