//! When a job is due: a pure function of an expression, a zone, the last success and now.
//!
//! `run` and `once` ask the same function; the scheduler of the daemon only wakes it. An expression is matched
//! against the clock on the wall of the zone. One that names its hours happens once for each time that it names, also on
//! the days when clocks change: a time that does not exist that day is taken at the end of the gap, one that comes twice
//! at its first. One for every hour goes by the time that really passes: an hour that comes twice has its slots twice.

mod expression;

use std::fmt;

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};

/// A cron expression of five fields, or six with seconds.
#[derive(Clone)]
pub(crate) struct Expression {
    text: String,
    cron: Cron,
    every_hour: bool,
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// So many missed slots are counted one by one: after a last success of 1970 there are millions.
const COUNTED: usize = 10_000;
const COUNTED_GAPS: i32 = 9_999;

/// Slots that nobody served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missed {
    pub slots: usize,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

impl Expression {
    /// The first slot after `after`; none if the expression never matches again.
    pub(crate) fn next(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = whole_second(after);
        if self.every_hour {
            return self.next_of_every_hour(zone, after);
        }
        // A wall time read as if it were UTC has no gaps: find the match there, then map it back into the zone.
        // Starting early finds slots whose wall time lies before `after`'s in a repeated hour.
        let mut wall = wall(after, offset(zone, after)) - Duration::hours(3);
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let slot = instant(zone, wall.naive_utc());
            if slot > after {
                return Some(slot);
            }
        }
    }

    /// The last slot at or before `now`.
    pub(crate) fn previous(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let now = whole_second(now);
        if self.every_hour {
            return self.previous_of_every_hour(zone, now);
        }
        let mut wall = wall(now, offset(zone, now)) + Duration::hours(3);
        loop {
            wall = self.cron.find_previous_occurrence(&wall, false).ok()?;
            let slot = instant(zone, wall.naive_utc());
            if slot <= now {
                return Some(slot);
            }
        }
    }

    /// Matches the wall's clock as it goes now; what it finds counts until clocks change, and from there on it looks again.
    fn next_of_every_hour(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut after = after;
        loop {
            let here = offset(zone, after);
            let slot = self.cron.find_next_occurrence(&wall(after, here), false).ok()? - here;
            if offset(zone, slot) == here {
                return Some(slot);
            }
            let (_, changed) = change(zone, after, slot);
            let there = offset(zone, changed);
            if self.cron.is_time_matching(&wall(changed, there)).ok()? {
                return Some(changed);
            }
            after = changed;
        }
    }

    fn previous_of_every_hour(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut now = now;
        loop {
            let here = offset(zone, now);
            let slot = self.cron.find_previous_occurrence(&wall(now, here), true).ok()? - here;
            if offset(zone, slot) == here {
                return Some(slot);
            }
            (now, _) = change(zone, slot, now);
        }
    }

    /// The slot that is still to be served at `now`, if there is one: the latest, however many were missed.
    ///
    /// A job that never succeeded is due. Without `catch_up`, a slot that passed while nothing ran
    /// (longer ago than `grace`) is let go.
    pub(crate) fn due(
        &self,
        zone: Tz,
        last_success: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        grace: Option<Duration>,
    ) -> Option<DateTime<Utc>> {
        let slot = self.previous(zone, now)?;
        let served = last_success.is_some_and(|last| last >= slot && last <= now);
        let let_go = grace.is_some_and(|grace| now - slot > grace);
        (!served && !let_go).then_some(slot)
    }

    /// The slots that passed without a success between the last one and `began`, when a job began that served the latest.
    pub(crate) fn missed(
        &self,
        zone: Tz,
        last_success: Option<DateTime<Utc>>,
        began: DateTime<Utc>,
    ) -> Option<Missed> {
        let served = self.previous(zone, began)?;
        let first = self.next(zone, last_success?).filter(|first| *first < served)?;
        let mut missed = Missed { slots: 1, first, last: first };
        while let Some(slot) = self.next(zone, missed.last).filter(|slot| *slot < served) {
            if missed.slots == COUNTED {
                // The others are as far apart as these were, near enough.
                let each = ((missed.last - first) / (COUNTED_GAPS)).num_seconds().max(1);
                let more = usize::try_from((served - missed.last).num_seconds() / each).unwrap_or_default();
                let last = self.previous(zone, served - Duration::seconds(1)).unwrap_or(slot);
                return Some(Missed { slots: missed.slots + more.max(2) - 1, last, ..missed });
            }
            missed = Missed { slots: missed.slots + 1, last: slot, ..missed };
        }
        Some(missed)
    }
}

/// The last second that Croner knows of. What lies outside of this and 1970 no clock shows, only a damaged file says it.
const LATEST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

/// Croner would carry the fraction of a second into the slot.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp().clamp(0, LATEST), 0).unwrap_or(at)
}

/// How far the zone's clocks are ahead of UTC.
fn offset(zone: Tz, at: DateTime<Utc>) -> Duration {
    Duration::seconds(i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()))
}

/// What a clock that is so far ahead of UTC shows, as if that were UTC.
fn wall(at: DateTime<Utc>, offset: Duration) -> DateTime<Utc> {
    at + offset
}

/// The last second before the zone's clocks change, and the first one after it, between two moments of other offsets.
fn change(zone: Tz, before: DateTime<Utc>, after: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let old = offset(zone, before);
    let (mut low, mut high) = (before.timestamp(), after.timestamp());
    let at = |second| DateTime::from_timestamp(second, 0).unwrap_or(after);
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        if offset(zone, at(middle)) == old {
            low = middle;
        } else {
            high = middle;
        }
    }
    (at(low), at(high))
}

/// The moment of a wall time: the end of the gap where it does not exist, the first of two where it comes twice.
pub(crate) fn instant(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => time.to_utc(),
        MappedLocalTime::None => {
            // Gaps are whole quarters of an hour in every zone of the database; walk to the first time that exists.
            let quarter = Duration::minutes(15);
            let mut later = wall - Duration::minutes(i64::from(chrono::Timelike::minute(&wall) % 15));
            loop {
                later += quarter;
                if let MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) =
                    zone.from_local_datetime(&later)
                {
                    let seconds = i64::from(chrono::Timelike::second(&later));
                    return time.to_utc() - Duration::seconds(seconds);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
