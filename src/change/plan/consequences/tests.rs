//! What a row below use would stop, when, and in which words.

use chrono_tz::Tz;

use super::*;
use crate::change::fixtures::{group, own, parsed, row_lines, snapshot};
use crate::change::plan::plan;
use crate::collect::top_consumers::top_consumers;
use crate::config::{Guards, Mode};
use crate::domain::quota::{SnapshotRow, UsageRule};
use crate::domain::top_consumers::TopConsumers;
use crate::thousandeyes::{OrganizationUsage, TestUsage};

/// Account group 1 of organization 7: 2 150 used by the snapshot, 3 480 by the end of the cycle.
fn live() -> Snapshot {
    let rows = [own("7", Some(20_000), 3_000, 9_000), group("7", "1", Some(4_000), 2_150, 3_480)];
    let end = Some("2026-12-02T18:00:00Z".parse().unwrap());
    let (cloud_next_period, enterprise_next_period) = (Some(18_000), Some(0));
    snapshot(rows.map(|row| SnapshotRow {
        period_end: end,
        cloud_next_period,
        enterprise_next_period,
        ..row
    }))
}

fn tests(units: &[(&str, &str, &str, Units)]) -> TopConsumers {
    let test = |(aid, name, kind, projected): &(&str, &str, &str, Units)| TestUsage {
        aid: Some((*aid).into()),
        test_name: (*name).into(),
        test_type: (*kind).into(),
        used: Some(0),
        projected: Some(*projected),
    };
    let usage = OrganizationUsage { tests: units.iter().map(test).collect(), ..OrganizationUsage::default() };
    let mut top = TopConsumers::default();
    top.insert("7".into(), top_consumers(&usage, &UsageRule::default()));
    top
}

fn message_in(text: &str, live: &Snapshot, largest: &TopConsumers, zone: Tz) -> String {
    let (guards, rule) = (Guards::default(), UsageRule::default());
    let context = PlanContext { zone, largest, ..PlanContext::new(&guards, Mode::Row, &rule) };
    row_lines(&plan(&parsed(text), live, &context)).remove(0)
}

#[test]
fn a_row_below_use_says_when_tests_would_stop_and_names_the_three_largest() {
    let largest = tests(&[
        ("1", "VPN gateways", "Agent to Server", 800),
        ("1", "portal.initech.com", "Page Load", 1_900),
        ("1", "small", "DNS", 30),
        ("1", "smaller", "DNS", 20),
        ("2", "of another group", "DNS", 5_000),
    ]);
    assert_eq!(
        message_in("aid,value\n1,2500\n", &live(), &largest, Tz::UTC),
        "2: held by below_use: 2 500 is below the 3 480 projected: tests would stop about 25 Nov. Largest: \
             portal.initech.com (Page Load) 1 900, VPN gateways (Agent to Server) 800, small (DNS) 30"
    );
    assert!(
        message_in("org_id,aid,value\n7,,8999\n", &live(), &largest, Tz::UTC)
            .contains("Largest: of another group (DNS) 5 000, portal.initech.com (Page Load) 1 900, VPN"),
        "the organization's own quota names the largest of all its groups"
    );
}

#[test]
fn the_day_is_that_of_the_people_who_read_it() {
    // 1 064 of 1 330 units in 8 of 10 days: 18:00 in UTC.
    let day = |zone| message_in("aid,value\n1,3214\n", &live(), TopConsumers::empty(), zone);
    assert!(day(Tz::UTC).ends_with("3 214 is below the 3 480 projected: tests would stop about 30 Nov"));
    assert!(day(Tz::Asia__Tokyo).ends_with("about 1 Dec"));
}

#[test]
fn a_quota_below_what_is_used_stops_tests_at_once() {
    for value in [0, 1_000, 2_150] {
        let message = message_in(&format!("aid,value\n1,{value}\n"), &live(), TopConsumers::empty(), Tz::UTC);
        assert!(message.ends_with("is below the 3 480 projected: tests would stop at once"), "{message}");
    }
    let message = message_in("aid,value\n1,2151\n", &live(), TopConsumers::empty(), Tz::UTC);
    assert!(message.ends_with("tests would stop about 22 Nov"), "{message}");
}

#[test]
fn a_row_of_a_later_day_stops_nothing_before_it() {
    let message = |value: &str, day: &str| {
        let text = format!("aid,value,effective\n1,{value},{day}\n");
        message_in(&text, &live(), TopConsumers::empty(), Tz::UTC)
    };
    assert!(message("2500", "2026-11-30").ends_with("projected: tests would stop as soon as it is set"));
    assert!(message("1000", "2026-11-30").ends_with("projected: tests would stop as soon as it is set"));
    assert!(message("3400", "2026-11-25").ends_with("projected: tests would stop about 2 Dec"));
}

#[test]
fn a_row_of_the_next_cycle_names_no_day_and_the_tests_of_this_one() {
    let largest = tests(&[("1", "portal", "DNS", 1_900)]);
    assert_eq!(
        message_in("aid,value,effective\n1,3500,next_cycle\n", &live(), &largest, Tz::UTC),
        "2: held by below_use: 3 500 is below the 6 960 projected for the next cycle. Largest this cycle: portal (DNS) 1 900"
    );
}

#[test]
fn no_day_is_named_if_the_end_of_the_cycle_is_unknown() {
    let live = snapshot([group("7", "1", Some(4_000), 2_150, 3_480)]);
    assert_eq!(
        message_in("aid,value\n1,2500\n", &live, TopConsumers::empty(), Tz::UTC),
        "2: held by below_use: 2 500 is below the 3 480 projected"
    );
}
