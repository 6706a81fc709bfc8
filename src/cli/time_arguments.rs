//! The TIME that people write: as a computer says it, as they say it, or by the name of a snapshot's file.

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

use super::terminal;
use crate::history::{STEM, with_clock_skew};

/// That a TIME means nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotATime {
    #[error(
        "`{0}` is not a time: write 2026-12-01, \"2026-12-01 14:00\", 2026-12-01T14:00:00Z, 2026-12 for its first day, \
         Monday for the last one, yesterday, today, now, latest, or the name of a snapshot's file"
    )]
    Moment(String),
    #[error("`{0}` is neither a duration such as 7d nor a time such as 2026-12-01 or \"2026-12-01 14:00\"")]
    Since(String),
    #[error("`{0}` is in the future: --since takes a time that is past, or how long ago, such as 7d")]
    SinceFuture(String),
}

/// Where and when a TIME is written, which says what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeContext {
    /// `schedule.timezone`: of days and hours that name no zone.
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl TimeContext {
    /// The moment of a TIME. Of a day it is the beginning.
    pub(super) fn moment(self, time: &str) -> Result<DateTime<Utc>, NotATime> {
        let text = time.trim();
        match text {
            "now" => return Ok(self.now),
            "latest" => return Ok(with_clock_skew(self.now)),
            _ => {}
        }
        let stem = NaiveDateTime::parse_from_str(text.strip_suffix(".csv").unwrap_or(text), STEM);
        let absolute = stem.map(|stem| stem.and_utc()).ok().or_else(|| text.parse().ok());
        let here = || {
            let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().or_else(|| self.day(text));
            let day = day.map(|day| day.and_time(NaiveTime::MIN));
            let hour = |form| NaiveDateTime::parse_from_str(text, form);
            let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
            day.or_else(|| forms.into_iter().find_map(|form| hour(form).ok()))
        };
        absolute
            .or_else(|| here().and_then(|here| self.instant(here)))
            .ok_or_else(|| NotATime::Moment(time.to_owned()))
    }

    /// The moment of a TIME, or so long ago.
    pub(super) fn since(self, time: &str) -> Result<DateTime<Utc>, NotATime> {
        let since = match humantime::parse_duration(time.trim()) {
            Ok(ago) => TimeDelta::from_std(ago).ok().and_then(|ago| self.now.checked_sub_signed(ago)),
            Err(_) => self.moment(time).ok(),
        };
        match since {
            Some(since) if self.is_future(since) => Err(NotATime::SinceFuture(time.to_owned())),
            Some(since) => Ok(since),
            None => Err(NotATime::Since(time.to_owned())),
        }
    }

    /// The moment of a TIME that a snapshot is looked for by. Who names one that has not come yet reads what stands for it.
    pub(super) fn snapshot_time(self, time: &str) -> Result<DateTime<Utc>, NotATime> {
        let moment = self.moment(time)?;
        self.future_note(time, moment).iter().for_each(|note| terminal::eprint(note));
        Ok(moment)
    }

    /// What to say of a TIME that has not come yet, which may be a wrong year, or the end of a month that still runs.
    fn future_note(self, time: &str, moment: DateTime<Utc>) -> Option<String> {
        self.is_future(moment)
            .then(|| format!("`{time}` is in the future: the latest snapshot is taken instead."))
    }

    fn is_future(self, moment: DateTime<Utc>) -> bool {
        moment > with_clock_skew(self.now)
    }

    /// A day as people speak of it: `yesterday`, the last `Monday`, or a month for its first day.
    fn day(self, text: &str) -> Option<NaiveDate> {
        let today = self.now.with_timezone(&self.zone).date_naive();
        match text.to_ascii_lowercase().as_str() {
            "today" => return Some(today),
            "yesterday" => return today.pred_opt(),
            _ => {}
        }
        if let Ok(weekday) = text.parse::<Weekday>() {
            let since = today.weekday().days_since(weekday);
            return today.checked_sub_days(Days::new(u64::from(since)));
        }
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()
    }

    /// What a clock on the wall means: of an hour that comes twice the first one, of one that is skipped the moment of the skip.
    fn instant(self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let at = |wall: NaiveDateTime| self.zone.from_local_datetime(&wall).earliest();
        let later = |quarters: i64| wall.checked_add_signed(TimeDelta::minutes(15 * quarters)).and_then(at);
        let skipped = || (1..=24 * 4).find_map(later);
        at(wall).or_else(skipped).map(|at| at.to_utc())
    }
}

#[cfg(test)]
mod tests;
