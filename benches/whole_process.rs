//! How long the commands take that read the history, as a user waits for them: whole processes over 10,000 targets.
//!
//! `cargo bench` builds the release binary and prints the times.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// 50 organizations of 199 account groups each, and their own rows: 10,000 rows, at each of these hours.
static HISTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let data = tempfile::tempdir().expect("a temporary folder");
    let folder = data.path().join("history/year=2026/month=11");
    std::fs::create_dir_all(&folder).expect("a folder");
    for hour in 0..24 {
        let stem = format!("2026-11-21T{hour:02}-00-00Z");
        std::fs::write(folder.join(format!("{stem}.csv")), snapshot(hour)).expect("a snapshot");
    }
    data
});

fn snapshot(hour: u32) -> String {
    let mut text = String::from(
        "taken_at,level,org_id,org_name,aid,account_group_name,quota,cloud_units_used,cloud_units_projected,\
         enterprise_units_used,enterprise_units_projected,device_units_used,device_units_projected,period_start,\
         period_end,plan_units,cloud_units_next_period,enterprise_units_next_period\n",
    );
    for row in 0..10_000 {
        let (org, group) = (10_000 + row / 200, row % 200);
        let (level, aid) = if group == 0 {
            ("organization", String::new())
        } else {
            ("account_group", (200_000 + row).to_string())
        };
        let used = 3_000 + row % 700 + hour * 20;
        let _ = writeln!(
            text,
            "2026-11-21T{hour:02}:00:00Z,{level},{org},Organization {org},{aid},Group {group},{},{used},{},0,0,,,2026-11-05T00:00:00Z,2026-12-05T00:00:00Z,,,",
            9_000 + hour,
            used * 2
        );
    }
    text
}

fn quotakeeper(arguments: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_quotakeeper"))
        .args(arguments)
        .env("QUOTAKEEPER__DATA__DIR", HISTORY.path())
        .current_dir(HISTORY.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the binary runs");
    assert!(status.success(), "{arguments:?}");
}

#[divan::bench(sample_count = 10)]
fn history_diff_of_two_snapshots() {
    quotakeeper(&["history", "diff", "2026-11-21T00-00-00Z", "2026-11-21T23-00-00Z"]);
}

#[divan::bench(sample_count = 10)]
fn export_of_a_snapshot() {
    quotakeeper(&["export", "--at", "2026-11-21T23-00-00Z"]);
}

#[divan::bench(sample_count = 10)]
fn usage_report_over_a_day_of_snapshots() {
    quotakeeper(&["report", "usage", "--out", "usage.html"]);
    assert!(Path::new(HISTORY.path()).join("usage.html").exists());
}

fn main() {
    divan::main();
}
