//! One target over time: its quota, what it used at each moment, and who changed its quota.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::diff::{ByRun, Change, Diff, MadeBy};
use crate::domain::quota::{SnapshotRow, Target, Units, UsageRule};
use crate::report::shared::words;
use crate::text::words::quota_text;

/// Of runs who dropped and approved them, as far as that is known: `dropped by ann, approved by bob`.
pub(crate) type People = HashMap<String, String>;

/// One target over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Timeline {
    #[serde(flatten)]
    pub target: Target,
    /// Its name as it was last seen; its id where it has none.
    pub name: String,
    pub org_name: String,
    /// The snapshots, earliest first.
    pub moments: Vec<Moment>,
}

/// What one snapshot shows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Moment {
    pub taken_at: DateTime<Utc>,
    /// Whether the snapshot shows it at all.
    pub is_visible: bool,
    pub quota: Option<Units>,
    pub used: Option<Units>,
    pub projected: Option<Units>,
    pub percent_used: Option<Units>,
    /// How the quota changed since the snapshot before that snapshot, step by step.
    pub changes: Vec<QuotaChange>,
}

/// One change of its quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct QuotaChange {
    pub before: Option<Units>,
    pub after: Option<Units>,
    /// `run 20261121T133000Z-raise of raise.csv, dropped by ann`, or `outside quotakeeper, between … and …`.
    pub who: String,
    /// The run; none where it was changed outside.
    pub run: Option<String>,
    pub comment: String,
}

impl Timeline {
    /// About so many moments for a person: those at which the quota changed, the first, and the rest evenly.
    pub(crate) fn listed_moments(&self, lines: usize) -> Vec<&Moment> {
        let every = self.moments.len().div_ceil(lines).max(1);
        let last = self.moments.len().saturating_sub(1);
        let is_shown = |(index, moment): &(usize, &Moment)| {
            (last - index).is_multiple_of(every) || *index == 0 || !moment.changes.is_empty()
        };
        self.moments.iter().enumerate().filter(is_shown).map(|(_, moment)| moment).collect()
    }
}

impl QuotaChange {
    /// One of the changes that a diff shows. `people` says of runs who dropped and approved them.
    pub(crate) fn new(change: &Change, diff: &Diff, people: &People, zone: Tz) -> Self {
        let (run, comment) = match &change.made_by {
            MadeBy::Run(run) => (Some(run.id.clone()), words::clean(&run.comment, 120)),
            MadeBy::Outside => (None, String::new()),
        };
        let who = author(change, diff, people, zone);
        Self { before: change.before, after: change.after, who, run, comment }
    }
}

/// `4 000 → 5 000: run 20261121T133000Z-raise of raise.csv, dropped by ann: CHG-8841`.
impl fmt::Display for QuotaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", quota_text(self.before), quota_text(self.after), self.who)?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, ": {}", self.comment) }
    }
}

/// What is known of one target over time.
pub(crate) struct TimelineInput<'a> {
    pub target: &'a Target,
    /// The snapshots, earliest first, each with the row of the target if it shows one.
    pub rows: &'a [(DateTime<Utc>, Option<SnapshotRow<'static>>)],
    pub diffs: &'a [Diff],
    /// Who dropped and approved a run, as far as that is known.
    pub people: &'a People,
    pub rule: &'a UsageRule,
}

pub(crate) fn timeline(input: &TimelineInput<'_>, zone: Tz) -> Timeline {
    let &TimelineInput { target, rows, diffs, people, rule } = input;
    let last = rows.iter().rev().find_map(|(_, row)| row.as_ref());
    let changes_at = |at: DateTime<Utc>| {
        let diffs = diffs.iter().filter(move |diff| diff.to == at);
        let changes = diffs.flat_map(|diff| diff.changes.iter().map(move |change| (diff, change)));
        let its = changes.filter(|(_, change)| change.target == *target);
        its.map(|(diff, change)| QuotaChange::new(change, diff, people, zone)).collect()
    };
    let moment = |(taken_at, row): &(DateTime<Utc>, Option<SnapshotRow<'static>>)| {
        let quota = row.as_ref().and_then(|row| row.quota);
        let usage = row.as_ref().map(|row| row.usage).unwrap_or_default();
        let used = rule.used(&usage);
        Moment {
            taken_at: *taken_at,
            is_visible: row.is_some(),
            quota,
            used,
            projected: rule.projected(&usage),
            percent_used: used.zip(quota).and_then(|(used, quota)| words::percent(used, quota)),
            changes: changes_at(*taken_at),
        }
    };
    Timeline {
        target: target.clone(),
        name: words::clean(last.map_or("", SnapshotRow::name), 120),
        org_name: words::clean(last.map_or("", |row| &row.org_name), 120),
        moments: rows.iter().map(moment).collect(),
    }
}

fn author(change: &Change, diff: &Diff, people: &People, zone: Tz) -> String {
    match &change.made_by {
        MadeBy::Outside => format!("outside quotakeeper, {}", words::between(change.since, diff.to, zone)),
        MadeBy::Run(run) => {
            let ByRun { id, file, .. } = &**run;
            let file =
                if file.is_empty() { String::new() } else { format!(" of {}", words::clean(file, 60)) };
            let people = people.get(id).map(|people| format!(", {people}")).unwrap_or_default();
            format!("run {id}{file}{people}")
        }
    }
}

#[cfg(test)]
mod tests;
