//! What every target of a report used in its cycle and in the one before: the trends of a page, which shows all of them.
//!
//! `trends` draws the few that a mail shows. Here are thousands: memory holds one figure for each row and moment, and the page two
//! letters for each.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::last_cycle::{SAME, is_same_start};
use crate::domain::quota::{Snapshot, Units, UsageRule};
use crate::report::shared::chart::{Reading, Trend};
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::readings::Readings;
use crate::report::shared::trends::LONGEST_CYCLE;

/// A figure is written as a part of the largest one, in two letters of these.
const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const FINEST: Units = 4095;
/// Two letters that stand for a figure that is not known.
const UNKNOWN: &str = "..";
/// A line between points that lie closer says nothing.
const SHORTEST: TimeDelta = TimeDelta::hours(12);

/// What `used` is of `most`, which is at least 1.
fn share(used: Units, most: Units) -> usize {
    // Where they are large, the bits that nobody sees make room for the product.
    let too_fine = most.ilog2().saturating_sub(50);
    let (used, most) = (used.max(0) >> too_fine, most >> too_fine);
    usize::try_from((used * FINEST + most / 2) / most).unwrap_or_default()
}

/// The readings of all targets of a snapshot.
pub(crate) struct Curves<'a> {
    latest: &'a Snapshot,
    rule: &'a UsageRule,
    moments: Vec<Readings>,
}

/// When the readings of one organization were taken, in seconds after its cycle began. Those of the previous cycle are moved to
/// this one, so that the same day of both lies one above the other.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Axis {
    /// When the cycle begins and ends, in seconds since 1970.
    pub start: i64,
    pub end: i64,
    /// The last of them is the latest snapshot.
    pub now: Vec<i64>,
    pub before: Vec<i64>,
    /// The numbers of the moments, those of this cycle first.
    #[serde(skip)]
    moments: Vec<usize>,
}

impl<'a> Curves<'a> {
    pub(crate) fn new(latest: &'a Snapshot, rule: &'a UsageRule) -> Self {
        Self { latest, rule, moments: Vec::new() }
    }

    /// The earliest moment that they look back to; none where no cycle is known. This cycle they show whole, and of the previous one what
    /// came after the moment that somebody asked for.
    pub(crate) fn since(&self, asked: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let start = self.latest.organizations().iter().filter_map(|seen| seen.period_start).min()?;
        let previous = start - LONGEST_CYCLE;
        // The same cycle may have begun a little earlier, as the API said it then.
        Some(asked.map_or(previous, |asked| asked.clamp(previous, start - SAME)))
    }

    /// Adds what an earlier snapshot showed; earliest first.
    pub(crate) fn add(&mut self, earlier: Readings) {
        self.moments.push(earlier);
    }

    /// Adds the latest snapshot itself: the last one.
    pub(crate) fn add_latest(&mut self) {
        self.moments.push(Readings::of_latest(self.latest, self.rule));
    }

    /// The axis of an organization by its number in the latest snapshot; none where its cycle is not known.
    pub(in crate::report) fn axis(&self, organization: usize) -> Option<Axis> {
        let (start, end) = self.latest.organizations()[organization].cycle()?;
        let cycle = |moment: &Readings| moment.cycles[organization];
        let is_before = |cycle: &DateTime<Utc>| *cycle < start && !is_same_start(*cycle, start);
        let earlier = self.moments.iter().filter_map(cycle).filter(is_before).max();
        let earlier = earlier.filter(|earlier| start - *earlier <= LONGEST_CYCLE);
        let numbered = || self.moments.iter().enumerate();
        // Usage that could not be read comes without its cycle: a gap in the one that it was taken in.
        let is_now =
            |moment: &Readings| cycle(moment).map_or(moment.at >= start, |cycle| is_same_start(cycle, start));
        let now: Vec<usize> =
            numbered().filter(|(_, moment)| is_now(moment)).map(|(number, _)| number).collect();
        let before: Vec<usize> = numbered()
            .filter(|(_, moment)| {
                cycle(moment).zip(earlier).is_some_and(|(cycle, earlier)| is_same_start(cycle, earlier))
            })
            .map(|(number, _)| number)
            .collect();
        let since =
            |from: DateTime<Utc>| move |number: &usize| (self.moments[*number].at - from).num_seconds();
        Some(Axis {
            start: start.timestamp(),
            end: end.timestamp(),
            now: now.iter().map(since(start)).collect(),
            before: before.iter().map(since(earlier.unwrap_or(start))).collect(),
            moments: [now, before].concat(),
        })
    }

    /// That of the first organization, where there is one.
    pub(in crate::report) fn axis_of_first(&self) -> Option<Axis> {
        if self.latest.organizations().is_empty() { None } else { self.axis(0) }
    }

    fn figures(&self, row: usize, axis: &Axis) -> impl Iterator<Item = Option<Units>> {
        axis.moments.iter().map(move |moment| self.moments[*moment].rows[row].used())
    }

    /// The figures of a row along its axis, as letters after the largest of them: `10940:0kA3..Bx`. Empty where there is no
    /// line to draw.
    pub(in crate::report) fn letters(&self, row: usize, axis: &Axis) -> String {
        let figures: Vec<Option<Units>> = self.figures(row, axis).collect();
        let known = figures.iter().zip(&axis.now).filter(|(used, _)| used.is_some()).map(|(_, at)| *at);
        let (first, last) =
            known.fold((i64::MAX, i64::MIN), |(first, last), at| (first.min(at), last.max(at)));
        if last.saturating_sub(first) < SHORTEST.num_seconds() {
            return String::new();
        }
        let most = figures.iter().copied().flatten().max().unwrap_or(0).max(1);
        let most_digits = most.to_string();
        // There may be thousands of these: none takes more than it needs.
        let mut text = String::with_capacity(most_digits.len() + 1 + 2 * axis.moments.len());
        text.extend([&*most_digits, ":"]);
        for used in figures {
            match used {
                None => text += UNKNOWN,
                Some(used) => {
                    let part = share(used, most);
                    text.extend([part / 64, part % 64].map(|digit| char::from(LETTERS[digit % 64])));
                }
            }
        }
        text
    }

    /// What a row used along its axis, to be drawn.
    pub(in crate::report) fn trend(
        &self,
        row: usize,
        axis: &Axis,
        status: &QuotaStatus,
        zone: Tz,
    ) -> Option<Trend> {
        let at = |seconds: i64| DateTime::from_timestamp(axis.start.saturating_add(seconds), 0);
        let times = axis.now.iter().chain(&axis.before).map(|seconds| at(*seconds));
        let readings = times.zip(self.figures(row, axis)).map(|(at, used)| Some((at?, used)));
        let mut used: Vec<Reading> = readings.collect::<Option<_>>()?;
        let before = used.split_off(axis.now.len());
        let end = DateTime::from_timestamp(axis.end, 0)?;
        Trend::new(status, (at(0)?, end), (used, before), zone)
    }
}

#[cfg(test)]
mod tests;
