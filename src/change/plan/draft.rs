//! One row of a file by itself, against what is live: refused, unchanged, or to be sent as far as nothing else speaks against it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::context::PlanContext;
use super::effective;
use super::row::{Action, NoChange, PlanRow, Verdict, plain_quota};
use crate::change::parse::{Columns, Field, Record, RowChange, Value};
use crate::change::{Code, Problem};
use crate::domain::diff::SentRow;
use crate::domain::quota::{Snapshot, SnapshotRow, Target, Units, UsageRule, grouped, quota_text};
use crate::text::words;

/// What a row's ids mean, and when it takes effect.
pub(super) struct Found {
    pub(super) target: Result<Target, Problem>,
    pub(super) due: Result<Option<DateTime<Utc>>, Problem>,
}

/// One row on its own: refused, unchanged, or to be sent as far as nothing else speaks against it.
pub(super) fn draft(
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

/// The quota that a row asks for, in units. The organization's own row says what share of a plan is.
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
