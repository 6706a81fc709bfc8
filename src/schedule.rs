//! When a job is due: a pure function of an expression, a zone, the last success and now.
//!
//! `run` and `once` ask the same function; the scheduler of the daemon only wakes it. An expression is matched
//! against the clock on the wall of the zone, so that a daily job happens once on each day, also on the days when
//! clocks change: a time that does not exist that day is taken at the end of the gap, one that comes twice at its first.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// A cron expression of five fields, or six with seconds.
#[derive(Clone)]
pub(crate) struct Expression {
    text: String,
    cron: Cron,
    /// Every hour matches: reckoned in UTC, because no change of clocks may skip or repeat an hour of it.
    hourly: bool,
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .dom_and_dow(false)
            .build()
            .parse(text)
            .map_err(|error| {
                format!("`{text}` is not a schedule ({error}): write five fields, minute hour day month weekday, such as `0 8 * * 1-5`")
            })?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let hour = if fields.len() == 6 { fields.get(2) } else { fields.get(1) };
        let hourly = hour.is_some_and(|hour| *hour == "*" || *hour == "*/1");
        Ok(Self { text: text.to_owned(), cron, hourly })
    }
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

impl Expression {
    /// The first slot after `after`; none if the expression never matches again.
    pub(crate) fn next(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.hourly {
            return self.cron.find_next_occurrence(&after, false).ok();
        }
        // A wall time read as if it were UTC has no gaps: find the match there, then map it back into the zone.
        // Starting an hour early finds slots whose wall time lies before `after`'s in a repeated hour.
        let mut wall = after.with_timezone(&zone).naive_local().and_utc() - Duration::hours(3);
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
        if self.hourly {
            return self.cron.find_previous_occurrence(&now, true).ok();
        }
        let mut wall = now.with_timezone(&zone).naive_local().and_utc() + Duration::hours(3);
        loop {
            wall = self.cron.find_previous_occurrence(&wall, false).ok()?;
            let slot = instant(zone, wall.naive_utc());
            if slot <= now {
                return Some(slot);
            }
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
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn expression(text: &str) -> Expression {
        text.parse().unwrap()
    }

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    #[test]
    fn a_daily_slot_happens_once_on_each_day_of_ten_years_in_four_zones() {
        let zones = [Tz::UTC, BERLIN, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe];
        for zone in zones {
            for text in ["30 2 * * *", "0 8 * * *", "15 1 * * *"] {
                let daily = expression(text);
                let mut slot = at("2024-12-31T12:00:00Z");
                let mut days = Vec::new();
                while slot < at("2035-01-01T00:00:00Z") {
                    slot = daily.next(zone, slot).unwrap();
                    assert_eq!(daily.previous(zone, slot), Some(slot), "{zone} {text}");
                    days.push(slot.with_timezone(&zone).date_naive());
                }
                assert!(days.windows(2).all(|pair| pair[0].succ_opt() == Some(pair[1])), "{zone} {text}");
            }
        }
    }

    #[test]
    fn an_hourly_slot_never_skips_or_repeats_when_clocks_change() {
        let hourly = expression("0 * * * *");
        for start in ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"] {
            let mut slot = at(start);
            for _ in 0..8 {
                let next = hourly.next(BERLIN, slot).unwrap();
                assert_eq!(next - slot, Duration::hours(1));
                slot = next;
            }
        }
    }

    #[test]
    fn a_time_that_does_not_exist_is_taken_at_the_end_of_the_gap() {
        let daily = expression("30 2 * * *");
        assert_eq!(daily.next(BERLIN, at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn a_time_that_comes_twice_is_taken_once_at_its_first() {
        let daily = expression("30 2 * * *");
        assert_eq!(daily.next(BERLIN, at("2026-10-24T23:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(daily.next(BERLIN, at("2026-10-25T00:30:00Z")), Some(at("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn a_missed_slot_is_due_once_and_only_the_latest() {
        let hourly = expression("0 * * * *");
        let due = |last: &str, now: &str| hourly.due(Tz::UTC, Some(at(last)), at(now), None);
        assert_eq!(due("2026-11-22T08:00:01Z", "2026-11-22T08:59:59Z"), None);
        assert_eq!(due("2026-11-22T08:00:01Z", "2026-11-22T09:00:00Z"), Some(at("2026-11-22T09:00:00Z")));
        assert_eq!(due("2026-11-20T08:00:01Z", "2026-11-22T09:10:00Z"), Some(at("2026-11-22T09:00:00Z")));
    }

    #[test]
    fn a_job_that_never_succeeded_is_due() {
        assert!(expression("0 8 * * *").due(Tz::UTC, None, at("2026-11-22T07:00:00Z"), None).is_some());
    }

    #[test]
    fn a_success_in_the_future_does_not_silence_a_job() {
        let last = Some(at("2027-01-01T00:00:00Z"));
        assert!(expression("0 * * * *").due(Tz::UTC, last, at("2026-11-22T07:00:00Z"), None).is_some());
    }

    #[test]
    fn without_catch_up_an_old_slot_is_let_go() {
        let daily = expression("0 8 * * *");
        let grace = Some(Duration::minutes(5));
        let last = Some(at("2026-11-21T08:00:00Z"));
        assert_eq!(daily.due(Tz::UTC, last, at("2026-11-22T08:10:00Z"), grace), None);
        assert!(daily.due(Tz::UTC, last, at("2026-11-22T08:04:00Z"), grace).is_some());
    }

    #[test]
    fn six_fields_have_seconds_and_nonsense_is_explained() {
        assert_eq!(
            expression("*/10 * * * * *").next(Tz::UTC, at("2026-11-22T08:00:01Z")),
            Some(at("2026-11-22T08:00:10Z"))
        );
        for text in ["", "* * *", "0 25 * * *", "every day"] {
            assert!(text.parse::<Expression>().unwrap_err().contains("is not a schedule"), "{text}");
        }
    }
}
