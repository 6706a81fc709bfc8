//! The whole plan for programs: every row, with names that never change their meaning.

use serde_json::{Map, Value, json};

use super::requests::Requests;
use crate::change::{Plan, PlanRow, Verdict};
use crate::report::shared::planned::organizations;

pub(in crate::cli) fn to_json(name: &str, plan: &Plan) -> Value {
    let counts = plan.counts();
    let requests = Requests::for_plan(plan);
    let by_operation: Map<String, Value> =
        requests.by_operation().map(|(operation, count)| (operation, json!(count))).collect();
    json!({
        "file": name,
        "plan_sha256": plan.sha256,
        "counts": {
            "rows": plan.rows.len(), "raises": counts.raises, "decreases": counts.decreases, "new": counts.new,
            "removed": counts.removed, "unchanged": counts.unchanged, "refused": counts.refused, "held": counts.held,
            "flows": plan.to_send().count(), "scheduled": plan.scheduled_rows().count(),
        },
        "requests": { "total": requests.total(), "by_operation": by_operation },
        "organizations": organizations(plan).iter().map(|view| json!({
            "org_id": view.totals.org_id,
            "org_name": view.totals.name,
            "quota": view.totals.quota,
            "plan_units": view.totals.plan_units,
            "allocated_before": view.totals.allocated_before,
            "allocated_after": view.totals.allocated_after,
            "over_allocated_before": view.over.0,
            "over_allocated_after": view.over.1,
            "held": view.held,
            "refused": view.refused,
            "flows": view.applies_now,
            "scheduled": view.scheduled,
        })).collect::<Vec<_>>(),
        "rows": plan.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &PlanRow) -> Value {
    let (verdict, reasons): (&str, Vec<Value>) = match &row.verdict {
        Verdict::Send => ("send", Vec::new()),
        Verdict::Unchanged(why) => ("unchanged", vec![json!({ "message": why.message(row.before) })]),
        Verdict::Refused(problem) => {
            ("refused", vec![json!({ "code": problem.code.as_str(), "message": problem.message })])
        }
        Verdict::Held(tripped) => (
            "held",
            tripped.iter().map(|t| json!({ "guard": t.guard.as_str(), "message": t.message })).collect(),
        ),
    };
    json!({
        "row": row.row,
        "action": row.action,
        "org_id": row.target.as_ref().map(|target| &target.org_id),
        "org_name": row.org_name,
        "aid": row.target.as_ref().and_then(|target| target.aid.as_ref()),
        "account_group_name": row.account_group_name,
        "before": row.before,
        "after": row.after,
        "written": row.written,
        "effective": row.due,
        "used": row.used,
        "projected": row.projected,
        "headroom": row.headroom(),
        "verdict": verdict,
        "reasons": reasons,
        "warnings": row.warnings,
        "comment": row.comment,
    })
}
