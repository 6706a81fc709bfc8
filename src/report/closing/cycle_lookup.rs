//! The closed cycles of a year, found by opening few snapshots: the last one of each cycle, and one in the middle of the latest.
//!
//! A cycle ends where the next one begins, so the way goes back from end to end, for all organizations at once and newest first.
//! Those that renew on the same day share their snapshots: a year of them is fourteen.

use chrono::{DateTime, Datelike, Months, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::quota::{OrgId, Organization, Place, Snapshot, SnapshotRow};
use crate::report::closing::cycle_tracker::{EndedCycle, GAP, SAME};

/// No more snapshots are opened, however many organizations close on however many dates.
const MOST: usize = 120;
/// Where usage is unknown the way goes back by this, doubled each time, and by no more than `LONGEST_STEP`.
const STEP: TimeDelta = TimeDelta::days(1);
const LONGEST_STEP: TimeDelta = TimeDelta::days(4);
/// Before the year begins, the cycle that it is compared with is looked for no further back than this.
const BEFORE: TimeDelta = TimeDelta::days(40);

/// An organization whose cycle closed, and what the history says of its cycles in that year.
///
/// A report on some of its account groups is made by leaving only their rows: without a row of its own nothing is said of the
/// organization.
#[derive(Clone, Debug)]
pub(crate) struct ClosedCycles {
    pub org_id: OrgId,
    /// Newest first: the one that closed, then those before it, to the first of the calendar year and one before that.
    pub cycles: Vec<Cycle>,
    /// What was seen in the middle of the one that closed.
    pub middle: Option<LastSeen>,
    /// Whether cycles before these were not looked for, because too many snapshots were opened.
    pub cut: bool,
}

/// One billing cycle. Of one that nothing was seen of the dates are guessed from those around it.
#[derive(Clone, Debug)]
pub(crate) struct Cycle {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// The last that was seen of it.
    pub last_seen: Option<LastSeen>,
}

/// What one snapshot showed of one organization.
#[derive(Clone, Debug)]
pub(crate) struct LastSeen {
    pub at: DateTime<Utc>,
    /// None where nothing of it is left for those who read the report.
    pub shown: Option<Organization>,
}

impl LastSeen {
    fn new(at: DateTime<Utc>, organization: &Organization) -> Self {
        Self { at, shown: Some(organization.clone()) }
    }

    /// Its own row first.
    pub(in crate::report) fn rows(&self) -> impl Iterator<Item = SnapshotRow<'_>> + Clone {
        self.shown.iter().flat_map(Organization::rows)
    }

    /// The places of those rows, for those who need not know what they say.
    pub(in crate::report) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.shown.iter().flat_map(Organization::places)
    }

    /// Those of its rows alone that are to be kept.
    pub(in crate::report) fn filtered(&self, is_kept: impl FnMut(Place<'_>) -> bool) -> Self {
        Self { at: self.at, shown: self.shown.clone().and_then(|shown| shown.filtered(is_kept)) }
    }

    /// Leaves its account groups out where it has a row of its own: of an earlier cycle that alone is reported, unless to owners of some
    /// account groups.
    fn without_groups(mut self) -> Self {
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.own.is_some()) {
            shown.account_groups = Vec::new();
        }
        self
    }
}

impl Cycle {
    /// Its middle decides the month and the year that it belongs to, whichever day it begins and ends.
    pub(in crate::report) fn middle(&self) -> DateTime<Utc> {
        self.start + (self.end - self.start) / 2
    }

    pub(in crate::report) fn year(&self, zone: Tz) -> i32 {
        self.middle().with_timezone(&zone).year()
    }
}

/// Looks back through the history for the cycles that closed.
pub(crate) struct CycleLookup {
    moments: Vec<DateTime<Utc>>,
    zone: Tz,
    searches: Vec<Search>,
    opened: usize,
}

/// How far it has come for one organization.
struct Search {
    closed: ClosedCycles,
    /// Also those of the cycles before the one that closed.
    keeps_groups: bool,
    /// The beginning of the time that closed, as the record knows it.
    start: DateTime<Utc>,
    /// The end of the cycle that is looked for.
    end: DateTime<Utc>,
    step: TimeDelta,
    /// The earliest snapshot before that end in which nothing is known.
    blind: Option<DateTime<Utc>>,
    /// The latest one in which something is, as far as was looked.
    best: Option<Cycle>,
    /// The next snapshot to look into; none where the way ends.
    want: Option<DateTime<Utc>>,
    want_middle: Option<DateTime<Utc>>,
}

impl CycleLookup {
    /// `moments` are those of all snapshots, earliest first.
    pub(crate) fn new(ended: &[EndedCycle], moments: Vec<DateTime<Utc>>, zone: Tz) -> Self {
        let search = |ended: &EndedCycle| Search {
            closed: ClosedCycles {
                org_id: ended.org_id.clone(),
                cycles: Vec::new(),
                middle: None,
                cut: false,
            },
            keeps_groups: false,
            start: ended.start,
            end: ended.end,
            step: TimeDelta::zero(),
            blind: None,
            best: None,
            want: moment_before(&moments, ended.end),
            want_middle: None,
        };
        let searches = ended.iter().map(search).collect();
        Self { moments, zone, searches, opened: 0 }
    }

    /// Also keeps what account groups used in the cycles before the one that closed: for reports to owners of some of them.
    pub(crate) fn for_owners(mut self) -> Self {
        for search in &mut self.searches {
            search.keeps_groups = true;
        }
        self
    }

    /// The snapshot to look into next; none when all is found, or enough was opened.
    pub(crate) fn next(&mut self) -> Option<DateTime<Utc>> {
        let wanted =
            self.searches.iter().flat_map(|search| [search.want, search.want_middle]).flatten().max()?;
        if self.opened == MOST {
            for search in self.searches.iter_mut().filter(|search| search.want.is_some()) {
                if let Some(best) = search.best.take() {
                    search.settle(best, &self.moments);
                }
                search.closed.cut = true;
            }
            return None;
        }
        self.opened += 1;
        Some(wanted)
    }

    /// What the wanted snapshot shows; none where it cannot be read.
    pub(crate) fn observe(&mut self, at: DateTime<Utc>, snapshot: Option<&Snapshot>) {
        for search in &mut self.searches {
            let seen = snapshot.and_then(|snapshot| snapshot.organization(&search.closed.org_id));
            if search.want_middle == Some(at) {
                search.want_middle = None;
                search.look_at_the_middle(at, seen);
            }
            if search.want == Some(at) {
                search.observe(at, seen, &self.moments, self.zone);
            }
        }
    }

    /// What was found, in the order of the organizations.
    pub(crate) fn into_closed(self) -> Vec<ClosedCycles> {
        let close = |search: Search| {
            let mut closed = search.closed;
            if closed.cycles.is_empty() {
                closed.cycles.extend(unseen_cycles(search.start, search.end));
            }
            closed
        };
        self.searches.into_iter().map(close).collect()
    }
}

impl Search {
    fn observe(
        &mut self,
        at: DateTime<Utc>,
        seen: Option<&Organization>,
        moments: &[DateTime<Utc>],
        zone: Tz,
    ) {
        // One that is said to have begun at the end is the next one already, by a clock that differs.
        let cycle = seen.and_then(|seen| Some((seen, seen.cycle()?)));
        match cycle.filter(|(_, (start, _))| *start + SAME <= self.end) {
            Some((seen, (start, end))) => {
                self.best = Some(Cycle { start, end, last_seen: Some(LastSeen::new(at, seen)) });
            }
            None => self.blind = Some(at),
        }
        let best_at = self.best.as_ref().and_then(|best| best.last_seen.as_ref()).map(|seen| seen.at);
        self.want = match (best_at, self.blind) {
            // Back by longer and longer steps until something is known,
            (None, _) => {
                let back = moment_before(moments, at.min(at - self.step + TimeDelta::seconds(1)));
                self.step = (self.step * 2).clamp(STEP, LONGEST_STEP);
                back
            }
            // then forward by halves to the last that is.
            (Some(best), Some(blind)) => middle_moment(moments, best, blind),
            (Some(_), None) => None,
        };
        if self.want.is_none()
            && let Some(best) = self.best.take()
        {
            self.settle(best, moments);
        }
        self.stop_if_too_old(zone);
    }

    /// Takes a cycle for found, and turns to the one before it.
    fn settle(&mut self, cycle: Cycle, moments: &[DateTime<Utc>]) {
        let Cycle { start, end, last_seen } = cycle;
        let missed = self.end - end > GAP;
        if missed {
            self.closed.cycles.extend(unseen_cycles(end, self.end));
        }
        let is_earlier = !self.closed.cycles.is_empty();
        let last_seen = if is_earlier && !self.keeps_groups {
            last_seen.map(LastSeen::without_groups)
        } else {
            last_seen
        };
        let cycle = Cycle { start, end: if missed { end } else { self.end }, last_seen };
        if self.closed.cycles.is_empty() {
            self.want_middle = moment_before(moments, cycle.middle()).filter(|middle| *middle > start);
        }
        self.closed.cycles.push(cycle);
        (self.end, self.step, self.blind) = (start, TimeDelta::zero(), None);
        self.want = moment_before(moments, start);
    }

    fn look_at_the_middle(&mut self, at: DateTime<Utc>, seen: Option<&Organization>) {
        let closed = self.closed.cycles.first().map(|cycle| cycle.start);
        let is_same = |seen: &&Organization| {
            seen.cycle().zip(closed).is_some_and(|((start, _), closed)| (start - closed).abs() < SAME)
        };
        self.closed.middle = seen.filter(is_same).map(|seen| LastSeen::new(at, seen));
    }

    /// The way ends with the cycle before the year of the one that closed.
    fn stop_if_too_old(&mut self, zone: Tz) {
        let year = self.closed.cycles.first().map_or(self.end, Cycle::middle).with_timezone(&zone).year();
        let found = self
            .closed
            .cycles
            .last()
            .is_some_and(|cycle| cycle.last_seen.is_some() && cycle.year(zone) < year);
        let year_before = |at: DateTime<Utc>| (at + BEFORE).with_timezone(&zone).year() < year;
        if found || self.want.is_some_and(year_before) {
            self.want = None;
        }
    }
}

/// The cycles between two moments of which nothing is known but that each is about a month, newest first.
fn unseen_cycles(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Cycle> {
    let start_of = |end: DateTime<Utc>| {
        let start = end.checked_sub_months(Months::new(1)).unwrap_or(from);
        if start - from > GAP { start } else { from }
    };
    let ends = std::iter::successors(Some(to), |end| Some(start_of(*end)).filter(|start| *start > from));
    ends.map(|end| Cycle { start: start_of(end), end, last_seen: None }).collect()
}

/// The last moment before another.
fn moment_before(moments: &[DateTime<Utc>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    moments[..moments.partition_point(|moment| *moment < at)].last().copied()
}

/// The middle one of the moments between two others.
fn middle_moment(moments: &[DateTime<Utc>], from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = moments.partition_point(|moment| *moment <= from);
    let end = moments.partition_point(|moment| *moment < to);
    moments.get(first..end).and_then(|inside| inside.get(inside.len() / 2)).copied()
}

#[cfg(test)]
mod tests;
