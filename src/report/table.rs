//! The full usage table as a CSV for spreadsheets: every account group, also those that the mail sums up.

use super::standing::Standing;
use super::usage::UsageReport;

/// Begins with a byte-order mark, because spreadsheets take UTF-8 for something else without one.
pub(crate) fn usage_table(report: &UsageReport) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let header = [
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
    csv.write_record(header).expect("memory takes every write");
    for standing in &report.all {
        csv.write_record(record(standing)).expect("memory takes every write");
    }
    csv.into_inner().expect("memory takes every write")
}

fn record(standing: &Standing) -> [String; 14] {
    let units = |units: Option<i64>| units.map(|units| units.to_string()).unwrap_or_default();
    let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).unwrap_or_default()
    };
    let group_name = if standing.target.aid.is_some() { standing.name.as_str() } else { "" };
    [
        inert(standing.target.org_id.as_str()),
        inert(&standing.org_name),
        standing.target.aid.as_ref().map(|aid| inert(aid.as_str())).unwrap_or_default(),
        inert(group_name),
        units(standing.quota),
        units(standing.used),
        units(standing.projected),
        units(standing.headroom),
        units(standing.percent_projected),
        standing.status.clone(),
        standing.sureness.clone(),
        day(standing.runs_out_at),
        day(standing.runs_out_by_projection),
        day(standing.runs_out_by_slope),
    ]
}

/// Text that a spreadsheet would run as a formula gets an apostrophe in front, which makes it text.
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{group, report_of};

    #[test]
    fn a_name_that_a_spreadsheet_would_run_is_made_inert_and_numbers_stay_numbers() {
        let report = report_of(vec![group("7", "=HYPERLINK(\"http://x\")", Some(100), 60, 130)]);
        let table = String::from_utf8(usage_table(&report)).unwrap();
        assert!(table.starts_with("\u{feff}org_id,"), "{table}");
        assert!(table.contains(",7,\"'=HYPERLINK(\"\"http://x\"\")\",100,60,130,-30,130,"), "{table}");
    }
}
