//! The whole plan for programs: every row, with names that never change their meaning. Fields are in the order of their names.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::requests::Requests;
use crate::change::{Action, GuardHit, Plan, PlanRow, Verdict};
use crate::domain::quota::{Aid, OrgId, Units};
use crate::report::shared::planned::{OrganizationView, organizations};

#[derive(Serialize)]
pub(in crate::cli) struct PlanJson<'a> {
    counts: Value,
    file: &'a str,
    organizations: Vec<Value>,
    plan_sha256: &'a str,
    requests: Value,
    #[serde(serialize_with = "rows")]
    rows: &'a [PlanRow],
}

impl<'a> PlanJson<'a> {
    pub(in crate::cli) fn new(name: &'a str, plan: &'a Plan) -> Self {
        let counts = plan.counts();
        let requests = Requests::for_plan(plan);
        let by_operation: Map<String, Value> =
            requests.by_operation().map(|(operation, count)| (operation, json!(count))).collect();
        let organization = |view: &OrganizationView<'_>| {
            json!({
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
            })
        };
        Self {
            counts: json!({
                "rows": plan.rows.len(), "raises": counts.raises, "decreases": counts.decreases, "new": counts.new,
                "removed": counts.removed, "unchanged": counts.unchanged, "refused": counts.refused, "held": counts.held,
                "flows": plan.to_send().count(), "scheduled": plan.scheduled_rows().count(),
            }),
            file: name,
            organizations: organizations(plan).iter().map(organization).collect(),
            plan_sha256: &plan.sha256,
            requests: json!({ "total": requests.total(), "by_operation": by_operation }),
            rows: &plan.rows,
        }
    }
}

/// Each is made when it is written: a value of all of them would take ten times what the plan does.
fn rows<S: Serializer>(rows: &[PlanRow], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(RowJson::new))
}

#[derive(Serialize)]
struct RowJson<'a> {
    account_group_name: &'a str,
    action: Action,
    after: Option<Units>,
    aid: Option<&'a Aid>,
    before: Option<Units>,
    comment: &'a str,
    effective: Option<DateTime<Utc>>,
    headroom: Option<Units>,
    org_id: Option<&'a OrgId>,
    org_name: &'a str,
    projected: Option<Units>,
    reasons: Vec<Reason<'a>>,
    row: usize,
    used: Option<Units>,
    verdict: &'static str,
    warnings: &'a [String],
    written: &'a str,
}

/// Why a row is not sent.
#[derive(Serialize)]
#[serde(untagged)]
enum Reason<'a> {
    Unchanged { message: String },
    Refused { code: &'a str, message: &'a str },
    Held { guard: &'a str, message: &'a str },
}

impl<'a> RowJson<'a> {
    fn new(row: &'a PlanRow) -> Self {
        let (verdict, reasons) = match &row.verdict {
            Verdict::Send => ("send", Vec::new()),
            Verdict::Unchanged(why) => {
                ("unchanged", vec![Reason::Unchanged { message: why.message(row.before) }])
            }
            Verdict::Refused(problem) => {
                ("refused", vec![Reason::Refused { code: problem.code.as_str(), message: &problem.message }])
            }
            Verdict::Held(tripped) => {
                let reason =
                    |hit: &'a GuardHit| Reason::Held { guard: hit.guard.as_str(), message: &hit.message };
                ("held", tripped.iter().map(reason).collect())
            }
        };
        Self {
            account_group_name: &row.account_group_name,
            action: row.action,
            after: row.after,
            aid: row.target.as_ref().and_then(|target| target.aid.as_ref()),
            before: row.before,
            comment: &row.comment,
            effective: row.due,
            headroom: row.headroom(),
            org_id: row.org_id(),
            org_name: &row.org_name,
            projected: row.projected,
            reasons,
            row: row.row,
            used: row.used,
            verdict,
            warnings: &row.warnings,
            written: &row.written,
        }
    }
}
