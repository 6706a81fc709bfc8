//! A year of closed billing cycles for the tests of the closing report and its mail: Acme Bank and Globex close on 5 Dec.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::{Snapshot, SnapshotRow, UsageRule};
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, CycleLookup, LastSeen};
use crate::report::closing::cycle_tracker::EndedCycle;
use crate::report::closing_report;
use crate::report::fixtures::{at, changed, context, realistic};
use crate::report::shared::{Extent, ReportContext};
use crate::report::{ClosingInput, ClosingReport, write_closing_table};

/// The cycle of that month: from its fifth to the next month's.
pub(crate) fn cycle(month: u32) -> (DateTime<Utc>, DateTime<Utc>) {
    let day = |month: u32| at(&format!("{month:02}-05T00:00"));
    (day(month), if month == 12 { "2027-01-05T00:00:00Z".parse().unwrap() } else { day(month + 1) })
}

/// What was seen an hour before the end of that month's cycle: each month a bit more, and in November too much.
pub(crate) fn at_the_end_of(month: u32) -> Snapshot {
    let (start, end) = cycle(month);
    let known = realistic();
    let rows = known.rows().map(|mut row| {
        let months = 11 - i64::from(month);
        let spent = |units: i64| units - units / 25 * months;
        row.usage.cloud_used = row.usage.cloud_projected.map(spent);
        row.usage.cloud_projected = row.usage.cloud_used;
        // Where usage cannot be read its cycle cannot either.
        row.period_start = row.usage.cloud_used.map(|_| start);
        row.period_end = row.usage.cloud_used.map(|_| end);
        row
    });
    Snapshot::new(end - TimeDelta::hours(1), rows)
}

/// In the middle of November's cycle, with the API's projection of that day.
fn in_the_middle() -> Snapshot {
    let known = realistic();
    let rows = known.rows().map(|mut row| {
        row.usage.cloud_used = row.usage.cloud_used.map(|used| used / 2);
        row.usage.cloud_projected = row.usage.cloud_projected.map(|projected| projected / 100 * 94);
        row.period_start = row.period_start.filter(|_| row.usage.cloud_used.is_some());
        row
    });
    Snapshot::new(at("11-19T23:00"), rows)
}

/// The whole history: from March on, but for August, of which no snapshot was taken.
pub(crate) fn history() -> Vec<Snapshot> {
    let mut all: Vec<Snapshot> =
        (3..=11).filter(|month| *month != 8).map(at_the_end_of).chain([in_the_middle()]).collect();
    all.sort_by_key(|snapshot| snapshot.taken_at);
    all
}

pub(crate) fn ended(org_id: &str) -> EndedCycle {
    let (start, end) = cycle(11);
    EndedCycle { org_id: org_id.into(), start, end }
}

/// What a lookup through these snapshots finds, and how many of them it opened.
pub(crate) fn walked(ended: &[EndedCycle], history: &[Snapshot]) -> (Vec<ClosedCycles>, usize) {
    let moments = history.iter().map(|snapshot| snapshot.taken_at).collect();
    let mut lookup = CycleLookup::new(ended, moments, context().zone).for_owners();
    let mut opened = 0;
    while let Some(at) = lookup.next() {
        opened += 1;
        lookup.observe(at, history.iter().find(|snapshot| snapshot.taken_at == at));
    }
    (lookup.into_closed(), opened)
}

/// When the report is made: eight in the morning, Berlin time.
pub(crate) fn morning() -> ReportContext {
    ReportContext { now: at("12-05T07:00"), ..context() }
}

pub(crate) fn report_on(closed: &[ClosedCycles]) -> ClosingReport {
    report_in(Extent::Mail, closed)
}

pub(crate) fn report_in(extent: Extent, closed: &[ClosedCycles]) -> ClosingReport {
    let latest = latest();
    let rule = UsageRule::default();
    let input = ClosingInput { closed, diffs: &[changed()], latest: &latest, rule: &rule };
    closing_report(&input, &ReportContext { extent, ..morning() })
}

/// All of the table.
pub(crate) fn table_of(closed: &[ClosedCycles]) -> String {
    let latest = latest();
    let input = ClosingInput { closed, diffs: &[], latest: &latest, rule: &UsageRule::default() };
    let mut table = Vec::new();
    write_closing_table(&input, &mut table).unwrap();
    String::from_utf8(table).unwrap()
}

fn latest() -> Snapshot {
    Snapshot::new(at("12-05T06:00"), realistic().owned_rows())
}

/// One organization that closed one cycle, seen an hour before its end.
pub(crate) fn closed_with(org_id: &str, rows: Vec<SnapshotRow<'static>>) -> ClosedCycles {
    let (start, end) = cycle(11);
    let rows =
        rows.into_iter().map(|row| SnapshotRow { period_start: Some(start), period_end: Some(end), ..row });
    let seen = Snapshot::new(end - TimeDelta::hours(1), rows);
    walked(&[ended(org_id)], &[seen]).0.remove(0)
}

/// The same with as much in each month before it.
pub(crate) fn with_a_year(mut closed: ClosedCycles) -> ClosedCycles {
    for month in (1..11).rev() {
        let (start, end) = cycle(month);
        let seen = closed.cycles[0].last_seen.clone();
        closed.cycles.push(Cycle { start, end, last_seen: seen.map(|seen| LastSeen { at: end, ..seen }) });
    }
    closed
}

/// Acme Bank alone.
pub(crate) fn one_closing() -> ClosingReport {
    report_on(&walked(&[ended("10452")], &history()).0)
}

/// Acme Bank, Globex, and Initech, whose usage was never known.
pub(crate) fn closings() -> ClosingReport {
    report_on(&walked(&["10452", "10788", "11020"].map(ended), &history()).0)
}
