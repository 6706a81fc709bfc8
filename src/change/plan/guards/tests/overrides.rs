//! Every key of `[[guard.overrides]]` has its effect on the targets that it names, and on no other.

use crate::change::fixtures::{group, own, parsed, snapshot};
use crate::change::plan::guards::*;
use crate::change::plan::plan;
use crate::config::{Approval, GuardOverride, Guards, Level, Mode};
use crate::domain::quota::{SnapshotRow, Units, UsageRule};

/// Organizations 7 and 8 with ten account groups each: 1 000 units, of which 900 are needed.
fn live(own_quota: Units) -> Snapshot {
    snapshot(["7", "8"].into_iter().flat_map(|org| {
        let groups = (0..10).map(move |aid| group(org, &format!("{org}{aid}"), Some(1_000), 0, 900));
        groups.chain([SnapshotRow { plan_units: Some(20_000), ..own(org, Some(own_quota), 0, 900) }])
    }))
}

/// All ten account groups of organization 7 become this much.
fn all(value: Units) -> String {
    (0..10).map(|aid| format!(",7,7{aid},{value}\n")).collect::<Vec<_>>().concat()
}

/// What is said of the first row of a file.
fn first(text: &str, live: &Snapshot, overrides: Vec<GuardOverride>) -> String {
    let (guards, rule) = (Guards { overrides, ..Guards::default() }, UsageRule::default());
    let file = parsed(&format!("action,org_id,aid,value\n{text}"));
    let plan = plan(&file, live, &PlanContext::new(&guards, Mode::Row, &rule));
    let row = &plan.rows[0];
    let held: Vec<&str> = row.held_reasons().map(|reason| reason.guard.as_str()).collect();
    let warned = if row.warnings.is_empty() { "" } else { "warned" };
    format!("{}{warned}", held.join(" "))
}

fn over(org: &str, aid: Option<&str>, limit: &GuardOverride) -> Vec<GuardOverride> {
    vec![GuardOverride { org_id: Some(org.into()), aid: aid.map(Into::into), ..limit.clone() }]
}

#[test]
fn each_key_is_for_the_named_account_group_or_for_all_of_the_named_organization() {
    let none = GuardOverride::default;
    let (wide, full) = (live(1_000_000), live(10_000));
    let cases: [(&str, &Snapshot, String, GuardOverride, &str); 11] = [
        ("", &wide, all(1_000), GuardOverride { approval: Some(Approval::Always), ..none() }, ""),
        (
            "",
            &wide,
            ",7,70,1100\n".into(),
            GuardOverride { approval: Some(Approval::Always), ..none() },
            "approval",
        ),
        ("warned", &wide, ",7,70,910\n".into(), GuardOverride { headroom_percent: Some(1), ..none() }, ""),
        ("lowered_share", &wide, all(999), GuardOverride { max_lowered_percent: Some(100), ..none() }, ""),
        ("sum", &wide, all(1_300), GuardOverride { max_sum_change_percent: Some(30), ..none() }, ""),
        ("lowered_share", &wide, all(999), GuardOverride { floor_rows: Some(11), ..none() }, ""),
        (
            "raise_factor",
            &wide,
            ",7,70,6000\n".into(),
            GuardOverride { max_raise_factor: Some(6.0), ..none() },
            "",
        ),
        (
            "warned",
            &full,
            ",7,70,1001\n".into(),
            GuardOverride { over_allocation: Some(Level::Allow), ..none() },
            "",
        ),
        (
            "warned",
            &full,
            ",7,70,1001\n".into(),
            GuardOverride { over_allocation: Some(Level::Hold), ..none() },
            "over_allocation",
        ),
        (
            "unassign",
            &wide,
            "unassign,7,70,\n".into(),
            GuardOverride { unassign: Some(Level::Allow), ..none() },
            "",
        ),
        (
            "unassign",
            &wide,
            "unassign,7,70,\n".into(),
            GuardOverride { unassign: Some(Level::Warn), ..none() },
            "warned",
        ),
    ];
    for (without, live, text, limit, with) in cases {
        assert_eq!(first(&text, live, Vec::new()), without, "{limit:?}");
        assert_eq!(first(&text, live, over("7", Some("70"), &limit)), with, "{limit:?}");
        assert_eq!(first(&text, live, over("7", None, &limit)), with, "{limit:?}");
        assert_eq!(first(&text, live, over("7", Some("71"), &limit)), without, "{limit:?}");
        assert_eq!(first(&text, live, over("8", None, &limit)), without, "{limit:?}");
        assert_eq!(first(&text, live, over("8", Some("70"), &limit)), without, "{limit:?}");
    }
}

#[test]
fn the_organizations_own_quota_follows_overrides_of_the_organization_and_of_no_account_group() {
    let live = live(15_000);
    let limit = GuardOverride { above_plan: Some(Level::Allow), ..GuardOverride::default() };
    let at = |overrides| first(",7,,20001\n", &live, overrides);
    assert_eq!(at(Vec::new()), "organization");
    assert_eq!(at(over("7", None, &limit)), "");
    assert_eq!(at(over("7", Some("70"), &limit)), "organization");
    assert_eq!(at(over("8", None, &limit)), "organization");
}

#[test]
fn a_later_override_separates_an_account_group_from_its_organization() {
    let live = live(1_000_000);
    let at = |org_factor: f64, group_factor: f64| {
        let factor = |factor| GuardOverride { max_raise_factor: Some(factor), ..GuardOverride::default() };
        [over("7", None, &factor(org_factor)), over("7", Some("70"), &factor(group_factor))].concat()
    };
    assert_eq!(first(",7,70,6000\n", &live, at(9.0, 2.0)), "raise_factor");
    assert_eq!(first(",7,71,6000\n", &live, at(9.0, 2.0)), "");
    assert_eq!(first(",7,70,6000\n", &live, at(2.0, 9.0)), "");
    assert_eq!(first(",7,71,6000\n", &live, at(2.0, 9.0)), "raise_factor");
}

#[test]
fn the_over_allocation_warning_is_on_the_largest_row_that_may_not_cause_it_silently() {
    let silent = GuardOverride { over_allocation: Some(Level::Allow), ..GuardOverride::default() };
    let text = ",7,71,1001\n,7,70,2000\n";
    assert_eq!(first(text, &live(10_000), Vec::new()), "");
    assert_eq!(first(text, &live(10_000), over("7", Some("70"), &silent)), "warned");
}

#[test]
fn no_override_lets_a_quota_fall_below_use() {
    let lax = GuardOverride {
        approval: Some(Approval::Guards),
        headroom_percent: Some(0),
        max_lowered_percent: Some(100),
        max_sum_change_percent: Some(u32::MAX),
        floor_rows: Some(usize::MAX),
        max_raise_factor: Some(f64::MAX),
        over_allocation: Some(Level::Allow),
        above_plan: Some(Level::Allow),
        unassign: Some(Level::Allow),
        ..GuardOverride::default()
    };
    for aid in [Some("70"), None] {
        assert_eq!(first(",7,70,899\n", &live(1_000_000), over("7", aid, &lax)), "below_use");
    }
}
