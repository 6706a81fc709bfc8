//! The full tables as CSV for spreadsheets: every account group, and every change, also those that a mail sums up.
//!
//! A file has all of a table. A mail has as much of it as mail servers take.

use std::io::Write;

use crate::domain::quota::UsageRule;
use crate::files::csv_cell::{self, MARK};
use crate::report::changes::ChangesReport;
use crate::report::changes::row::ChangeRow;
use crate::report::closing::ClosingInput;
use crate::report::closing::cycle_usage::spent_by;
use crate::report::closing::lines::{Line, lines};
use crate::report::ranking::Ranking;
use crate::report::shared::quota_status::{QuotaStatus, org_name};

/// The columns of [`usage_record`].
const USAGE_COLUMNS: [&str; 14] = [
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

/// The columns of [`closing_record`].
const CLOSING_COLUMNS: [&str; 14] = [
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

/// So many bytes of tables are attached to a mail: many mail servers take no message above 10 MB, and Base64 makes 8.6 MB of these.
pub(crate) const ATTACHED: usize = 6 << 20;

/// A table, or the beginning of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub bytes: Vec<u8>,
    /// How many rows it has below its header.
    pub rows: usize,
    pub is_whole: bool,
}

/// Every target, worst first, for people to open.
pub(crate) fn write_usage_table(ranking: &Ranking<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(MARK)?;
    write_usage_csv(ranking, out)
}

/// The same for programs.
pub(crate) fn write_usage_csv(ranking: &Ranking<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let lines = |statuses: &mut dyn Iterator<Item = QuotaStatus>| -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        for status in statuses {
            csv.write_record(usage_record(&status))?;
        }
        Ok(csv.into_inner()?)
    };
    let mut header = csv::Writer::from_writer(&mut *out);
    header.write_record(USAGE_COLUMNS)?;
    header.flush()?;
    drop(header);
    ranking.by_all_cores(lines, |texts| {
        for text in texts {
            out.write_all(&text?)?;
        }
        Ok(())
    })
}

/// The worst targets, as many as a mail holds.
pub(in crate::report) fn attached_usage_table(ranking: &Ranking<'_>) -> Table {
    table(USAGE_COLUMNS, ranking.statuses().map(|status| usage_record(&status)), ATTACHED)
}

/// Every target in the cycle that closed, and the organizations in the cycles before, for people to open.
pub(crate) fn write_closing_table(input: &ClosingInput<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(MARK)?;
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(CLOSING_COLUMNS)?;
    for line in lines(input) {
        csv.write_record(closing_record(&line, input.rule))?;
    }
    Ok(csv.flush()?)
}

/// The first of them, as many as a mail holds.
pub(in crate::report) fn attached_closing_table(input: &ClosingInput<'_>) -> Table {
    table(CLOSING_COLUMNS, lines(input).map(|line| closing_record(&line, input.rule)), ATTACHED)
}

/// Begins with a byte-order mark, because spreadsheets take UTF-8 for something else without one. Ends with the last row that
/// leaves it within `most` bytes.
fn table<const N: usize>(
    header: [&str; N],
    records: impl Iterator<Item = [String; N]>,
    most: usize,
) -> Table {
    let mut csv = csv::Writer::from_writer(MARK.to_vec());
    let mut append = |record: &[String]| {
        csv.write_record(record).expect("memory takes every write");
        csv.flush().expect("memory takes every write");
        csv.get_ref().len()
    };
    let (mut end, mut rows, mut is_whole) = (append(&header.map(str::to_owned)), 0, true);
    for record in records {
        let with_it = append(&record);
        if with_it > most {
            is_whole = false;
            break;
        }
        (end, rows) = (with_it, rows + 1);
    }
    let mut bytes = csv.into_inner().expect("memory takes every write");
    bytes.truncate(end);
    bytes.shrink_to_fit();
    Table { bytes, rows, is_whole }
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

fn closing_record(Line { row, cycle, seen_at, projected }: &Line<'_>, rule: &UsageRule) -> [String; 14] {
    let spent = spent_by(row, rule);
    let aid = row.target.aid.as_ref();
    let plan = rule.plan(row.plan_units).filter(|_| aid.is_none());
    [
        text_cell(row.target.org_id.as_str()),
        text_cell(&org_name(row)),
        aid.map(|aid| text_cell(aid.as_str())).unwrap_or_default(),
        aid.map(|_| text_cell(&spent.name)).unwrap_or_default(),
        day(Some(cycle.start)),
        day(Some(cycle.end)),
        day(*seen_at),
        units(spent.quota),
        units(spent.used),
        units(spent.percent),
        units(spent.over),
        units(plan),
        spent.status,
        units(*projected),
    ]
}

/// How one target stands, as a row of a table.
fn usage_record(status: &QuotaStatus) -> [String; 14] {
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

/// Every row of a change report, also those that the mail does not list; no more than `most` bytes of them.
pub(crate) fn changes_table(report: &ChangesReport, most: usize) -> Table {
    let header = [
        "org_id", "org_name", "name", "id", "outcome", "at", "before", "after", "effect", "made_by", "why",
        "comment", "carried",
    ];
    let records = report.sections.iter().flat_map(|section| {
        let outcome = section.title.split(" · ").next().unwrap_or_default();
        section.rows.iter().chain(&section.rest).map(move |row| changes_record(outcome, row))
    });
    table(header, records, most)
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
