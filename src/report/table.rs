//! The full tables as CSV for spreadsheets: every account group, and every change, also those that a mail sums up.

use crate::files::csv_cell::{self, MARK};
use crate::report::changes::ChangesReport;
use crate::report::changes::row::ChangeRow;
use crate::report::closing::{ClosingReport, Line};
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::usage::UsageReport;

/// The columns of [`usage_record`].
pub(crate) const USAGE_COLUMNS: [&str; 14] = [
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "quota",
    "used",
    "projected",
    "headroom",
    "percent_projected",
    "status",
    "sureness",
    "runs_out",
    "runs_out_by_projection",
    "runs_out_by_slope",
];

/// Every target, worst first.
pub(crate) fn usage_table(report: &UsageReport) -> Vec<u8> {
    let mut all: Vec<&QuotaStatus> = report.all.iter().collect();
    all.sort_by(|a, b| a.worst_first(b));
    table(USAGE_COLUMNS, all.into_iter().map(usage_record))
}

/// Every target in the cycle that closed, and the organizations in the cycles before.
pub(crate) fn closing_table(report: &ClosingReport) -> Vec<u8> {
    let header = [
        "org_id",
        "org_name",
        "aid",
        "account_group_name",
        "period_start",
        "period_end",
        "seen_at",
        "quota",
        "used",
        "percent_used",
        "over",
        "plan",
        "status",
        "projected_at_mid_cycle",
    ];
    table(header, report.all.iter().map(closing_record))
}

/// Begins with a byte-order mark, because spreadsheets take UTF-8 for something else without one.
fn table<const N: usize>(header: [&str; N], records: impl Iterator<Item = [String; N]>) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(MARK.to_vec());
    csv.write_record(header).expect("memory takes every write");
    for record in records {
        csv.write_record(record).expect("memory takes every write");
    }
    csv.into_inner().expect("memory takes every write")
}

fn text_cell(text: &str) -> String {
    csv_cell::inert_clean(text).into_owned()
}

fn units(units: Option<i64>) -> String {
    units.map(|units| units.to_string()).unwrap_or_default()
}

fn day(at: Option<chrono::DateTime<chrono::Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).unwrap_or_default()
}

fn closing_record(line: &Line) -> [String; 14] {
    let aid = line.target.aid.as_ref();
    [
        text_cell(line.target.org_id.as_str()),
        text_cell(&line.org_name),
        aid.map(|aid| text_cell(aid.as_str())).unwrap_or_default(),
        aid.map(|_| text_cell(&line.spent.name)).unwrap_or_default(),
        day(Some(line.start)),
        day(Some(line.end)),
        day(line.seen_at),
        units(line.spent.quota),
        units(line.spent.used),
        units(line.spent.percent),
        units(line.spent.over),
        units(line.plan),
        line.spent.status.clone(),
        units(line.projected),
    ]
}

/// How one target stands, as a row of a table.
pub(crate) fn usage_record(status: &QuotaStatus) -> [String; 14] {
    let [name, org_name] = status.whole_names();
    let whole_or = |whole: &str, cut: &str| text_cell(if whole.is_empty() { cut } else { whole });
    let group_name = match &status.target.aid {
        Some(_) => whole_or(name, &status.name),
        None => String::new(),
    };
    [
        text_cell(status.target.org_id.as_str()),
        whole_or(org_name, &status.org_name),
        status.target.aid.as_ref().map(|aid| text_cell(aid.as_str())).unwrap_or_default(),
        group_name,
        units(status.quota),
        units(status.used),
        units(status.projected),
        units(status.headroom),
        units(status.percent_projected),
        status.status.to_string(),
        status.sureness.to_string(),
        day(status.runs_out_at),
        day(status.runs_out_by_projection),
        day(status.runs_out_by_slope),
    ]
}

/// Every row of a change report, also those that the mail does not list.
pub(crate) fn changes_table(report: &ChangesReport) -> Vec<u8> {
    let header = [
        "org_id", "org_name", "name", "id", "outcome", "at", "before", "after", "effect", "made_by", "why",
        "comment", "carried",
    ];
    let records = report.sections.iter().flat_map(|section| {
        let outcome = section.title.split(" · ").next().unwrap_or_default();
        section.rows.iter().chain(&section.rest).map(move |row| changes_record(outcome, row))
    });
    table(header, records)
}

fn changes_record(outcome: &str, row: &ChangeRow) -> [String; 13] {
    let quota = |quota: Option<i64>| quota.map_or_else(|| "none".to_owned(), |units| units.to_string());
    let (before, after) =
        if row.is_change { (quota(row.before), quota(row.after)) } else { (String::new(), String::new()) };
    let cells = [
        &row.org_id,
        &row.org_name,
        &row.name,
        &row.id,
        outcome,
        &day(row.at),
        &before,
        &after,
        &row.effect,
        &row.who,
        &row.why.join("; "),
        &row.comment,
        &row.carried,
    ];
    cells.map(text_cell)
}

#[cfg(test)]
mod tests;
