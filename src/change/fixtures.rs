//! Small worlds for the tests of this folder.

use std::collections::BTreeMap;

use super::parse::{ChangeFile, parse};
use super::plan::{PlanContext, plan};
use crate::change::plan::Plan;
use crate::config::{Guards, Mode};
use crate::domain::quota::{Snapshot, SnapshotRow, Target, Units, Usage, UsageRule};

/// Used and projected, all of it cloud units.
pub(super) fn usage(used: Units, projected: Units) -> Usage {
    Usage {
        cloud_used: Some(used),
        cloud_projected: Some(projected),
        enterprise_used: Some(0),
        enterprise_projected: Some(0),
        ..Usage::default()
    }
}

/// The account group `aid` of organization `org_id`.
pub(super) fn group(
    org_id: &str,
    aid: &str,
    quota: Option<Units>,
    used: Units,
    projected: Units,
) -> SnapshotRow<'static> {
    SnapshotRow {
        org_name: format!("Org {org_id}").into(),
        account_group_name: format!("Group {aid}").into(),
        quota,
        usage: usage(used, projected),
        ..SnapshotRow::new(Target::account_group(org_id, aid))
    }
}

/// The organization's own row.
pub(super) fn own(org_id: &str, quota: Option<Units>, used: Units, projected: Units) -> SnapshotRow<'static> {
    SnapshotRow {
        org_name: format!("Org {org_id}").into(),
        quota,
        usage: usage(used, projected),
        ..SnapshotRow::new(Target::organization(org_id))
    }
}

pub(super) fn snapshot<'r>(rows: impl IntoIterator<Item = SnapshotRow<'r>>) -> Snapshot {
    Snapshot::new("2026-11-22T18:00:00Z".parse().unwrap(), rows)
}

pub(crate) fn parsed(text: &str) -> ChangeFile {
    parse(text.as_bytes(), &BTreeMap::new(), 1000).unwrap()
}

pub(super) fn planned(text: &str, live: &Snapshot, mode: Mode, guards: &Guards) -> Plan {
    plan(&parsed(text), live, &PlanContext::new(guards, mode, &UsageRule::default()))
}

/// `row: verdict` of each row, and its warnings.
pub(super) fn row_lines(plan: &Plan) -> Vec<String> {
    let line = |row: &super::PlanRow| {
        let verdict = match &row.verdict {
            super::Verdict::Send => "send".to_owned(),
            super::Verdict::Unchanged(why) => format!("unchanged, {}", why.message(row.before)),
            super::Verdict::Refused(problem) => format!("{}, {}", problem.code, problem.message),
            super::Verdict::Held(reasons) => {
                let reasons: Vec<_> =
                    reasons.iter().map(|reason| format!("{}: {}", reason.guard, reason.message)).collect();
                format!("held by {}", reasons.join("; "))
            }
        };
        let warnings: Vec<_> = row.warnings.iter().map(|warning| format!(" (warning: {warning})")).collect();
        format!("{}: {verdict}{}", row.row, warnings.concat())
    };
    plan.rows.iter().map(line).collect()
}
