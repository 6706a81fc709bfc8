//! One row of a file by itself, against what is live: refused, unchanged, or to be sent as far as nothing else speaks against it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::context::PlanContext;
use super::effective;
use super::row::{Action, NoChange, PlanRow, Verdict, plain_quota};
use crate::change::codes::{Code, Problem};
use crate::change::parse::{Columns, Field, Record, RowChange, Value};
use crate::domain::diff::SentRow;
use crate::domain::quota::{Place, Snapshot, Units, UsageRule};
use crate::text::words;
use crate::text::words::{grouped, quota_text};

/// What a row's ids mean, and when it takes effect.
pub(super) struct Found<'s> {
    pub(super) target: Result<Place<'s>, Problem>,
    pub(super) due: Result<Option<DateTime<Utc>>, Problem>,
    /// The quota as it is now, whatever rows of the file that take effect before it will have made of it.
    pub(super) quota_now: Option<Units>,
}

impl<'s> Found<'s> {
    /// The target of a row whose ids can be read.
    pub(super) fn known_place(&self, record: &Record) -> Option<Place<'s>> {
        let is_known = record.change.as_ref().err().is_none_or(|bad| bad.ids_are_good);
        self.target.as_ref().ok().copied().filter(|_| is_known)
    }

    pub(super) fn due(&self) -> Option<DateTime<Utc>> {
        self.due.as_ref().copied().unwrap_or_default()
    }
}

/// One row on its own, against `live`, in which its target was found.
pub(super) fn draft(
    record: &Record,
    found: Found<'_>,
    live: &Snapshot,
    columns: &Columns,
    context: &PlanContext<'_>,
) -> PlanRow {
    let rule = context.rule;
    let (known, due) = (found.known_place(record), found.due());
    let usage = known.map(|known| effective::usage(known, due));
    let (after, verdict) = judge(record, found, live, columns, context);
    let change = record.change.as_ref().ok();
    PlanRow {
        row: record.row,
        action: change.map_or(Action::Assign, |change| change.action),
        target: known.map(Place::target),
        org_name: known.map_or("", Place::org_name).to_owned(),
        account_group_name: known.map_or("", Place::account_group_name).to_owned(),
        named: if known.is_some() { String::new() } else { named(record) },
        before: known.and_then(Place::quota),
        after,
        used: usage.and_then(|usage| rule.used(&usage)),
        projected: usage.and_then(|usage| rule.projected(&usage)),
        written: match change.and_then(|change| change.value) {
            Some(Value::OfPlan(share)) => share.to_string(),
            Some(Value::Units(_)) | None => String::new(),
        },
        due,
        comment: change.map_or_else(String::new, |change| change.comment.clone()),
        warnings: match (change, &verdict) {
            (Some(change), Verdict::Send) => {
                effective::past_day_warning(change.effective, live.taken_at, context).into_iter().collect()
            }
            _ => Vec::new(),
        },
        verdict,
    }
}

/// How a row names its target; not where half of that could not be read, which would name another one.
fn named(record: &Record) -> String {
    match &record.change {
        Ok(change) => change.whose.label(),
        Err(bad) if bad.ids_are_good => bad.whose.label(),
        Err(_) => String::new(),
    }
}

/// The quota that a row asks for, and whether it is refused, unchanged, or to be sent as far as nothing else speaks against it.
pub(super) fn judge(
    record: &Record,
    found: Found<'_>,
    live: &Snapshot,
    columns: &Columns,
    context: &PlanContext<'_>,
) -> (Option<Units>, Verdict) {
    let change = match &record.change {
        Ok(change) => change,
        Err(bad) => return (None, Verdict::Refused(combined(&bad.problems))),
    };
    let Found { target, due, quota_now } = found;
    let known = target.as_ref().ok().copied();
    let (before, target_of) = (known.and_then(Place::quota), || known.map(Place::target));
    let after = target.and_then(|found| {
        due?;
        requested_quota(change, found, columns, context.rule)
    });
    let after = match (after, change.value) {
        (Ok(after), _) => after,
        (Err(problem), Some(Value::Units(units))) => return (Some(units), Verdict::Refused(problem)),
        (Err(problem), _) => return (None, Verdict::Refused(problem)),
    };
    if change.expected == Some(after) {
        // Not "asked to be what it was": whatever it is by now, the editor left it alone.
        return (before, Verdict::Unchanged(NoChange::NotEdited));
    }
    let is_unexpected = || change.expected.is_some_and(|expected| expected != before);
    // Unknown is not "none": whatever is planned from here on would be a guess.
    let unreadable = if live.is_all_readable() { None } else { target_of() };
    let verdict = if let Some(why) = unreadable.and_then(|target| live.unreadable(&target)) {
        Verdict::Refused(Problem {
            code: Code::UnknownTarget,
            message: format!(
                "the live quota is not known, because the API's answer cannot be read here: {}. Try again later; if it stays \
                 so, report it to ThousandEyes.",
                words::clean(why, 160)
            ),
        })
    } else if let Some(message) = vanished_quota_note(known.filter(|_| before.is_none()), context)
        .filter(|_| after == before || is_unexpected())
    {
        // A first quota is for a person to decide on: the guard of what is unknown holds it.
        Verdict::Refused(Problem { code: Code::UnknownTarget, message })
    } else if after == before {
        // Also where the expectation is wrong: somebody, perhaps this same file, has already made it so.
        Verdict::Unchanged(NoChange::AlreadySo)
    } else if change.action == Action::Assign && after.is_none() {
        Verdict::Refused(Problem::in_column(
            Code::BadRow,
            columns.name(Field::Value),
            "`none` is not a quota. To remove the quota, change the action to unassign and clear the cell.",
        ))
    } else if let Some(expected) = change.expected.filter(|expected| *expected != before) {
        let message = stale_note(expected, known, quota_now, columns, context);
        Verdict::Refused(Problem { code: Code::Stale, message })
    } else {
        Verdict::Send
    };
    (after, verdict)
}

/// What a row meets that expects another quota, and what to type instead.
fn stale_note(
    expected: Option<Units>,
    known: Option<Place<'_>>,
    quota_now: Option<Units>,
    columns: &Columns,
    context: &PlanContext<'_>,
) -> String {
    let (before, column) = (known.and_then(Place::quota), columns.name(Field::Expected));
    let (expected, live) = (plain_quota(expected), plain_quota(before));
    if before != quota_now {
        return format!(
            "`{column}` is `{expected}`, but a row of this file that takes effect before this one makes the quota `{live}`: put \
             `{live}` into `{column}`."
        );
    }
    let target = known.map(Place::target);
    let who = target.as_ref().and_then(|target| context.set_by.who_set(target, before));
    let who = who.map_or_else(|| "Somebody changed it since".to_owned(), |who| set_by(who, context.zone));
    format!(
        "`{column}` is `{expected}`, but the quota is `{live}` now. {who}: check it, then put `{live}` into `{column}`."
    )
}

/// Why "no quota" may be what an incomplete answer says.
fn vanished_quota_note(of: Option<Place<'_>>, context: &PlanContext<'_>) -> Option<String> {
    let org_id = &of?.organization.id;
    let gone = context.vanished.earlier(org_id)?.sentence(org_id, context.zone);
    Some(format!("the live quota is not known, because {gone}. Drop the file again later."))
}

/// Which run set a quota, and when.
fn set_by(row: &SentRow, zone: Tz) -> String {
    let at = words::moment(row.verified.unwrap_or(row.sent), zone);
    format!("Run {} set that on {at} {zone}", row.run)
}

/// The quota that a row asks for, in units. The organization's own row says what share of a plan is.
fn requested_quota(
    change: &RowChange,
    found: Place<'_>,
    columns: &Columns,
    rule: &UsageRule,
) -> Result<Option<Units>, Problem> {
    let share = match change.value {
        None => return Ok(None),
        Some(Value::Units(units)) => return Ok(Some(units)),
        Some(Value::OfPlan(share)) => share,
    };
    let org_id = &found.organization.id;
    let refused = |why: String| {
        Problem::in_column(Code::BadRow, columns.name(Field::Value), &format!("`{share}` {why}"))
    };
    let own = found.organization.own_row();
    let plan = rule.plan(own.as_ref().and_then(|own| own.plan_units)).filter(|plan| *plan >= 0);
    let (Some(own), Some(plan)) = (own, plan) else {
        return Err(refused(format!(
            "needs the contracted plan of organization {org_id}, which is not known, because its usage could not be read or \
             names no plan. Type the number of units."
        )));
    };
    if rule.looks_mismatched(&own) {
        return Err(refused(format!(
            "needs the contracted plan of organization {org_id}, but that ({}) and its quota ({}) seem to use \
             different units. Type the number of units, or set usage.units_per_quota_unit.",
            grouped(plan),
            quota_text(own.quota)
        )));
    }
    let units = share.units_of(plan).ok_or_else(|| {
        refused(format!("of {} is too large for a quota. Type the number of units.", grouped(plan)))
    })?;
    Ok(Some(units))
}

/// A row has one code and one message, however much is wrong with it.
fn combined(problems: &[(Option<Field>, Problem)]) -> Problem {
    let messages: Vec<&str> = problems.iter().map(|(_, problem)| problem.message.as_str()).collect();
    Problem {
        code: problems.first().map_or(Code::BadRow, |(_, problem)| problem.code),
        message: messages.join(" "),
    }
}
