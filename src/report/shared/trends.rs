//! How the listed targets went through this cycle and the one before: the readings of a picture and of the words beside it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::last_cycle::is_same_start;
use crate::domain::quota::{Snapshot, Target, Units, UsageRule};
use crate::report::shared::chart::{GAP, HEIGHT, Reading, Trend, WIDTH};
use crate::report::shared::picture::Picture;
use crate::report::shared::quota_status::QuotaStatus;
use crate::text::words::grouped;

/// The width that a picture has where there is room.
const CARD: u32 = 440;
/// Longer than any month, so that the previous cycle is seen whole.
pub(in crate::report) const LONGEST_CYCLE: TimeDelta = TimeDelta::days(32);

/// What was read of one target at one moment.
#[derive(Clone, Copy, Debug)]
struct CycleReading {
    at: DateTime<Utc>,
    cycle: DateTime<Utc>,
    used: Option<Units>,
}

/// The readings of those targets that a report lists.
#[derive(Debug)]
pub(crate) struct Trends<'a> {
    latest: &'a Snapshot,
    rule: &'a UsageRule,
    zone: Tz,
    readings: BTreeMap<Target, Vec<CycleReading>>,
}

impl<'a> Trends<'a> {
    pub(crate) fn new(
        targets: impl IntoIterator<Item = Target>,
        latest: &'a Snapshot,
        rule: &'a UsageRule,
        zone: Tz,
    ) -> Self {
        Self {
            latest,
            rule,
            zone,
            readings: targets.into_iter().map(|target| (target, Vec::new())).collect(),
        }
    }

    /// The earliest moment that a trend looks back to; none where there is none to draw.
    pub(crate) fn since(&self) -> Option<DateTime<Utc>> {
        let starts = self.readings.keys().filter_map(|target| self.latest.row(target)?.period_start);
        starts.min().map(|start| start - LONGEST_CYCLE)
    }

    /// Snapshots come earliest first, `latest` among them.
    pub(crate) fn add(&mut self, snapshot: &Snapshot) {
        for (target, seen) in &mut self.readings {
            let row = snapshot.row(target);
            let known = row.and_then(|row| Some((row.period_start?, row.usage)));
            if let Some((cycle, usage)) = known {
                seen.push(CycleReading { at: snapshot.taken_at, cycle, used: self.rule.used(&usage) });
            } else if let Some(last) = seen.last().copied() {
                // Usage that could not be read comes without its cycle: a gap in the one before.
                seen.push(CycleReading { at: snapshot.taken_at, used: None, ..last });
            }
        }
    }

    /// The readings of this cycle and of the one before, which is moved to this one.
    fn cycles(&self, target: &Target) -> Option<(Vec<Reading>, Vec<Reading>)> {
        let seen = self.readings.get(target)?;
        let start = self.latest.row(target)?.period_start?;
        let of_cycle = |cycle: DateTime<Utc>| -> Vec<Reading> {
            let its = seen.iter().filter(|seen| is_same_start(seen.cycle, cycle));
            its.map(|seen| (seen.at + (start - cycle), seen.used)).collect()
        };
        let is_before = |cycle: &DateTime<Utc>| *cycle < start && !is_same_start(*cycle, start);
        let before = seen.iter().map(|seen| seen.cycle).filter(is_before).max();
        let before = before.filter(|before| start - *before <= LONGEST_CYCLE);
        Some((of_cycle(start), before.map_or_else(Vec::new, of_cycle)))
    }

    /// `+12 % on the previous cycle`: what is used now against what was used on the same day of the previous cycle. Empty
    /// where the history does not say.
    pub(in crate::report) fn words(&self, status: &QuotaStatus) -> String {
        let then =
            self.cycles(&status.target).and_then(|(_, before)| reading_at(&before, self.latest.taken_at));
        match (then, status.used) {
            (Some(0), Some(1..)) => "new: nothing was used by this day of the previous cycle".to_owned(),
            (Some(then), Some(used)) => match rounded_percent(used.saturating_sub(then), then) {
                0 => "same as the previous cycle".to_owned(),
                more @ 1.. => format!("+{} % on the previous cycle", grouped(more)),
                less => format!("−{} % on the previous cycle", grouped(less.saturating_neg())),
            },
            _ => String::new(),
        }
    }

    /// The picture of one target; none where the history is too short.
    pub(in crate::report) fn picture(&self, status: &QuotaStatus, number: usize) -> Option<Picture> {
        let row = self.latest.row(&status.target)?;
        let cycle = (row.period_start?, row.period_end?);
        let trend = Trend::new(status, cycle, self.cycles(&status.target)?, self.zone)?;
        Some(Picture {
            cid: format!("trend-{number}@quotakeeper"),
            svg: trend.svg(),
            alt: trend.alt(),
            // Where a card is narrower, it shrinks; wider, its letters would be larger than the headings.
            width: CARD,
            height: HEIGHT * CARD / WIDTH,
        })
    }
}

/// What was used at a moment, between the readings around it; none where they lie too far apart to say.
fn reading_at(readings: &[Reading], at: DateTime<Utc>) -> Option<Units> {
    let next = readings.iter().position(|(moment, _)| *moment >= at)?;
    let (after, used_after) = (readings[next].0, readings[next].1?);
    if after == at {
        return Some(used_after);
    }
    let (before, used_before) = readings[next.checked_sub(1)?];
    let used_before = used_before?;
    let (passed, apart) = (at - before, after - before);
    if apart > GAP {
        return None;
    }
    let grown = i128::from(used_after) - i128::from(used_before);
    let then = i128::from(used_before)
        + grown * i128::from(passed.num_seconds()) / i128::from(apart.num_seconds().max(1));
    Units::try_from(then).ok()
}

/// To the nearest per cent; of nothing it is nothing.
fn rounded_percent(part: Units, whole: Units) -> Units {
    if whole <= 0 {
        return 0;
    }
    let (part, whole) = (i128::from(part) * 100, i128::from(whole));
    let half = if part < 0 { -whole / 2 } else { whole / 2 };
    Units::try_from((part + half) / whole).unwrap_or(Units::MAX)
}

#[cfg(test)]
mod tests;
