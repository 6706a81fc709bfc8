//! When a row takes effect, and what is known of that time.

use super::*;
use crate::change::Plan;
use crate::change::codes::Code;
use crate::change::fixtures::{group, own, parsed, row_lines, snapshot};
use crate::change::plan::{Verdict, plan};
use crate::config::{Guards, Mode};
use crate::domain::quota::{SnapshotRow, UsageRule};

const CYCLE_END: &str = "2026-12-10T00:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Organization 7 will use half as much in its next cycle, and account group 1 has a tenth of it.
fn live() -> Snapshot {
    let end = Some(at(CYCLE_END));
    let organization = SnapshotRow {
        period_end: end,
        cloud_next_period: Some(5_000),
        enterprise_next_period: Some(0),
        ..own("7", Some(50_000), 4_000, 10_000)
    };
    let groups =
        ["1", "2"].map(|aid| SnapshotRow { period_end: end, ..group("7", aid, Some(2_000), 400, 1_000) });
    snapshot([organization].into_iter().chain(groups))
}

fn planned_in(text: &str, live: &Snapshot, zone: Tz) -> Plan {
    let (guards, rule) = (Guards::default(), UsageRule::default());
    plan(&parsed(text), live, &PlanContext { zone, ..PlanContext::new(&guards, Mode::Organization, &rule) })
}

fn planned(text: &str) -> Plan {
    planned_in(text, &live(), Tz::UTC)
}

#[test]
fn a_row_is_due_when_its_day_begins_where_people_are_or_when_the_cycle_ends() {
    let text = "aid,value,effective\n1,3000,2026-12-01\n2,3000,next_cycle\n";
    let dues = |zone| planned_in(text, &live(), zone).rows.iter().map(|row| row.due).collect::<Vec<_>>();
    assert_eq!(dues(Tz::UTC), [Some(at("2026-12-01T00:00:00Z")), Some(at(CYCLE_END))]);
    assert_eq!(dues(Tz::Europe__Berlin)[0], Some(at("2026-11-30T23:00:00Z")));
    let past = planned("aid,value,effective\n1,3000,2026-11-22\n2,3000,\n");
    assert_eq!(past.rows.iter().map(|row| row.due).collect::<Vec<_>>(), [None, None]);
    assert!(past.rows.iter().all(|row| row.warnings.is_empty()), "today is no day that is past");
    let typed_wrong = planned("aid,value,effective\n1,3000,2025-12-01\n2,2000,2025-12-01\n");
    assert_eq!(
        row_lines(&typed_wrong),
        [
            "2: send (warning: 1 Dec 2025 is past, so this takes effect at once: is the year right?)",
            "3: unchanged, already 2 000",
        ]
    );
}

#[test]
fn what_is_due_at_this_very_moment_takes_effect_now() {
    let (live, guards, rule) = (live(), Guards::default(), UsageRule::default());
    let planned = |due| {
        let context = PlanContext { due: Some(due), ..PlanContext::new(&guards, Mode::Organization, &rule) };
        plan(&parsed("aid,value\n1,3000\n"), &live, &context).rows[0].due
    };
    assert_eq!(planned(live.taken_at), None);
    let later = live.taken_at + TimeDelta::seconds(1);
    assert_eq!(planned(later), Some(later));
}

#[test]
fn a_day_without_a_midnight_begins_after_it() {
    let date = "2026-09-06".parse::<chrono::NaiveDate>().unwrap();
    assert_eq!(beginning(date.and_time(NaiveTime::MIN), Tz::America__Santiago), at("2026-09-06T04:00:00Z"));
}

#[test]
fn a_row_of_the_next_cycle_is_guarded_by_what_is_projected_for_it() {
    let cut = |effective: &str, value| {
        row_lines(&planned(&format!("aid,value,effective\n1,{value},{effective}\n")))[0].clone()
    };
    assert_eq!(
        cut("2026-12-01", 999),
        "2: held by below_use: 999 is below the 1 000 projected: tests would stop about 9 Dec"
    );
    assert_eq!(cut("next_cycle", 999), "2: send");
    assert_eq!(
        cut("2026-12-10", 499),
        "2: held by below_use: 499 is below the 500 projected for the next cycle"
    );
}

#[test]
fn a_row_for_the_next_cycle_is_refused_with_the_fix_if_the_cycle_is_unknown() {
    let live = snapshot([own("7", Some(50_000), 0, 0), group("7", "1", Some(2_000), 0, 0)]);
    let outcomes = row_lines(&planned_in("aid,value,effective\n1,3000,next_cycle\n", &live, Tz::UTC));
    assert!(
        outcomes[0].contains("the end of the billing cycle") && outcomes[0].contains("Type a date"),
        "{outcomes:?}"
    );
}

#[test]
fn a_cycle_that_ended_or_ends_before_it_starts_is_not_known_and_nothing_is_sent_at_once() {
    let outcome = |start: &str, end: &str| {
        let mut live = live();
        let organization = live.organization_mut(&"7".into()).unwrap();
        (organization.period_start, organization.period_end) = (Some(at(start)), Some(at(end)));
        row_lines(&planned_in("aid,value,effective\n1,3000,next_cycle\n", &live, Tz::UTC)).remove(0)
    };
    let now = live().taken_at.to_rfc3339();
    let started = "2026-11-10T00:00:00Z";
    assert_eq!(outcome(started, CYCLE_END), "2: send");
    for (start, end, why) in [
        (started, "2026-11-15T00:00:00Z", "the API says 15 Nov 2026, which is past"),
        (started, now.as_str(), "which is past"),
        (CYCLE_END, CYCLE_END, "the API says 10 Dec 2026, which is not after its start"),
        ("2026-12-20T00:00:00Z", CYCLE_END, "which is not after its start"),
    ] {
        let refused = outcome(start, end);
        assert!(refused.contains(why) && refused.contains("Type a date, such as 2026-12-01"), "{refused}");
    }
}

#[test]
fn the_same_target_now_and_later_is_no_duplicate_and_the_later_row_starts_from_the_earlier() {
    let plan = planned("aid,value,effective\n1,3000,\n1,2000,2026-12-01\n");
    assert_eq!(row_lines(&plan), ["2: send", "3: send"]);
    assert_eq!(plan.rows[1].before, Some(3_000));
}

#[test]
fn rows_of_several_times_start_from_all_that_comes_before_them_in_whatever_order_they_stand() {
    let text = "aid,value,effective\n1,1500,2026-12-03\n1,2500,2026-12-02\n1,3000,\n";
    let plan = planned(text);
    let rows: Vec<_> = plan.rows.iter().map(|row| (row.row, row.before, row.after)).collect();
    assert_eq!(
        rows,
        [(2, Some(2_500), Some(1_500)), (3, Some(3_000), Some(2_500)), (4, Some(2_000), Some(3_000))]
    );
}

#[test]
fn two_rows_of_one_later_time_are_duplicates_also_where_no_row_takes_effect_now() {
    let plan = planned("aid,value,effective\n1,3000,2026-12-01\n1,2500,2026-12-01\n2,2100,2026-12-02\n");
    let is_duplicate =
        |row: &PlanRow| matches!(&row.verdict, Verdict::Refused(problem) if problem.code == Code::Duplicate);
    assert_eq!(plan.rows.iter().map(is_duplicate).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_later_row_that_expects_what_an_earlier_one_changes_hears_of_that_row_and_of_nobody_else() {
    let stale = |text: &str| row_lines(&planned(text)).pop().unwrap();
    let by_a_row = stale("aid,value,expected_value,effective\n1,3000,2000,\n1,2500,2000,2026-12-01\n");
    assert!(
        by_a_row.contains(
            "is `2000`, but a row of this file that takes effect before this one makes the quota `3000`"
        ),
        "{by_a_row}"
    );
    let by_others = stale("aid,value,expected_value,effective\n1,2500,900,2026-12-01\n");
    assert!(by_others.contains("but the quota is `2000` now. Somebody changed it since"), "{by_others}");
}

#[test]
fn a_later_row_that_is_held_holds_nothing_now_and_a_later_row_that_is_wrong_refuses_all() {
    let held = planned("aid,value,effective\n1,3000,\n2,1,2026-12-01\n");
    assert!(
        row_lines(&held)[0] == "2: send" && row_lines(&held)[1].starts_with("3: held"),
        "{:?}",
        row_lines(&held)
    );
    let bad = planned("org_id,aid,value,effective\n7,1,3000,\n7,2,x,2026-12-01\n");
    assert!(row_lines(&bad)[0].starts_with("2: not_sent"), "{:?}", row_lines(&bad));
}
