//! Which slot of a job is to be served now, and which were missed: its schedule, with what is remembered of it.

use chrono::{DateTime, Duration, Utc};

use super::State;
use crate::config::Schedule;
use crate::history::History;
use crate::jobs::job::Job;
use crate::schedule::Missed;

impl Job {
    /// The slot that is to be served now, if there is one. What was tried and failed is not let go, whatever `catch_up` says.
    pub(crate) fn due(
        self,
        schedule: &Schedule,
        history: &History,
        state: &State,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !state.is_usable() && !self.takes_what_waits() {
            return None;
        }
        let grace = (!schedule.catch_up && !state.is_failing(self)).then(|| Duration::minutes(5));
        let slot = self.schedule(schedule)?.due(schedule.timezone, state.last_success(self), now, grace)?;
        // Without a snapshot there is nothing to report on, and why there is none was reported already.
        let too_early = self == Self::UsageReport && history.list().is_ok_and(|all| all.is_empty());
        (!too_early).then_some(slot)
    }

    /// The slots of which nothing is left behind when a success at `began` ends a gap.
    pub(in crate::jobs) fn missed(
        self,
        schedule: &Schedule,
        state: &State,
        began: DateTime<Utc>,
    ) -> Option<Missed> {
        if self.makes_up_for_missed_slots() {
            return None;
        }
        let last_success = state.last_success_by_clock_of(self, began);
        self.schedule(schedule)?.missed(schedule.timezone, last_success, began)
    }

    /// The slot that is to be served now, or whose failure is to be tried again, if there is one.
    pub(in crate::jobs) fn to_serve(
        self,
        schedule: &Schedule,
        history: &History,
        state: &State,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let slot = self.due(schedule, history, state, now);
        let owed = || state.last_success(self).filter(|_| self.owes_report(schedule, history, state, now));
        slot.or_else(owed)
    }

    /// Whether the slot was served and what it showed is still to be reported.
    pub(in crate::jobs) fn owes_report(
        self,
        schedule: &Schedule,
        history: &History,
        state: &State,
        now: DateTime<Utc>,
    ) -> bool {
        // One that a person asked for in vain took no snapshot, and is over only when one is taken.
        self == Self::Snapshot
            && state.why(self).is_some_and(|why| why.after_serving)
            && state.is_usable()
            && self.due(schedule, history, state, now).is_none()
    }
}
