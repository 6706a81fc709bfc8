//! The targets for programs: one on each line, its fields in the order of their names.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use crate::domain::quota::{Aid, OrgId, Snapshot, Units};
use crate::report::{Level, QuotaStatus, Ranking};
use crate::text::edge;

#[derive(Serialize)]
struct TargetJson<'a> {
    account_group_name: Option<&'a str>,
    aid: Option<&'a Aid>,
    headroom: Option<Units>,
    level: Level,
    org_id: &'a OrgId,
    org_name: &'a str,
    percent_projected: Option<Units>,
    percent_used: Option<Units>,
    projected: Option<Units>,
    quota: Option<Units>,
    runs_out_at: Option<DateTime<Utc>>,
    runs_out_by_projection: Option<DateTime<Utc>>,
    runs_out_by_slope: Option<DateTime<Utc>>,
    status: &'a str,
    used: Option<Units>,
}

impl<'a> TargetJson<'a> {
    fn new(status: &'a QuotaStatus) -> Self {
        let [name, org_name] = status.whole_names();
        Self {
            account_group_name: status.target.aid.as_ref().map(|_| name),
            aid: status.target.aid.as_ref(),
            headroom: status.headroom,
            level: status.level,
            org_id: &status.target.org_id,
            org_name,
            percent_projected: status.percent_projected,
            percent_used: status.percent_used,
            projected: status.projected,
            quota: status.quota,
            runs_out_at: status.runs_out_at,
            runs_out_by_projection: status.runs_out_by_projection,
            runs_out_by_slope: status.runs_out_by_slope,
            status: &status.status,
            used: status.used,
        }
    }
}

pub(super) fn write_json(
    latest: &Snapshot,
    ranking: &Ranking<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let lines = |statuses: &mut dyn Iterator<Item = QuotaStatus>| -> anyhow::Result<String> {
        let line = |status| Ok(format!("    {}", serde_json::to_string(&TargetJson::new(&status))?));
        let lines: Vec<String> = statuses.map(line).collect::<anyhow::Result<_>>()?;
        Ok(edge::json(&lines.join(",\n")))
    };
    writeln!(out, "{{\n  \"taken_at\": {},\n  \"targets\": [", json!(latest.taken_at))?;
    ranking.by_all_cores(lines, |texts| -> anyhow::Result<()> {
        for (number, text) in texts.enumerate() {
            out.write_all(if number > 0 { b",\n" } else { b"" })?;
            out.write_all(text?.as_bytes())?;
        }
        Ok(())
    })?;
    Ok(writeln!(out, "\n  ]\n}}")?)
}
