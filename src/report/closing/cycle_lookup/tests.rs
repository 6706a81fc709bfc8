//! The way back through the history: what it finds, what it leaves closed, and what it says it did not find.

use super::*;
use crate::domain::quota::{Target, Usage};
use crate::report::closing::fixtures::{at_the_end_of, cycle, ended, history, report_in, table_of, walked};
use crate::report::fixtures::{at, context};
use crate::report::shared::Extent;

/// `11-05 12-04T23`: the start of each cycle, and when it was last seen.
fn found(closed: &ClosedCycles) -> Vec<String> {
    let line = |cycle: &Cycle| {
        let seen = cycle
            .last_seen
            .as_ref()
            .map_or("unseen".to_owned(), |seen| seen.at.format("%m-%dT%H").to_string());
        format!("{} {seen}", cycle.start.format("%m-%d"))
    };
    closed.cycles.iter().map(line).collect()
}

#[test]
fn a_year_is_found_by_its_ends_and_a_cycle_that_was_missed_stands_as_unseen() {
    let (closed, opened) = walked(&[ended("10452")], &history());
    assert_eq!(
        found(&closed[0]),
        [
            "11-05 12-04T23",
            "10-05 11-04T23",
            "09-05 10-04T23",
            "08-05 unseen",
            "07-05 08-04T23",
            "06-05 07-04T23",
            "05-05 06-04T23",
            "04-05 05-04T23",
            "03-05 04-04T23"
        ]
    );
    assert_eq!(closed[0].middle.as_ref().unwrap().at, at("11-19T23:00"));
    assert_eq!(opened, 9, "each once, and the one in the middle");
}

#[test]
fn the_cycle_before_the_year_is_found_to_compare_with_and_none_before_it() {
    let shifted = |months: i64| {
        let snapshot = at_the_end_of(11);
        let back = TimeDelta::days(30 * months);
        let rows = snapshot.rows().map(|mut row| {
            row.period_start = row.period_start.map(|start| start - back);
            row.period_end = row.period_end.map(|end| end - back);
            row
        });
        Snapshot::new(snapshot.taken_at - back, rows)
    };
    let history: Vec<Snapshot> = (0..30).rev().map(shifted).collect();
    let (closed, opened) = walked(&[ended("10452"), ended("10788")], &history);
    for closed in &closed {
        let years: Vec<i32> = closed.cycles.iter().map(|cycle| cycle.year(context().zone)).collect();
        assert_eq!(years, [vec![2026; 11], vec![2025]].concat());
    }
    assert_eq!(opened, 12, "both organizations share their snapshots");
}

#[test]
fn where_usage_is_unknown_at_the_end_the_last_that_is_known_counts() {
    let blind = |hours: i64| {
        let end = cycle(11).1;
        let known = at_the_end_of(11);
        let rows = known.rows().map(|row| SnapshotRow {
            usage: Usage::default(),
            period_start: None,
            period_end: None,
            ..row
        });
        Snapshot::new(end - TimeDelta::hours(hours), rows)
    };
    let mut history = vec![at_the_end_of(10)];
    let known = at_the_end_of(11);
    history.push(Snapshot::new(cycle(11).1 - TimeDelta::hours(20), known.owned_rows()));
    history.extend((1..20).rev().map(blind));
    let (closed, opened) = walked(&[ended("10452")], &history);
    assert_eq!(found(&closed[0]), ["11-05 12-04T04", "10-05 11-04T23"]);
    assert!(opened <= 10, "{opened}");
}

#[test]
fn an_organization_that_was_never_seen_has_its_dates_alone() {
    let (closed, _) = walked(&[ended("11020"), ended("999")], &history());
    for closed in closed {
        assert_eq!(found(&closed), ["11-05 unseen"]);
        assert!(closed.middle.is_none() && !closed.cut);
    }
}

#[test]
fn a_cycle_that_was_cut_short_ends_where_the_next_one_began() {
    let early = EndedCycle { end: at("11-20T12:00"), ..ended("10452") };
    let seen = Snapshot::new(at("11-20T06:00"), at_the_end_of(11).owned_rows());
    let cycles = walked(&[early], &[at_the_end_of(10), seen]).0.remove(0).cycles;
    assert_eq!((cycles[0].start, cycles[0].end), (at("11-05T00:00"), at("11-20T12:00")));
}

#[test]
fn of_earlier_cycles_account_groups_are_kept_for_owners_alone_and_the_report_is_the_same() {
    let history = history();
    let moments = || history.iter().map(|snapshot| snapshot.taken_at).collect();
    let closed = |mut lookup: CycleLookup| {
        while let Some(at) = lookup.next() {
            lookup.observe(at, history.iter().find(|snapshot| snapshot.taken_at == at));
        }
        lookup.into_closed()
    };
    let ended = ["10452", "10788"].map(ended);
    let all = closed(CycleLookup::new(&ended, moments(), context().zone).for_owners());
    let fewer = closed(CycleLookup::new(&ended, moments(), context().zone));
    let groups = |closed: &[ClosedCycles], cycle: usize| -> usize {
        let seen = closed.iter().filter_map(|closed| closed.cycles.get(cycle)?.last_seen.as_ref());
        seen.flat_map(LastSeen::places).filter(|place| place.account_group.is_some()).count()
    };
    assert!(groups(&all, 0) > 0 && groups(&all, 1) > 0);
    assert_eq!((groups(&fewer, 0), groups(&fewer, 1)), (groups(&all, 0), 0));
    let report = |closed: &[ClosedCycles]| {
        (serde_json::to_value(report_in(Extent::Whole, closed)).unwrap(), table_of(closed))
    };
    assert_eq!(report(&fewer), report(&all));
}

#[test]
fn however_many_dates_there_are_no_more_than_the_limit_is_opened_and_that_is_said() {
    // 400 organizations that renewed on every day of a month in which nothing was reported, and a snapshot each hour.
    let renewed = |number: i64| at("11-01T00:00") + TimeDelta::hours(number * 37 % 700);
    let ended: Vec<EndedCycle> = (0..400)
        .map(|number| EndedCycle {
            org_id: number.to_string().as_str().into(),
            start: renewed(number) - TimeDelta::days(30),
            end: renewed(number),
        })
        .collect();
    let row = |number: i64, at: DateTime<Utc>| {
        let end = renewed(number) - TimeDelta::days(30 * ((renewed(number) - at).num_days() / 30));
        SnapshotRow {
            period_start: Some(end - TimeDelta::days(30)),
            period_end: Some(end),
            ..SnapshotRow::new(Target::organization(number.to_string().as_str()))
        }
    };
    let moments: Vec<DateTime<Utc>> =
        (0..24 * 330).map(|hour| at("01-05T00:30") + TimeDelta::hours(hour)).collect();
    let mut lookup = CycleLookup::new(&ended, moments, context().zone);
    let mut opened = 0;
    while let Some(at) = lookup.next() {
        opened += 1;
        lookup.observe(at, Some(&Snapshot::new(at, (0..400).map(|number| row(number, at)))));
    }
    assert_eq!(opened, MOST);
    let closed = lookup.into_closed();
    assert!(closed.iter().any(|closed| closed.cut));
    assert!(closed.iter().all(|closed| closed.cut || closed.cycles[0].last_seen.is_some()));
}
