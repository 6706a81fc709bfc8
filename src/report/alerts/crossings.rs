//! Which alerts are due when a target crosses a limit, decided from two snapshots and the record of what was reported before.
//!
//! A target is reported when it gets worse, once for a level in a billing cycle, and when it is back to normal, if its trouble
//! was reported. What is seen for the first time is a baseline: it is recorded as if it had been reported.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::Alerts;
use crate::domain::diff::{Change, Diff, MadeBy};
use crate::domain::known::BELIEVED_AFTER;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, SnapshotRow, Target, Units, UsageRule};
use crate::domain::top_consumers::{TopConsumer, TopConsumers};
use crate::report::shared::ReportContext;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, level_of, quota_status};
use crate::report::shared::week::Week;
use crate::text::words::grouped;

/// What was not seen for so long is forgotten: longer than any cycle.
const FORGOTTEN: TimeDelta = TimeDelta::days(45);

/// `alerts.json`: what was reported, and what is still to be reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The moment of the last snapshot that was judged; none before the first.
    pub judged: Option<DateTime<Utc>>,
    /// Every target that was in trouble lately, in the order of the targets.
    targets: Vec<KnownTarget>,
    /// What was not reported yet, in the order of the targets.
    news: Vec<AlertEvent>,
}

/// What is remembered of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownTarget {
    #[serde(flatten)]
    target: Target,
    /// What people think of it, by the last news of it, delivered or waiting.
    heard: Level,
    cycles: Vec<Cycle>,
    /// What uses most of it, as the last snapshot that said so showed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    largest: Vec<TopConsumer>,
}

/// What is remembered of one target in one billing cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cycle {
    /// The day on which it began.
    began: String,
    /// At the last snapshot.
    level: Level,
    /// The levels that are not reported again.
    #[serde(rename = "told")]
    reported: Vec<Level>,
    seen: DateTime<Utc>,
    /// The most that was used of its quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    most_used: Option<Units>,
    /// Since when snapshots show less than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fell: Option<DateTime<Utc>>,
}

/// A crossing, or that a target is back to normal (`level` is fine).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertEvent {
    #[serde(flatten)]
    pub target: Target,
    pub cycle: String,
    pub level: Level,
    /// What people thought of it before.
    pub was: Level,
    /// The snapshot that showed it.
    pub at: DateTime<Utc>,
    /// As a sentence with its figures.
    pub why: String,
    /// What uses most of it, as that snapshot showed it: for whoever has to cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub largest: Vec<TopConsumer>,
}

/// What a snapshot is judged by.
pub(crate) struct Evidence<'a> {
    pub latest: &'a Snapshot,
    /// The week before, for the slope.
    pub week: &'a Week,
    /// What changed between the two.
    pub diffs: &'a [Diff],
    /// The targets whose quotas it lacks and that are not believed to have lost them.
    pub kept_targets: &'a HashSet<Target>,
    pub rule: &'a UsageRule,
    pub alerts: &'a Alerts,
    pub largest: &'a TopConsumers,
}

/// When news is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertTiming {
    /// A snapshot showed something critical. What is back to normal goes with it.
    Snapshot,
    /// The daily digest: all that waits.
    Digest,
}

/// The record after a snapshot. Judging the same snapshot again changes nothing. `earlier` is what the snapshot before it showed of
/// an organization; it is asked in the order of the ids, for those in which something is in trouble.
pub(crate) fn judge<E>(
    seen: &Evidence<'_>,
    record: Record,
    context: &ReportContext,
    mut earlier: impl FnMut(&OrgId) -> Result<Option<Organization>, E>,
) -> Result<Record, E> {
    let now = seen.latest.taken_at;
    // By the time of the snapshot, so that judging it again after a crash says the same.
    let context = &ReportContext { now, ..context.clone() };
    let first = record.judged.is_none();
    let mut targets: BTreeMap<Target, KnownTarget> =
        record.targets.into_iter().map(|known| (known.target.clone(), known)).collect();
    let mut news: BTreeMap<Target, AlertEvent> =
        record.news.into_iter().map(|news| (news.target.clone(), news)).collect();

    let judging = JudgingContext { taken_at: now, rule: seen.rule, alerts: seen.alerts, context };
    let mut place = 0;
    for organization in seen.latest.organizations() {
        let first_place = place;
        place += organization.row_count();
        // The API leaves out the quotas of an organization that the token may no longer edit: that is no end of a trouble.
        if !organization.has_quota() {
            continue;
        }
        let mut before: Option<Option<Organization>> = None;
        for (place, at) in (first_place..).zip(organization.places()) {
            let is_measured = at.headroom(seen.rule).is_some();
            if !is_measured && (at.quota().is_some() || targets.is_empty()) {
                continue; // nothing says how it stands, and nobody heard of it
            }
            let Some(row) = at.row() else { continue };
            if at.quota().is_none() && seen.kept_targets.contains(&row.target) {
                continue;
            }
            let slope = seen.week.slopes().at(place);
            let level = level_of(&row, slope, judging);
            let was_fine = !targets.contains_key(&row.target);
            if was_fine && level.is_none_or(|level| level == Level::Fine) {
                continue;
            }
            if before.is_none() {
                before = Some(earlier(&organization.id)?);
            }
            let before = before.as_ref().and_then(Option::as_ref);
            let before = before.and_then(|before| before.place(row.target.aid.as_ref()));
            let is_known = seen.week.has_shown(place) || before.is_some();
            let silent = if seen.alerts.active_mute(&row, now, context.zone).is_some() {
                Suppression::Muted
            } else if was_fine && (first || !is_known) {
                Suppression::Baseline
            } else {
                Suppression::None
            };
            let target = targets.entry(row.target.clone()).or_insert_with(|| KnownTarget {
                target: row.target.clone(),
                heard: Level::Fine,
                cycles: Vec::new(),
                largest: Vec::new(),
            });
            // A snapshot that is judged afterwards does not say.
            let largest = seen.largest.of_target(&row.target);
            if !largest.is_empty() {
                target.largest = largest;
            }
            let status = quota_status(&row, slope, judging);
            if row.quota.is_some() && target.is_doubtful(&began(&row, &target.cycles, now), &status, now) {
                continue;
            }
            let waiting = news.remove(&row.target);
            let row = JudgedRow { row: &row, status: &status, quota_before: before.and_then(Place::quota) };
            if let Some(reported) = judge_target(&row, target, waiting, silent, seen) {
                news.insert(reported.target.clone(), reported);
            }
        }
    }
    for known in targets.values_mut() {
        known.cycles.retain(|cycle| cycle.seen + FORGOTTEN > now && cycle.is_worth_keeping());
    }
    targets.retain(|_, known| !known.cycles.is_empty());
    news.retain(|_, news| news.at + FORGOTTEN > now);
    let (targets, news) = (targets.into_values().collect(), news.into_values().collect());
    Ok(Record { judged: Some(now), targets, news })
}

/// One row of the snapshot that is judged.
struct JudgedRow<'a> {
    row: &'a SnapshotRow<'a>,
    status: &'a QuotaStatus,
    /// The quota that the snapshot before showed.
    quota_before: Option<Units>,
}

/// Why a crossing makes no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suppression {
    None,
    Muted,
    /// It was never seen before.
    Baseline,
}

/// Judges one target: what is to be reported of it now, if anything. `waiting` is what was to be reported and was not yet.
fn judge_target(
    judged: &JudgedRow<'_>,
    known: &mut KnownTarget,
    waiting: Option<AlertEvent>,
    silence: Suppression,
    seen: &Evidence<'_>,
) -> Option<AlertEvent> {
    let at = seen.latest.taken_at;
    let JudgedRow { row, status, .. } = judged;
    let level = status.level;
    let began = began(row, &known.cycles, at);
    let heard = waiting.as_ref().map_or(known.heard, |news| news.was);
    let new_cycle = known.cycles.iter().all(|cycle| cycle.began != began);
    for other in known.cycles.iter_mut().filter(|cycle| cycle.began != began) {
        other.level = Level::Fine;
    }
    if new_cycle {
        let (began, most_used) = (began.clone(), status.used);
        let (level, reported) = (Level::Fine, Vec::new());
        known.cycles.push(Cycle { began, level, reported, seen: at, most_used, fell: None });
    }
    let news = |level, why| {
        let largest = match level {
            Level::Fine => Vec::new(),
            Level::Warning | Level::Critical => seen.largest.of_target(&row.target),
        };
        Some(AlertEvent {
            target: row.target.clone(),
            cycle: began.clone(),
            level,
            was: heard,
            at,
            why,
            largest,
        })
    };

    if level == Level::Fine {
        if let Some(crossing) = waiting.as_ref().filter(|news| news.level > Level::Fine) {
            // It passed before it was reported, so it may be reported another time.
            for cycle in known.cycles.iter_mut().filter(|cycle| cycle.began == crossing.cycle) {
                cycle.reported.retain(|reported| *reported != crossing.level);
            }
        }
        known.heard = Level::Fine;
        known.now_at(&began, level, at);
        let still = waiting.filter(|news| news.level == Level::Fine);
        return match still {
            _ if heard == Level::Fine || silence == Suppression::Muted => None,
            Some(recovery) => Some(recovery),
            None => news(Level::Fine, recovery_reason(judged, new_cycle, seen)),
        };
    }

    let before = known.now_at(&began, level, at);
    let is_new = level > before && known.note_reported(&began, level);
    if !is_new {
        // A level that flaps is reported once; that it was back to normal is not true any more.
        let crossing = waiting.filter(|news| news.level > Level::Fine);
        known.heard = crossing.as_ref().map_or(heard, |news| news.level);
        return crossing;
    }
    if silence != Suppression::None {
        known.heard = heard;
        return None;
    }
    known.heard = level;
    news(level, status.why.to_string())
}

impl KnownTarget {
    /// Whether it stands better only because less is used than before in the same cycle. Usage never falls there: for a day the
    /// answer is not believed.
    fn is_doubtful(&mut self, began: &str, status: &QuotaStatus, at: DateTime<Utc>) -> bool {
        let Some(cycle) = self.cycles.iter_mut().find(|cycle| cycle.began == began) else { return false };
        if status.used < cycle.most_used && at - *cycle.fell.get_or_insert(at) < BELIEVED_AFTER {
            return status.level < cycle.level;
        }
        (cycle.most_used, cycle.fell) = (status.used, None);
        false
    }

    /// Notes the level in a cycle, and returns the one before.
    fn now_at(&mut self, began: &str, level: Level, at: DateTime<Utc>) -> Level {
        let cycle = self.cycles.iter_mut().find(|cycle| cycle.began == began);
        cycle.map_or(Level::Fine, |cycle| {
            cycle.seen = at;
            std::mem::replace(&mut cycle.level, level)
        })
    }

    /// Notes that a level is reported in a cycle; false if it was already.
    fn note_reported(&mut self, began: &str, level: Level) -> bool {
        let cycle = self.cycles.iter_mut().find(|cycle| cycle.began == began);
        cycle.is_some_and(|cycle| {
            let is_new = !cycle.reported.contains(&level);
            if is_new {
                cycle.reported.push(level);
            }
            is_new
        })
    }
}

impl Cycle {
    fn is_worth_keeping(&self) -> bool {
        self.level > Level::Fine || !self.reported.is_empty()
    }
}

/// The day on which the billing cycle of a row began, as it was said first; where the API does not say, the month.
fn began(row: &SnapshotRow, known: &[Cycle], taken_at: DateTime<Utc>) -> String {
    let Some(start) = row.period_start else { return taken_at.format("%Y-%m").to_string() };
    let day = start.date_naive();
    // The API may say the start of the same cycle a little differently, and so another day.
    let is_same = |known: &&Cycle| {
        known.began.parse::<NaiveDate>().is_ok_and(|known| (known - day).abs() <= TimeDelta::days(1))
    };
    known.iter().find(is_same).map_or_else(|| day.to_string(), |known| known.began.clone())
}

/// Why a target is back to normal.
fn recovery_reason(judged: &JudgedRow<'_>, new_cycle: bool, seen: &Evidence<'_>) -> String {
    let JudgedRow { row, status, quota_before } = judged;
    let Some(quota) = row.quota else { return "it no longer has a quota".to_owned() };
    if let Some(before) = quota_before.filter(|before| *before < quota) {
        let changes = seen.diffs.iter().filter(|diff| diff.to == seen.latest.taken_at);
        let change = changes.flat_map(|diff| &diff.changes).rfind(|change| change.target == row.target);
        let who = match change {
            Some(Change { made_by: MadeBy::Run(run), .. }) => format!(" by run {}", run.id),
            Some(Change { made_by: MadeBy::Outside, .. }) => " outside quotakeeper".to_owned(),
            None => String::new(),
        };
        return format!("its quota was raised from {} to {}{who}", grouped(before), grouped(quota));
    }
    if new_cycle {
        return "a new billing cycle has begun".to_owned();
    }
    match status.projected.zip(status.used) {
        Some((projected, used)) => {
            format!("{} of {} are projected now", grouped(projected.max(used)), grouped(quota))
        }
        None => String::new(),
    }
}

impl Record {
    /// The targets in trouble of which a snapshot shows no quota.
    pub(crate) fn without_quota(&self, latest: &Snapshot) -> impl Iterator<Item = &Target> {
        let targets = self.targets.iter().map(|known| &known.target);
        targets.filter(|target| latest.place(target).is_some_and(|place| place.quota().is_none()))
    }

    /// What uses most of a target that was in trouble lately; empty where that is not known.
    pub(in crate::report) fn largest(&self, target: &Target) -> &[TopConsumer] {
        let known = self.targets.iter().find(|known| known.target == *target);
        known.map_or(&[], |known| known.largest.as_slice())
    }

    /// What was reported of a target: the day on which a cycle began, and the levels, cycle by cycle.
    pub(in crate::report) fn reported(&self, target: &Target) -> impl Iterator<Item = (&str, &[Level])> {
        let known = self.targets.iter().find(|known| known.target == *target);
        let cycles = known.into_iter().flat_map(|known| &known.cycles);
        cycles
            .filter(|cycle| !cycle.reported.is_empty())
            .map(|cycle| (cycle.began.as_str(), cycle.reported.as_slice()))
    }

    /// What is to be reported on an occasion, of targets that are visible; and the record of when it was.
    pub(crate) fn due(&self, occasion: AlertTiming, latest: &Snapshot) -> (Vec<AlertEvent>, Self) {
        let is_now = |news: &AlertEvent| match occasion {
            AlertTiming::Digest => true,
            AlertTiming::Snapshot => news.level != Level::Warning,
        };
        let visible = |news: &AlertEvent| latest.place(&news.target).is_some();
        let (due, rest): (Vec<AlertEvent>, Vec<AlertEvent>) =
            self.news.iter().cloned().partition(|news| is_now(news) && visible(news));
        if occasion == AlertTiming::Snapshot && due.iter().all(|news| news.level != Level::Critical) {
            return (Vec::new(), self.clone());
        }
        (due, Self { news: rest, ..self.clone() })
    }
}

#[cfg(test)]
mod tests;
