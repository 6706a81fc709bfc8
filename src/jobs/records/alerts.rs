//! Alerts with their record: judges what snapshots show, queues the mails, and only then writes `alerts.json`.
//!
//! A crash in between makes the same mail again, which the outbox recognizes. What is reported is decided in `report::alerts`.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use tracing::warn;

use super::Reporting;
use crate::change::propose::Terms;
use crate::domain::quota::{OrgId, Snapshot, Target};
use crate::domain::top_consumers::TopConsumers;
use crate::files;
use crate::files::versioned_json::{self, Kind, Loaded, UnusableFile};
use crate::history::{Cursor, changes, left_out};
use crate::jobs::job::Job;
use crate::jobs::report_inputs::{ReportInputs, comparison};
use crate::report::{AlertInput, AlertTiming, Audience, Evidence, Record, Week, judge};

/// Snapshots that are judged afterwards, if the record could not be written for so long.
const CATCH_UP: usize = 24;

pub(crate) const FILE: Kind = Kind {
    name: "alerts.json",
    version: 1,
    without: "the snapshots since the last digest are checked again; no alert is mailed twice",
    limit: files::ROWS,
};

/// What is known of the latest snapshot without reading it, because it was just taken or read.
#[derive(Clone, Copy)]
pub(crate) struct Latest<'a> {
    pub snapshot: Option<&'a Snapshot>,
    pub largest: &'a TopConsumers,
}

impl Latest<'_> {
    pub(crate) fn unknown() -> Self {
        Self { snapshot: None, largest: TopConsumers::empty() }
    }
}

/// A snapshot that is judged, and the week before it.
#[derive(Clone, Copy)]
pub(in crate::jobs) struct Observed<'a> {
    pub latest: &'a Snapshot,
    pub week: &'a Week,
    pub largest: &'a TopConsumers,
}

/// Judges every snapshot that was not judged yet, and mails what became critical.
pub(crate) fn report_critical(
    reporting: &Reporting<'_>,
    latest: Latest<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    match known_record(&reporting.inputs, now) {
        Ok(Some(record)) => judge_from(reporting, record, None, latest, now).map(drop),
        Ok(None) => begin(reporting, latest, now).map(drop),
        // The snapshot is good whatever becomes of the alerts; `own_files` reports the file.
        Err(error) if error.is::<UnusableFile>() => {
            warn!(error = format!("{error:#}"), "this snapshot will be checked for alerts later");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Whether everything about a snapshot was reported: alerts come last.
pub(crate) fn has_judged(data_dir: &Path, at: DateTime<Utc>) -> bool {
    read(data_dir).and_then(|record| record.judged).is_some_and(|judged| judged >= at)
}

/// The record as it is, for those who only show it. One that cannot be read is reported by `status`.
pub(crate) fn read(data_dir: &Path) -> Option<Record> {
    versioned_json::read(data_dir, &FILE).unwrap_or_default()
}

/// What was reported.
pub(crate) fn record(
    reporting: &Reporting<'_>,
    latest: Latest<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Record> {
    match known_record(&reporting.inputs, now)? {
        Some(record) => Ok(record),
        None => begin(reporting, latest, now),
    }
}

fn known_record(inputs: &ReportInputs<'_>, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
    Ok(match versioned_json::read_or_set_aside(&inputs.config.data.dir, &FILE, now)? {
        Loaded::Known(record) => Some(record),
        Loaded::Missing | Loaded::SetAside => None,
    })
}

/// A record where there is none. Where it was lost, the snapshots since the last digest are judged again: what waited for the
/// digest is found again, and a mail that was sent since is recognized by its `Message-ID`.
fn begin(reporting: &Reporting<'_>, latest: Latest<'_>, now: DateTime<Utc>) -> anyhow::Result<Record> {
    let digest = reporting.state.read_or_begin(now).last_success(Job::Digest);
    judge_from(reporting, Record::default(), digest, latest, now)
}

fn judge_from(
    reporting: &Reporting<'_>,
    mut record: Record,
    baseline: Option<DateTime<Utc>>,
    known: Latest<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Record> {
    let inputs = &reporting.inputs;
    let all = inputs.history.until(now)?;
    for index in first_to_judge(&all, record.judged, baseline)..all.len() {
        let at = all[index];
        let read;
        let latest = if let Some(latest) = known.snapshot.filter(|latest| latest.taken_at == at) {
            latest
        } else {
            let Some(snapshot) = inputs.history.read_or_warn(at) else { continue };
            read = snapshot;
            &read
        };
        let week = inputs.week(latest)?;
        let seen = Observed { latest, week: &week, largest: known.largest };
        record = judge_snapshot(inputs, record, &all[..index], &seen, now)?;
        record = queue(reporting, AlertTiming::Snapshot, record, &seen, now)?;
        // Were this lost with a power cut, the same mail would be made again.
        versioned_json::stage(&inputs.config.data.dir, &FILE, &record)?;
    }
    Ok(record)
}

/// Judges one snapshot by itself and by the last one before it that can be read.
fn judge_snapshot(
    inputs: &ReportInputs<'_>,
    record: Record,
    before: &[DateTime<Utc>],
    observed: &Observed<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Record> {
    let Observed { latest, week, largest } = *observed;
    let (data_dir, context) = (&inputs.config.data.dir, inputs.context(now));
    let (rule, alerts) = (&inputs.config.usage.rule(), &inputs.config.alerts);
    let kept_targets = &kept_targets(inputs, &record, latest)?;
    for earlier in before.iter().rev() {
        let diffs = &changes::between(data_dir, *earlier, now)?;
        let seen = Evidence { latest, week, diffs, kept_targets, rule, alerts, largest };
        let judged = inputs.history.organizations(*earlier).and_then(|organizations| {
            let mut earlier = Cursor::new(organizations);
            judge(&seen, record.clone(), &context, |org_id| earlier.seek(org_id))
        });
        match judged {
            Ok(record) => return Ok(record),
            Err(error) => left_out(&error),
        }
    }
    let diffs = &changes::between(data_dir, latest.taken_at, now)?;
    let seen = Evidence { latest, week, diffs, kept_targets, rule, alerts, largest };
    judge(&seen, record, &context, |_| Ok(None))
}

/// Of the targets in trouble, those whose quotas a snapshot lacks that is not believed yet.
fn kept_targets(
    inputs: &ReportInputs<'_>,
    record: &Record,
    latest: &Snapshot,
) -> anyhow::Result<HashSet<Target>> {
    let of: BTreeSet<OrgId> = record.without_quota(latest).map(|target| target.org_id.clone()).collect();
    if of.is_empty() {
        return Ok(HashSet::new());
    }
    comparison::kept_targets(inputs.history, &inputs.config.runs_dir(), &of, latest.taken_at)
}

/// Queues the mail of an occasion, if there is one, and returns the record of when it was sent.
pub(in crate::jobs) fn queue(
    reporting: &Reporting<'_>,
    occasion: AlertTiming,
    record: Record,
    observed: &Observed<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Record> {
    let Reporting { inputs, mailer, .. } = reporting;
    let Observed { latest, week, .. } = *observed;
    let (news, reported) = record.due(occasion, latest);
    if news.is_empty() {
        return Ok(record);
    }
    let input = AlertInput {
        occasion,
        news: &news,
        latest,
        slopes: week.slopes(),
        alerts: &inputs.config.alerts,
        terms: Terms {
            last_cycle: &inputs.last_cycle(latest)?,
            guards: &inputs.config.guard,
            rule: &inputs.config.usage.rule(),
        },
        audience: Audience::Administrators,
    };
    mailer.alerts(&input, now)?;
    mailer.alerts_to_owners(&input, now)?;
    Ok(reported)
}

/// Where in the history those begin that are not judged yet; the latest always is one. Without a record the last one until
/// `baseline`, or else the one before the latest, is what the others are compared with.
fn first_to_judge(
    all: &[DateTime<Utc>],
    judged: Option<DateTime<Utc>>,
    baseline: Option<DateTime<Utc>>,
) -> usize {
    let latest = all.len().saturating_sub(1);
    let until = |time: DateTime<Utc>| all.partition_point(|at| *at <= time);
    let oldest = all.len().saturating_sub(CATCH_UP);
    match (judged, baseline) {
        (None, None) => latest.saturating_sub(1),
        (None, Some(baseline)) => until(baseline).saturating_sub(1).max(oldest).min(latest.saturating_sub(1)),
        (Some(judged), _) => until(judged).max(oldest).min(latest),
    }
}

#[cfg(test)]
mod tests;
