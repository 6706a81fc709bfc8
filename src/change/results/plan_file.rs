//! `plan.csv`: a plan as a file, and back, so that what was approved can be held against what would be done now.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::table;
use crate::change::plan::{hash, plain_quota};
use crate::change::{Action, Code, Guard, Plan, PlanRow, Problem, Tripped, Verdict};
use crate::csv_text::plain;
use crate::quota::{Aid, OrgId, Target, Units};

const COLUMNS: [&str; 17] = [
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
];

/// Between the reasons and warnings of one row; a name in them that holds it loses it.
const BETWEEN: &str = " · ";

/// The plan, one line for each row. `verdict` is `send`, `unchanged`, `held` or the code of a refusal; `headroom` is
/// what would be left.
pub(crate) fn plan_csv(plan: &Plan) -> Vec<u8> {
    let number = |units: Option<Units>| units.map_or_else(String::new, |units| units.to_string());
    table(&COLUMNS, |csv| {
        for row in &plan.rows {
            let (verdict, guards, messages) = told(row);
            let (org_id, aid, before, after) = match &row.target {
                Some(target) => (
                    target.org_id.as_str(),
                    target.aid.as_ref().map_or("", |aid| aid.as_str()),
                    plain_quota(row.before),
                    if row.is_understood() { plain_quota(row.after) } else { String::new() },
                ),
                None => ("", "", String::new(), number(row.after)),
            };
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
            ]);
        }
    })
}

/// The `verdict`, the guards, and the reasons followed by the warnings.
fn told(row: &PlanRow) -> (&'static str, Vec<&'static str>, Vec<String>) {
    let mut guards = Vec::new();
    let mut messages = Vec::new();
    let verdict = match &row.verdict {
        Verdict::Send => "send",
        Verdict::Unchanged(message) => {
            messages.push(message);
            "unchanged"
        }
        Verdict::Refused(problem) => {
            messages.push(&problem.message);
            problem.code.as_str()
        }
        Verdict::Held(reasons) => {
            guards.extend(reasons.iter().map(|reason| reason.guard.as_str()));
            messages.extend(reasons.iter().map(|reason| &reason.message));
            "held"
        }
    };
    let messages =
        messages.into_iter().chain(&row.warnings).map(|text| text.replace(BETWEEN, " - ")).collect();
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
}

/// Reads what [`plan_csv`] wrote. The organizations' totals are not in the file.
pub(crate) fn plan_from_csv(bytes: &[u8]) -> Result<Plan, String> {
    let mut rows = Vec::new();
    for line in csv::Reader::from_reader(bytes).deserialize::<Line>() {
        let row = line.map_err(|error| error.to_string()).and_then(row);
        rows.push(row.map_err(|error| format!("plan.csv can't be read: {error}"))?);
    }
    let sha256 = hash(&rows);
    Ok(Plan { rows, organizations: Vec::new(), sha256 })
}

fn row(line: Line) -> Result<PlanRow, String> {
    let mut messages = plain(&line.message).split(BETWEEN).map(str::to_owned).filter(|text| !text.is_empty());
    let verdict = match line.verdict.as_str() {
        "send" => Verdict::Send,
        "unchanged" => Verdict::Unchanged(messages.next().unwrap_or_default()),
        "held" => {
            let reason = |name: &str| -> Result<Tripped, String> {
                Ok(Tripped { guard: name.parse::<Guard>()?, message: messages.next().unwrap_or_default() })
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
        org_name: plain(&line.org_name).to_owned(),
        account_group_name: plain(&line.account_group_name).to_owned(),
        before: quota(&line.before)?,
        after: quota(&line.after)?,
        used: line.used,
        projected: line.projected,
        written: plain(&line.written).to_owned(),
        due: line.effective,
        comment: plain(&line.comment).to_owned(),
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
