//! `plan.csv`: a plan as a file, and back, so that what was approved can be held against what would be done now.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::table;
use crate::change::codes::{Code, Guard, Problem};
use crate::change::parse::Action;
use crate::change::plan::{GuardHit, NoChange, Plan, PlanOrganization, PlanRow, Verdict, hash, plain_quota};
use crate::domain::quota::{Aid, OrgId, Target, Units};
use crate::files::csv_cell::without_inert_mark;

const COLUMNS: [&str; 22] = [
    "row",
    "action",
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "before",
    "after",
    "used",
    "projected",
    "headroom",
    "verdict",
    "guards",
    "message",
    "comment",
    "written",
    "effective",
    // Of the row's organization, the same on each of its rows: what the plan does to it as a whole.
    "org_quota",
    "org_plan_units",
    "org_allocated_before",
    "org_allocated_after",
    // How the row writes its target, where that was not found.
    "named",
];

/// Between the reasons and warnings of one row; a name in them that holds it loses it.
const BETWEEN: &str = " · ";

/// The plan, one line for each row. `verdict` is `send`, `unchanged`, `held` or the code of a refusal; `headroom` is
/// what would be left.
pub(crate) fn plan_csv(plan: &Plan) -> Vec<u8> {
    let number = |units: Option<Units>| units.map_or_else(String::new, |units| units.to_string());
    let organizations: HashMap<&OrgId, [String; 4]> = plan
        .organizations
        .iter()
        .map(|own| {
            let sums = [Some(own.allocated_before), Some(own.allocated_after)];
            let [before, after] = sums.map(number);
            (&own.org_id, [number(own.quota), number(own.plan_units), before, after])
        })
        .collect();
    let none = <[String; 4]>::default();
    table(&COLUMNS, |csv| {
        for row in &plan.rows {
            let (verdict, guards, messages) = verdict_cells(row);
            let (org_id, aid, before, after) = match &row.target {
                Some(target) => (
                    target.org_id.as_str(),
                    target.aid.as_ref().map_or("", |aid| aid.as_str()),
                    plain_quota(row.before),
                    if row.is_understood() { plain_quota(row.after) } else { String::new() },
                ),
                None => ("", "", String::new(), number(row.after)),
            };
            let own = row.target.as_ref().and_then(|target| organizations.get(&target.org_id));
            let [own_quota, own_plan, sum_before, sum_after] = own.unwrap_or(&none);
            csv.push(&[
                &row.row.to_string(),
                match row.action {
                    Action::Assign => "assign",
                    Action::Unassign => "unassign",
                },
                org_id,
                &row.org_name,
                aid,
                &row.account_group_name,
                &before,
                &after,
                &number(row.used),
                &number(row.projected),
                &number(row.headroom()),
                verdict,
                &guards.join(";"),
                &messages.join(BETWEEN),
                &row.comment,
                &row.written,
                &row.due.map_or_else(String::new, |due| due.to_rfc3339()),
                own_quota,
                own_plan,
                sum_before,
                sum_after,
                &row.named,
            ]);
        }
    })
}

/// The `verdict`, the guards, and the reasons followed by the warnings.
fn verdict_cells(row: &PlanRow) -> (&'static str, Vec<&'static str>, Vec<String>) {
    let mut guards = Vec::new();
    let mut messages = Vec::new();
    let verdict = match &row.verdict {
        Verdict::Send => "send",
        Verdict::Unchanged(why) => {
            messages.push(why.message(row.before));
            "unchanged"
        }
        Verdict::Refused(problem) => {
            messages.push(problem.message.clone());
            problem.code.as_str()
        }
        Verdict::Held(reasons) => {
            guards.extend(reasons.iter().map(|reason| reason.guard.as_str()));
            messages.extend(reasons.iter().map(|reason| reason.message.clone()));
            "held"
        }
    };
    messages.extend(row.warnings.iter().cloned());
    let messages = messages.iter().map(|text| text.replace(BETWEEN, " - ")).collect();
    (verdict, guards, messages)
}

#[derive(Deserialize)]
struct Line {
    row: usize,
    action: Action,
    org_id: String,
    org_name: String,
    aid: String,
    account_group_name: String,
    before: String,
    after: String,
    used: Option<Units>,
    projected: Option<Units>,
    verdict: String,
    guards: String,
    message: String,
    comment: String,
    #[serde(default)]
    written: String,
    /// None for now; a run of an earlier version knew nothing else.
    #[serde(default)]
    effective: Option<DateTime<Utc>>,
    /// The organization's totals; a run of an earlier version has none.
    #[serde(default)]
    org_quota: Option<Units>,
    #[serde(default)]
    org_plan_units: Option<Units>,
    #[serde(default)]
    org_allocated_before: Option<Units>,
    #[serde(default)]
    org_allocated_after: Option<Units>,
    #[serde(default)]
    named: String,
}

impl Line {
    /// The totals of the row's organization.
    fn organization(&self) -> Option<PlanOrganization> {
        if self.org_id.is_empty() {
            return None;
        }
        Some(PlanOrganization {
            org_id: OrgId::new(self.org_id.clone()),
            name: without_inert_mark(&self.org_name).into_owned(),
            quota: self.org_quota,
            plan_units: self.org_plan_units,
            allocated_before: self.org_allocated_before?,
            allocated_after: self.org_allocated_after?,
        })
    }
}

/// Reads what [`plan_csv`] wrote.
pub(crate) fn plan_from_csv(bytes: &[u8]) -> Result<Plan, String> {
    let (mut rows, mut organizations) = (Vec::new(), BTreeMap::new());
    let unreadable = |error: String| format!("plan.csv can't be read: {error}");
    for line in csv::Reader::from_reader(bytes).deserialize::<Line>() {
        let line = line.map_err(|error| unreadable(error.to_string()))?;
        if let Some(own) = line.organization() {
            organizations.insert(own.org_id.clone(), own);
        }
        rows.push(row(line).map_err(unreadable)?);
    }
    let sha256 = hash(&rows);
    Ok(Plan { rows, organizations: organizations.into_values().collect(), sha256 })
}

fn row(line: Line) -> Result<PlanRow, String> {
    let message = without_inert_mark(&line.message);
    let mut messages = message.split(BETWEEN).map(str::to_owned).filter(|text| !text.is_empty());
    let verdict = match line.verdict.as_str() {
        "send" => Verdict::Send,
        "unchanged" => {
            let is_edited = messages.next() != Some(NoChange::NotEdited.message(None));
            Verdict::Unchanged(if is_edited { NoChange::AlreadySo } else { NoChange::NotEdited })
        }
        "held" => {
            let reason = |name: &str| -> Result<GuardHit, String> {
                Ok(GuardHit { guard: name.parse::<Guard>()?, message: messages.next().unwrap_or_default() })
            };
            Verdict::Held(line.guards.split(';').map(reason).collect::<Result<_, _>>()?)
        }
        code => {
            let code: Code = code.parse()?;
            Verdict::Refused(Problem { code, message: messages.next().unwrap_or_default() })
        }
    };
    let target = (!line.org_id.is_empty()).then(|| Target {
        org_id: OrgId::new(line.org_id),
        aid: (!line.aid.is_empty()).then(|| Aid::new(line.aid)),
    });
    Ok(PlanRow {
        row: line.row,
        action: line.action,
        target,
        org_name: without_inert_mark(&line.org_name).into_owned(),
        account_group_name: without_inert_mark(&line.account_group_name).into_owned(),
        named: without_inert_mark(&line.named).into_owned(),
        before: quota(&line.before)?,
        after: quota(&line.after)?,
        used: line.used,
        projected: line.projected,
        written: without_inert_mark(&line.written).into_owned(),
        due: line.effective,
        comment: without_inert_mark(&line.comment).into_owned(),
        verdict,
        warnings: messages.collect(),
    })
}

fn quota(text: &str) -> Result<Option<Units>, String> {
    match text {
        "" | "none" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| format!("`{digits}` is not a quota")),
    }
}
