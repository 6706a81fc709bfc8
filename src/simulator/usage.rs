//! How much is consumed, as a pure function of the seed, the billing cycle and the time.
//!
//! A test consumes at a steady rate, a little less at weekends. Once in each cycle, at an hour of its own, it moves to
//! the level at which it enters the next cycle: so curves are continuous, and now and then something jumps or begins.
//! Whole hours count, because the real API updates usage hourly.

use chrono::{DateTime, Datelike, Days, Months, TimeDelta, Utc, Weekday};

/// The hour of the day at which a billing cycle begins.
const CYCLE_HOUR: i64 = 8;
/// `monthly` is what is consumed in this many hours at level 1000.
const NOMINAL_HOURS: i64 = 30 * 24;
/// A test that has just begun has no projection for this long.
const HOURS_WITHOUT_PROJECTION: i64 = 3;

/// One monthly billing cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

impl Cycle {
    /// The cycle that `now` is in, where cycles begin on `day` (1 to 28) of each month.
    pub(super) fn at(day: u32, now: DateTime<Utc>) -> Self {
        let morning = TimeDelta::hours(CYCLE_HOUR);
        let today = (now - morning).date_naive();
        let this_month = today.with_day(day).expect("every month has 28 days");
        let start = if this_month <= today { this_month } else { this_month - Months::new(1) };
        Self::starting(start.and_time(chrono::NaiveTime::MIN).and_utc() + morning)
    }

    fn starting(start: DateTime<Utc>) -> Self {
        Self { start, end: start + Months::new(1) }
    }

    fn next(self) -> Self {
        Self::starting(self.end)
    }

    fn hours(self) -> i64 {
        (self.end - self.start).num_hours()
    }

    /// Whole hours since the start, within the cycle.
    fn hour(self, at: DateTime<Utc>) -> i64 {
        (at - self.start).num_hours().clamp(0, self.hours())
    }

    /// Counts the months since year 0, to draw a level for each.
    fn index(self) -> u64 {
        u64::from(self.start.year().unsigned_abs()) * 12 + u64::from(self.start.month())
    }

    /// The first `hours` of the cycle, each weighed in thousandths: people run more tests on working days.
    fn weighted_hours(self, hours: i64) -> i64 {
        let mut sum = 0;
        let mut left = hours;
        let mut day = self.start;
        while left > 0 {
            let weight = if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) { 900 } else { 1040 };
            sum += left.min(24) * weight;
            left -= 24;
            day = day + Days::new(1);
        }
        sum
    }
}

/// Something that consumes units: a test on cloud agents, or an enterprise agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consumer {
    pub id: String,
    pub name: String,
    /// The type of a test as the API words it; empty for an agent.
    pub kind: &'static str,
    /// Units in thirty days at its usual level.
    pub monthly: i64,
    /// Never jumps far from its usual level.
    pub steady: bool,
    pub seed: u64,
}

/// What was consumed in a cycle up to some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub used: i64,
    /// None for the first hours of a new test.
    pub projected: Option<i64>,
    pub next_cycle: i64,
}

impl Consumed {
    /// By the end of the cycle; a missing projection counts as what was used.
    pub(crate) fn expected(self) -> i64 {
        self.projected.unwrap_or(self.used)
    }
}

impl Consumer {
    /// What it consumed since the cycle began; none while it does not exist yet.
    pub(super) fn consumed(&self, cycle: Cycle, now: DateTime<Utc>) -> Option<Consumed> {
        let hour = cycle.hour(now);
        let changes = self.changes(cycle);
        let before = self.level(cycle);
        let level = if hour < changes { before } else { self.level(cycle.next()) };
        if before == 0 && hour < changes {
            return None;
        }
        let used = self.used(cycle, now);
        let is_new = before == 0 && hour < changes + HOURS_WITHOUT_PROJECTION;
        let at_this_rate = |hours: i64| self.monthly * level * hours / (NOMINAL_HOURS * 1000);
        Some(Consumed {
            used,
            projected: (!is_new).then(|| used + at_this_rate(cycle.hours() - hour)),
            next_cycle: at_this_rate(cycle.next().hours()),
        })
    }

    /// What it consumed between two moments, whatever cycles they are in.
    pub(super) fn between(&self, day: u32, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        let mut sum = 0;
        let mut cycle = Cycle::at(day, from);
        while cycle.start < to {
            sum += self.used(cycle, to) - self.used(cycle, from);
            cycle = cycle.next();
        }
        sum
    }

    fn used(&self, cycle: Cycle, now: DateTime<Utc>) -> i64 {
        let hour = cycle.hour(now);
        let before = cycle.weighted_hours(hour.min(self.changes(cycle)));
        let after = cycle.weighted_hours(hour) - before;
        let weighed = self.level(cycle) * before + self.level(cycle.next()) * after;
        self.monthly * weighed / (NOMINAL_HOURS * 1_000_000)
    }

    /// The level at which it enters a cycle, in thousandths of its usual one.
    fn level(&self, cycle: Cycle) -> i64 {
        let mut random = fastrand::Rng::with_seed(mix(self.seed, cycle.index()));
        match random.u8(0..100) {
            0 if !self.steady => 0,
            1..8 if !self.steady => random.i64(700..1300),
            _ => random.i64(950..1050),
        }
    }

    /// The hour of the cycle at which it moves to the next cycle's level.
    fn changes(&self, cycle: Cycle) -> i64 {
        fastrand::Rng::with_seed(mix(self.seed, cycle.index() ^ 0xc4a6e)).i64(0..cycle.hours())
    }
}

/// Two numbers into one that looks random (splitmix64's last step).
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(17) ^ b.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
