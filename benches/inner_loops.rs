//! How long the loops take that go over each row, at 10,000, 100,000 and 1,000,000 targets: the items in a second should be the same.
//!
//! `cargo bench --bench inner_loops` prints them. `benches/growth.py` shows the same of whole processes.

use std::fmt::Write;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use divan::Bencher;
use divan::counter::ItemsCount;
use quotakeeper::domain::quota::{Snapshot, SnapshotRow, Target, Units, Usage};
use quotakeeper::inner_loops;

/// Account groups in an organization.
const GROUPS: usize = 1_000;
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn quota(group: usize) -> Units {
    Units::try_from(1_000 + group * 7_919 % 9_000).expect("a small number")
}

/// The ids of an organization and its account group.
fn ids(group: usize) -> (String, String) {
    ((100_000 + group / GROUPS).to_string(), (1_000_000 + group).to_string())
}

/// So many account groups; one in a hundred has another quota when something moved.
fn snapshot(groups: usize, moved: Units, at: DateTime<Utc>) -> Snapshot {
    let row = |group: usize| {
        let (org_id, aid) = ids(group);
        let used = quota(group) / 2;
        SnapshotRow {
            org_name: format!("Organization {org_id}").into(),
            account_group_name: format!("Group {aid}").into(),
            quota: Some(quota(group) + if group.is_multiple_of(100) { moved } else { 0 }),
            usage: Usage {
                cloud_used: Some(used),
                cloud_projected: Some(used * 2),
                enterprise_used: Some(0),
                enterprise_projected: Some(0),
                ..Usage::default()
            },
            ..SnapshotRow::new(Target::account_group(org_id.as_str(), aid.as_str()))
        }
    };
    Snapshot::new(at, (0..groups).map(row))
}

/// The body of `GET /quotas`.
fn answer(groups: usize) -> String {
    let mut text = String::from("{\"quotas\":[");
    for first in (0..groups).step_by(GROUPS) {
        let comma = if first == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"organizationQuota\":{{\"orgId\":\"{}\",\"value\":5000000}},\"accountGroupQuotas\":[",
            ids(first).0
        );
        for group in first..first + GROUPS {
            let comma = if group == first { "" } else { "," };
            let _ = write!(text, "{comma}{{\"aid\":\"{}\",\"value\":{}}}", ids(group).1, quota(group));
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    text
}

/// One row for every tenth account group: a little more.
fn change_file(groups: usize) -> String {
    let mut text = String::from("action,org_id,aid,value,expected_value\n");
    for group in (0..groups).step_by(10) {
        let ((org_id, aid), quota) = (ids(group), quota(group));
        let _ = writeln!(text, "assign,{org_id},{aid},{},{quota}", quota + 1);
    }
    text
}

fn keep(data: &Path, snapshot: &Snapshot) {
    let at = snapshot.taken_at;
    let folder = data.join(at.format("history/year=%Y/month=%m").to_string());
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{}.csv", at.format("%Y-%m-%dT%H-%M-%SZ")));
    std::fs::write(file, inner_loops::write_snapshot(snapshot)).expect("a file");
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn read_the_answer_of_the_api(bencher: Bencher, groups: usize) {
    let body = answer(groups);
    bencher
        .counter(ItemsCount::new(groups))
        .with_inputs(|| body.clone().into_bytes())
        .bench_values(|body| assert_eq!(inner_loops::read_answer(body), groups / GROUPS));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn write_a_snapshot(bencher: Bencher, groups: usize) {
    let snapshot = snapshot(groups, 0, noon());
    bencher.counter(ItemsCount::new(groups)).bench(|| inner_loops::write_snapshot(&snapshot));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn read_a_snapshot(bencher: Bencher, groups: usize) {
    let bytes = inner_loops::write_snapshot(&snapshot(groups, 0, noon()));
    bencher
        .counter(ItemsCount::new(groups))
        .bench(|| inner_loops::read_snapshot(noon(), &bytes).expect("it is a snapshot"));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn compare_two_snapshots(bencher: Bencher, groups: usize) {
    let data = tempfile::tempdir().expect("a folder");
    let later = noon() + TimeDelta::hours(1);
    keep(data.path(), &snapshot(groups, 0, noon()));
    keep(data.path(), &snapshot(groups, 7, later));
    bencher.counter(ItemsCount::new(groups)).bench(|| {
        let changes = inner_loops::compare_snapshots(data.path(), noon(), later).expect("both are there");
        assert_eq!(changes, groups / 100);
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn plan_a_change_of_a_tenth(bencher: Bencher, groups: usize) {
    let (file, live) = (change_file(groups), snapshot(groups, 0, noon()));
    bencher.counter(ItemsCount::new(groups / 10)).bench(|| {
        let sent = inner_loops::plan_changes(file.as_bytes(), &live).expect("it is a change file");
        assert_eq!(sent, groups / 10);
    });
}

fn main() {
    divan::main();
}
