//! The loops that go over each row, for `benches/inner_loops.rs` and for nobody else: plain functions over bytes and snapshots.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::change::parse::parse;
use crate::change::plan::{PlanContext, plan};
use crate::config::{Guards, Mode};
use crate::domain::quota::{Snapshot, UsageRule};
use crate::history::{History, decode, encode};
use crate::jobs::report_inputs::comparison::compare;
use crate::thousandeyes;

/// How many organizations the body of `GET /quotas` names.
pub fn read_answer(body: Vec<u8>) -> usize {
    thousandeyes::count_organizations(body).unwrap_or_default()
}

/// The bytes of a snapshot's file.
pub fn write_snapshot(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes, snapshot.taken_at, snapshot.organizations()).expect("memory takes every byte");
    bytes
}

/// The snapshot of a file.
///
/// # Errors
///
/// The bytes are no snapshot.
pub fn read_snapshot(taken_at: DateTime<Utc>, bytes: &[u8]) -> anyhow::Result<Snapshot> {
    decode(taken_at, bytes)
}

/// How many quotas differ between two snapshots of a data folder.
///
/// # Errors
///
/// One of them is not there, or is none.
pub fn compare_snapshots(data: &Path, earlier: DateTime<Utc>, later: DateTime<Utc>) -> anyhow::Result<usize> {
    Ok(compare(&History::new(data), &data.join("runs"), earlier, later)?.changes.len())
}

/// How many rows of a change file would be sent.
///
/// # Errors
///
/// The bytes are no change file.
pub fn plan_changes(bytes: &[u8], live: &Snapshot) -> anyhow::Result<usize> {
    let file = parse(bytes, &BTreeMap::new(), usize::MAX).ok().context("it is no change file")?;
    let (guards, rule) = (Guards::default(), UsageRule::default());
    Ok(plan(&file, live, &PlanContext::new(&guards, Mode::Row, &rule)).pending_rows().count())
}
