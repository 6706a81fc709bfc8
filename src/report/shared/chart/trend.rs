//! The contents of a chart, and its alternative text.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::quota::Units;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::text::words;
use crate::text::words::grouped;

/// The line breaks where nothing was read for longer: between two far points it would claim what nobody saw.
pub(in crate::report) const GAP: TimeDelta = TimeDelta::days(3);

/// A moment, and what was used then; none where that is unknown.
pub(crate) type Reading = (DateTime<Utc>, Option<Units>);

/// All that a picture shows.
#[derive(Clone, Debug)]
pub(crate) struct Trend {
    pub name: String,
    pub level: Level,
    pub quota: Option<Units>,
    pub projected: Option<Units>,
    pub runs_out_at: Option<DateTime<Utc>>,
    /// When the slope of the last days meets the quota; none where that is not drawn.
    pub slope_ends_at: Option<DateTime<Utc>>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// This cycle, earliest first; the last one is now.
    pub used: Vec<Reading>,
    /// The previous cycle, moved to this one, so that the same day of both lies one above the other.
    pub before: Vec<Reading>,
    pub zone: Tz,
}

impl Trend {
    /// That of a target through the cycle of this start and end, if there is a line to draw.
    pub(in crate::report) fn new(
        status: &QuotaStatus,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
        (used, before): (Vec<Reading>, Vec<Reading>),
        zone: Tz,
    ) -> Option<Self> {
        let trend = Self {
            name: status.name.to_string(),
            level: status.level,
            quota: status.quota,
            projected: status.projected,
            runs_out_at: status.runs_out_at,
            slope_ends_at: None,
            start,
            end,
            used,
            before,
            zone,
        };
        trend.is_worth_drawing().then_some(trend)
    }

    /// With both forecasts: that of the last days leads to the quota as a finer line.
    pub(in crate::report) fn with_slope(self, status: Option<&QuotaStatus>) -> Self {
        Self { slope_ends_at: status.and_then(|status| status.runs_out_by_slope), ..self }
    }

    /// Whether there is a line to draw: two known readings of this cycle, half a day apart.
    pub(crate) fn is_worth_drawing(&self) -> bool {
        let mut known = self.used.iter().filter(|(_, used)| used.is_some()).map(|(at, _)| *at);
        let first = known.next();
        let apart = first.zip(known.next_back()).map(|(first, last)| last - first);
        self.start < self.end && apart.is_some_and(|apart| apart >= TimeDelta::hours(12))
    }

    /// The picture in words, for those who do not see it.
    pub(crate) fn alt(&self) -> String {
        let day = |at| words::short_day(at, self.zone);
        let known = || self.used.iter().filter_map(|(at, used)| Some((*at, (*used)?)));
        let mut parts = Vec::new();
        if let Some((first, last)) = known().next().zip(known().next_back()) {
            let (from, to) = (day(first.0), day(last.0));
            parts.push(format!("{} used on {from}, {} on {to}", grouped(first.1), grouped(last.1)));
        }
        if self.used.last().is_some_and(|(_, used)| used.is_none()) {
            parts.push("usage unknown now".to_owned());
        }
        if let Some(projected) = self.last_reading().and(self.projected) {
            parts.push(format!("{} projected by {}", grouped(projected), day(self.end)));
        }
        parts.push(self.quota.map_or("no quota".to_owned(), |quota| format!("quota {}", grouped(quota))));
        if let Some(at) = self.runs_out_at {
            parts.push(format!("runs out about {}", words::day(at, self.zone)));
        }
        // Up to the same day, or to its end where nothing is known of now.
        let by = known().next_back().map_or(self.end, |(at, _)| at);
        let before = self.before.iter().filter(|(at, _)| *at <= by).filter_map(|(_, used)| *used).next_back();
        if let Some(used) = before {
            parts.push(format!("the previous cycle had used {} by the same day", grouped(used)));
        }
        format!("{}: {}.", self.name, parts.join("; "))
    }

    /// The last reading, unless what was used then is unknown: nothing leads on from there.
    pub(super) fn last_reading(&self) -> Option<(DateTime<Utc>, Units)> {
        self.used.last().and_then(|(at, used)| Some((*at, (*used)?)))
    }
}
