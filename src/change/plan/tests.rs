//! What becomes of each row of a change file, and what always holds of a plan.

use proptest::prelude::*;

use super::model::Counts;
use super::*;
use crate::change::fixtures::{group, own, parsed, planned, row_lines, snapshot};
use crate::change::plan::staleness;
use crate::change::{Guard, GuardHit};
use crate::config::{Guards, Mode};
use crate::domain::quota::{Aid, SnapshotRow, Units, UsageRule};
use crate::files::sha256;

fn world() -> Snapshot {
    snapshot([
        own("7", Some(9000), 0, 0),
        group("7", "1", Some(1000), 100, 500),
        group("7", "2", Some(2000), 100, 500),
        group("7", "3", None, 100, 500),
        own("8", None, 0, 0),
        group("8", "4", Some(1000), 100, 500),
        group("8", "99", None, 0, 0),
        group("9", "99", None, 0, 0),
    ])
}

fn says(text: &str, mode: Mode) -> Vec<String> {
    row_lines(&planned(text, &world(), mode, &Guards::default()))
}

#[test]
fn a_target_is_found_by_its_ids_or_not_at_all() {
    insta::assert_snapshot!(says("org_id,aid,value\n,1,1001\n7,,9001\n,5,1\n7,5,1\n5,,1\n5,1,1\n8,1,1\n,99,5\n", Mode::Row).join("\n"), @r#"
        2: send
        3: send
        4: unknown_target, the token sees no account group 5. Correct `aid`, or use a token that may edit it.
        5: unknown_target, the token sees no account group 5 in organization 7. Correct `aid`, or use a token that may edit it.
        6: unknown_target, the token sees no organization 5. Correct `org_id`, or use a token that may edit it.
        7: unknown_target, account group 1 is not in organization 5 but in organization 7 (Org 7). Correct `org_id` or `aid`.
        8: unknown_target, account group 1 is not in organization 8 but in organization 7 (Org 7). Correct `org_id` or `aid`.
        9: ambiguous_target, account group 99 exists in organization 8 (Org 8) and organization 9 (Org 9). Fill in `org_id`.
    "#);
}

#[test]
fn a_row_whose_target_is_not_found_is_labelled_as_it_is_written_unless_an_id_cannot_be_read() {
    let text = "org_id,org_name,aid,account_group_name,value\n7,,1,,1001\n,,5,Sales Spain,1\n5,Acme,,,1\n7,,1O1,,5\n7,,5,,x\n,,99,,5\n";
    let plan = planned(text, &world(), Mode::Row, &Guards::default());
    let labels: Vec<String> = plan.rows.iter().map(PlanRow::label).collect();
    assert_eq!(labels, ["Group 1 1", "Sales Spain 5", "Acme 5", "", "5", "99"]);
}

#[test]
fn the_outline_of_a_file_has_the_organizations_it_may_change_and_whether_a_row_may_be_stale() {
    let (guards, rule) = (Guards::default(), UsageRule::default());
    let outlined = |text: &str| {
        let context = PlanContext::new(&guards, Mode::Organization, &rule);
        let Outline { organizations, all_must_show: _, lowered: _, is_stale } =
            outline(&parsed(text), &world(), &context);
        (organizations.iter().map(OrgId::as_str).collect::<Vec<_>>().join(" "), is_stale)
    };
    let is = |organizations: &str, is_stale| (organizations.to_owned(), is_stale);
    assert_eq!(outlined("aid,value,expected_value\n1,1001,1000\n2,2000,2000\n"), is("7", false));
    assert_eq!(outlined("aid,value,expected_value\n1,1001,1000\n4,1001,5\n2,x,\n"), is("7 8", true));
    // What a later row meets, nobody knows.
    assert_eq!(outlined("aid,value,effective\n4,1000,2999-12-01\n"), is("8", true));
    assert_eq!(outlined("aid,value\n4,1000\n"), is("", false));
}

#[test]
fn the_same_target_twice_is_refused_on_each_row_that_names_it() {
    insta::assert_snapshot!(
        says("org_id,aid,value\n7,1,1001\n,1,1002\n7,2,2001\n7,2,x\n8,4,1\n8,4,1\n8,4,1\n", Mode::Row).join("\n"), @r#"
        2: duplicate, account group 1 of organization 7 is also in row 3. Keep one of them.
        3: duplicate, account group 1 of organization 7 is also in row 2. Keep one of them.
        4: duplicate, account group 2 of organization 7 is also in row 5. Keep one of them.
        5: bad_row, Column `value`: `x` is not a whole number. Type digits only, such as 12000.
        6: duplicate, account group 4 of organization 8 is also in rows 7 and 8. Keep one of them.
        7: duplicate, account group 4 of organization 8 is also in rows 6 and 8. Keep one of them.
        8: duplicate, account group 4 of organization 8 is also in rows 6 and 7. Keep one of them.
    "#
    );
}

#[test]
fn an_expectation_decides_between_stale_unchanged_and_sent() {
    insta::assert_snapshot!(
        says(
            "action,aid,value,expected_value\n,1,1100,1000\n,2,2100,1900\n,3,,none\n,4,900,900\n",
            Mode::Row
        ).join("\n"),
        @r#"
        2: send
        3: stale, `expected_value` is `1900`, but the quota is `2000` now. Somebody changed it since: check it, then put `2000` into `expected_value`.
        4: unchanged, not edited
        5: unchanged, not edited
    "#
    );
    insta::assert_snapshot!(
        says("action,aid,value,expected_value\n,1,1000,900\n,2,2000,\nunassign,3,,500\n,4,1100,none\n", Mode::Row).join("\n"),
        @r#"
        2: unchanged, already 1 000
        3: unchanged, already 2 000
        4: unchanged, already without a quota
        5: stale, `expected_value` is `none`, but the quota is `1000` now. Somebody changed it since: check it, then put `1000` into `expected_value`.
    "#
    );
}

/// Organization 7 has a plan of 9 000 units.
fn with_a_plan(plan_units: Units, quota: Option<Units>) -> Snapshot {
    let own = SnapshotRow { plan_units: Some(plan_units), ..own("7", quota, 0, 0) };
    snapshot([own, group("7", "1", Some(1000), 100, 500), group("7", "2", None, 100, 500)])
}

#[test]
fn a_share_of_the_plan_becomes_units_and_the_plan_keeps_what_was_written() {
    let text = "org_id,aid,value\n7,1,12.5 % of plan\n7,2,33.3333% of plan\n7,,100% OF PLAN\n";
    let plan = planned(text, &with_a_plan(9_000, Some(8_000)), Mode::Row, &Guards::default());
    let asked: Vec<_> = plan.rows.iter().map(|row| (row.after, row.written.as_str())).collect();
    assert_eq!(
        asked,
        [(Some(1_125), "12.5% of plan"), (Some(3_000), "33.3333% of plan"), (Some(9_000), "100% of plan")]
    );
    assert_eq!(row_lines(&plan), ["2: send", "3: send", "4: send"]);
}

#[test]
fn a_share_of_the_plan_counts_in_the_units_of_quotas() {
    let (guards, rule) =
        (Guards::default(), UsageRule { units_per_quota_unit: Some(1000.0), ..UsageRule::default() });
    let live = with_a_plan(9_000_000, Some(9_000));
    let plan =
        plan(&parsed("aid,value\n2,50% of plan\n"), &live, &PlanContext::new(&guards, Mode::Row, &rule));
    assert_eq!(plan.rows[0].after, Some(4_500));
}

#[test]
fn a_share_of_the_plan_is_unchanged_or_unedited_by_what_it_became() {
    let text = "aid,value,expected_value\n1,10% of plan,\n2,10% of plan,1000\n";
    let plan = planned(text, &with_a_plan(10_000, Some(8_000)), Mode::Row, &Guards::default());
    assert_eq!(row_lines(&plan), ["2: unchanged, already 1 000", "3: unchanged, not edited"]);
}

#[test]
fn a_share_of_a_plan_that_nobody_knows_or_that_is_no_quota_is_never_sent() {
    let refused = |live: &Snapshot, value: &str| {
        let plan = planned(&format!("org_id,aid,value\n7,1,{value}\n"), live, Mode::Row, &Guards::default());
        assert_eq!((plan.rows[0].after, plan.rows[0].is_understood()), (None, false));
        assert_eq!(plan.rows[0].written, value);
        row_lines(&plan).remove(0)
    };
    assert!(refused(&world(), "20% of plan").contains("plan of organization 7, which is not known"));
    let largest = with_a_plan(Units::MAX, None);
    assert!(
        refused(&largest, "1000% of plan").contains("is too large for a quota. Type the number of units.")
    );
    assert!(refused(&with_a_plan(-1, None), "20% of plan").contains("not known"));
    assert!(refused(&with_a_plan(9_000_000, Some(9_000)), "20% of plan").contains("different units"));
}

#[test]
fn an_approval_is_void_when_the_plan_that_a_share_is_of_moved() {
    let text = "aid,value\n1,4% of plan\n";
    let plan = |units| planned(text, &with_a_plan(units, Some(8_000)), Mode::Row, &Guards::default());
    assert_eq!(
        staleness(&plan(10_000), &plan(9_000)),
        ["Group 1 1 was approved to become 400, and would become 360 now."]
    );
}

#[test]
fn an_unedited_row_keeps_what_is_live_even_if_somebody_changed_it() {
    let plan = planned("aid,value,expected_value\n1,900,900\n", &world(), Mode::Row, &Guards::default());
    assert_eq!((plan.rows[0].before, plan.rows[0].after), (Some(1000), Some(1000)));
    assert!(plan.is_empty());
}

const MIXED: &str =
    "action,org_id,aid,value\n,7,1,1100\n,7,2,x\n,7,3,5000\n,8,4,1100\nunassign,8,99,\n,,77,5\n";

#[test]
fn a_refused_row_refuses_its_organization_but_no_other() {
    insta::assert_snapshot!(says(MIXED, Mode::Organization).join("\n"), @r#"
        2: not_sent, not sent because row 3 was refused, and the rows of an organization are sent together or not at all.
        3: bad_row, Column `value`: `x` is not a whole number. Type digits only, such as 12000.
        4: not_sent, not sent because row 3 was refused, and the rows of an organization are sent together or not at all.
        5: send
        6: unchanged, already without a quota
        7: unknown_target, the token sees no account group 77. Correct `aid`, or use a token that may edit it.
    "#);
}

#[test]
fn a_refused_row_refuses_the_whole_file_in_file_mode_and_nothing_in_row_mode() {
    insta::assert_snapshot!(says(MIXED, Mode::File).join("\n"), @r#"
        2: not_sent, not sent because rows 3 and 7 were refused, and the rows of a file are sent together or not at all.
        3: bad_row, Column `value`: `x` is not a whole number. Type digits only, such as 12000.
        4: not_sent, not sent because rows 3 and 7 were refused, and the rows of a file are sent together or not at all.
        5: not_sent, not sent because rows 3 and 7 were refused, and the rows of a file are sent together or not at all.
        6: unchanged, already without a quota
        7: unknown_target, the token sees no account group 77. Correct `aid`, or use a token that may edit it.
    "#);
    insta::assert_snapshot!(says(MIXED, Mode::Row).join("\n"), @r#"
        2: send
        3: bad_row, Column `value`: `x` is not a whole number. Type digits only, such as 12000.
        4: send
        5: send
        6: unchanged, already without a quota
        7: unknown_target, the token sees no account group 77. Correct `aid`, or use a token that may edit it.
    "#);
}

#[test]
fn a_held_row_holds_its_organization_and_refusal_beats_holding() {
    let text = "action,org_id,aid,value\n,7,1,1100\nunassign,7,2,\n,8,4,1100\n";
    insta::assert_snapshot!(says(text, Mode::Organization).join("\n"), @r#"
        2: held by bound: waits with row 3: the rows of an organization are sent together or not at all
        3: held by unassign: without a quota its usage is unlimited
        4: send
    "#);
    insta::assert_snapshot!(says(&format!("{text},7,3,x\n"), Mode::Organization).join("\n"), @r#"
        2: not_sent, not sent because row 5 was refused, and the rows of an organization are sent together or not at all.
        3: not_sent, not sent because row 5 was refused, and the rows of an organization are sent together or not at all.
        4: send
        5: bad_row, Column `value`: `x` is not a whole number. Type digits only, such as 12000.
    "#);
}

#[test]
fn a_row_with_a_bad_id_refuses_the_organization_that_it_names() {
    let plan =
        planned("org_id,aid,value\n7,1,1100\n7,1E+05,5\n", &world(), Mode::Organization, &Guards::default());
    assert_eq!(plan.refused_rows().count(), 2);
    assert_eq!(plan.rows[1].target, None);
}

#[test]
fn a_row_that_may_mean_any_of_several_organizations_refuses_each_of_them() {
    insta::assert_snapshot!(says("aid,value\n1,1100\n4,1100\n99,5\n99,6\n", Mode::Organization).join("\n"), @r#"
        2: send
        3: not_sent, not sent because row 4 was refused, and the rows of an organization are sent together or not at all.
        4: ambiguous_target, account group 99 exists in organization 8 (Org 8) and organization 9 (Org 9). Fill in `org_id`.
        5: ambiguous_target, account group 99 exists in organization 8 (Org 8) and organization 9 (Org 9). Fill in `org_id`.
    "#);
}

#[test]
fn the_counts_say_what_would_happen_and_add_up() {
    let text = "action,aid,value\n,1,1100\n,2,1500\n,3,5000\nunassign,4,\n,7,5\n";
    let plan = planned(text, &world(), Mode::Row, &Guards::default());
    let expected = Counts { raises: 1, decreases: 1, new: 1, removed: 1, unchanged: 0, refused: 1, held: 1 };
    assert_eq!(plan.counts(), expected);
    assert_eq!((plan.to_send().count(), plan.held_rows().count()), (3, 1));
}

#[test]
fn an_organization_is_shown_as_if_all_that_is_sent_or_held_were_sent() {
    let plan = planned(
        "action,org_id,aid,value\n,7,,9500\nunassign,7,2,\n,7,3,700\n,8,4,x\n",
        &world(),
        Mode::Row,
        &Guards::default(),
    );
    let seen: Vec<_> = plan
        .organizations
        .iter()
        .map(|org| {
            (org.org_id.as_str(), org.name.as_str(), org.quota, org.allocated_before, org.allocated_after)
        })
        .collect();
    assert_eq!(seen, [("7", "Org 7", Some(9500), 3000, 1700), ("8", "Org 8", None, 1000, 1000)]);
}

#[test]
fn the_hash_is_that_of_the_sorted_lines() {
    let text = "action,org_id,aid,value\n,7,3,700\n,7,,9500\nunassign,7,2,\n,7,1,1000\n,9,,x\n";
    let plan = planned(text, &world(), Mode::Row, &Guards::default());
    let lines = "7,,9000,9500\n7,2,2000,none\n7,3,none,700\n";
    let expected = sha256(lines.as_bytes());
    assert_eq!(plan.sha256, expected);
}

/// What moved for an approved plan of three rows when the world became another.
fn moved(change: impl Fn(&mut SnapshotRow)) -> Vec<String> {
    let text = "action,aid,value\n,1,900\n,2,1500\nunassign,4,\n";
    let rows = world().owned_rows().into_iter().map(|mut row| {
        change(&mut row);
        row
    });
    let approved = planned(text, &world(), Mode::Row, &Guards::default());
    staleness(&approved, &planned(text, &snapshot(rows), Mode::Row, &Guards::default()))
}

fn is(row: &SnapshotRow, aid: &str) -> bool {
    row.target.aid == Some(Aid::from(aid))
}

#[test]
fn an_approval_stands_while_only_usage_moves() {
    assert_eq!(moved(|row| row.usage.cloud_projected = Some(899)), Vec::<String>::new());
}

#[test]
fn an_approval_is_void_when_a_quota_moved() {
    assert_eq!(
        moved(|row| row.quota = if is(row, "2") { Some(1900) } else { row.quota }),
        ["Group 2 2 had 2 000 when this was approved, and has 1 900 now."]
    );
}

#[test]
fn an_approval_is_void_when_a_guard_trips_that_was_not_named() {
    assert_eq!(
        moved(|row| row.usage.cloud_projected = Some(901)),
        ["Group 1 1 trips the guard below_use now: 900 is below the 901 projected."]
    );
}

#[test]
fn an_approval_is_void_when_a_target_vanished_or_a_row_would_do_what_nobody_approved() {
    let text = "aid,value\n1,900\n";
    let approved = planned(text, &world(), Mode::Row, &Guards::default());
    let without = snapshot(world().rows().filter(|row| !is(row, "1")));
    let now = planned(text, &without, Mode::Row, &Guards::default());
    assert_eq!(staleness(&approved, &now), ["Group 1 1 is no longer visible to the token."]);

    let text = "aid,value\n1,1000\n";
    let approved = planned(text, &world(), Mode::Row, &Guards::default());
    let other = snapshot(world().rows().map(|row| SnapshotRow { quota: Some(5), ..row }));
    let now = planned(text, &other, Mode::Row, &Guards { max_raise_factor: 1e6, ..Guards::default() });
    assert_eq!(
        staleness(&approved, &now),
        ["Group 1 1 would now change from 5 to 1 000, which was not approved."]
    );
}

/// Up to three organizations with up to six groups each, of which some have no quota, unknown usage or odd plans.
fn worlds() -> impl Strategy<Value = Snapshot> {
    let units = || prop_oneof![Just(None), (0..3000_i64).prop_map(Some)];
    let row = (0..3_u8, 0..7_u8, units(), units(), units(), prop_oneof![Just(None), Just(Some(1_000_000))]);
    prop::collection::vec(row, 1..16).prop_map(|rows| {
        snapshot(rows.into_iter().map(|(org, aid, quota, used, projected, plan_units)| {
            let (org, aid) = (org.to_string(), (org * 10 + aid).to_string());
            let mut row =
                if aid.ends_with('0') { own(&org, quota, 0, 0) } else { group(&org, &aid, quota, 0, 0) };
            row.usage.cloud_used = used;
            row.usage.cloud_projected = projected;
            row.plan_units = plan_units;
            row
        }))
    })
}

/// Rows about those, some of them bad.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let expected = prop_oneof![3 => Just(String::new()), 1 => Just("none".to_owned()), 1 => (0..3000_i64).prop_map(|n| n.to_string())];
    let line =
        (0..8_u8, 0..3_u8, 0..8_u8, 0..4000_i64, expected).prop_map(|(kind, org, aid, value, expected)| {
            let aid = if aid == 0 { String::new() } else { (org * 10 + aid).to_string() };
            match kind {
                0 => format!("unassign,{org},{aid},,{expected}"),
                1 => format!(",,{aid},{value},{expected}"),
                2 => format!(",{org},{aid},1.5,{expected}"),
                3 => format!(",{org},{aid},{value}% of plan,{expected}"),
                _ => format!(",{org},{aid},{value},{expected}"),
            }
        });
    prop::collection::vec(line, 1..20)
}

fn file_of(lines: &[String]) -> ChangeFile {
    parsed(&format!("action,org_id,aid,value,expected_value\n{}\n", lines.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_row_is_sent_unapproved_that_lowers_a_quota_below_use(live in worlds(), lines in lines(), mode in 0..3_usize, undo: bool) {
        let mode = [Mode::Organization, Mode::File, Mode::Row][mode];
        let (guards, rule) = (Guards::default(), UsageRule::default());
        let plan = plan(&file_of(&lines), &live, &PlanContext { undo, ..PlanContext::new(&guards, mode, &rule) });
        for row in plan.to_send() {
            let seen = live.row(row.target.as_ref().unwrap()).unwrap();
            prop_assert_ne!(row.after, seen.quota);
            if row.is_decrease() {
                prop_assert!(rule.needed(&seen.usage).is_some_and(|needed| row.after.unwrap() >= needed), "{:?}", row);
            }
        }
    }

    #[test]
    fn rows_that_are_bound_are_sent_held_or_refused_together(live in worlds(), lines in lines(), whole_file: bool) {
        let mode = if whole_file { Mode::File } else { Mode::Organization };
        let plan = planned_from(&lines, &live, mode);
        prop_assert_eq!(plan.rows.len(), lines.len());
        let counts = plan.counts();
        prop_assert_eq!(counts.held, plan.held_rows().count());
        prop_assert_eq!(
            counts.raises + counts.decreases + counts.new + counts.removed + counts.unchanged + counts.refused,
            lines.len()
        );
        let organization = |row: &PlanRow| (!whole_file).then(|| row.target.as_ref().map(|target| target.org_id.clone()));
        for row in plan.to_send() {
            let bound = plan.rows.iter().filter(|other| organization(other) == organization(row));
            let mut others = bound.filter(|other| !matches!(other.verdict, Verdict::Send | Verdict::Unchanged(_)));
            prop_assert_eq!(others.next(), None);
        }
        for row in plan.held_rows() {
            prop_assert!(row.held_reasons().next().is_some());
            let refused = plan.refused_rows().find(|other| organization(other) == organization(row));
            prop_assert_eq!(refused, None);
        }
    }

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_the_rows(live in worlds(), lines in lines(), seed: usize) {
        let mut turned = lines.clone();
        turned.rotate_left(seed % lines.len());
        turned.reverse();
        prop_assert_eq!(planned_from(&lines, &live, Mode::Row).sha256, planned_from(&turned, &live, Mode::Row).sha256);
    }

    #[test]
    fn no_row_of_a_target_that_stands_twice_is_pending(live in worlds(), lines in lines()) {
        let plan = planned_from(&lines, &live, Mode::Row);
        for row in plan.rows.iter().filter(|row| row.is_pending()) {
            prop_assert_eq!(plan.rows.iter().filter(|other| other.target == row.target).count(), 1);
        }
    }

    #[test]
    fn a_plan_made_again_is_never_stale(live in worlds(), lines in lines()) {
        let plan = planned_from(&lines, &live, Mode::Organization);
        prop_assert_eq!(staleness(&plan, &plan), Vec::<String>::new());
    }
}

fn planned_from(lines: &[String], live: &Snapshot, mode: Mode) -> Plan {
    let (guards, rule) = (Guards::default(), UsageRule::default());
    plan(&file_of(lines), live, &PlanContext::new(&guards, mode, &rule))
}

#[test]
fn an_approval_of_a_held_row_covers_the_guards_that_it_named() {
    let held =
        |message: &str| Verdict::Held(vec![GuardHit { guard: Guard::BelowUse, message: message.into() }]);
    let mut approved = planned("aid,value\n1,400\n", &world(), Mode::Row, &Guards::default());
    assert!(matches!(approved.rows[0].verdict, Verdict::Held(_)));
    let now = approved.clone();
    approved.rows[0].verdict = held("400 is below the 450 projected");
    assert_eq!(staleness(&approved, &now), Vec::<String>::new());
}

#[test]
fn many_rows_are_named_by_the_first_three() {
    let words = |numbers: &[usize]| rows_text(numbers.iter().copied(), numbers.len());
    assert_eq!(words(&[3]), "row 3");
    assert_eq!(words(&[3, 7]), "rows 3 and 7");
    assert_eq!(words(&[3, 7, 8]), "rows 3, 7 and 8");
    assert_eq!(words(&[3, 7, 8, 9, 10]), "rows 3, 7, 8 and 2 more");
}
