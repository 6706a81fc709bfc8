//! Rows that fall below what the last cycle used.

use crate::change::fixtures::{group, own, parsed, row_lines, snapshot};
use crate::change::plan::{PlanContext, plan};
use crate::config::{GuardOverride, Guards, Level, Mode};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{Target, UsageRule};

/// Account group 1 has 9 600, used 8 000 in the last cycle, and has a projection of 500 in the young one.
fn said(value: &str, guards: &Guards) -> Vec<String> {
    let live = snapshot([
        own("7", Some(90_000), 100, 900),
        group("7", "1", Some(9_600), 100, 500),
        group("7", "2", Some(9_600), 100, 500),
        group("7", "3", None, 100, 500),
    ]);
    let rule = UsageRule::default();
    let last = LastCycle::new([
        (Target::account_group("7", "1"), 8_000),
        (Target::account_group("7", "3"), 8_000),
        (Target::organization("7"), 20_000),
    ]);
    let context = PlanContext { last_cycle: &last, ..PlanContext::new(guards, Mode::Row, &rule) };
    row_lines(&plan(&parsed(&format!("org_id,aid,value\n{value}\n")), &live, &context))
}

fn at(below_last_cycle: Level) -> Guards {
    Guards { below_last_cycle, ..Guards::default() }
}

#[test]
fn a_group_lowered_to_a_sixteenth_in_a_young_cycle_is_warned_of_or_held_or_neither_as_configured() {
    let message = "600 is below the 8 000 used in the previous billing cycle";
    assert_eq!(said("7,1,600", &Guards::default()), [format!("2: send (warning: {message})")]);
    assert_eq!(said("7,1,600", &at(Level::Hold)), [format!("2: held by below_last_cycle: {message}")]);
    assert_eq!(said("7,1,600", &at(Level::Allow)), ["2: send"]);
    let overrides = vec![GuardOverride {
        org_id: Some("7".into()),
        aid: Some("1".into()),
        below_last_cycle: Some(Level::Hold),
        ..GuardOverride::default()
    }];
    let guards = Guards { overrides, ..Guards::default() };
    assert_eq!(said("7,1,600", &guards), [format!("2: held by below_last_cycle: {message}")]);
}

#[test]
fn a_first_quota_and_the_organizations_own_are_compared_too_a_raise_and_what_nobody_knows_are_not() {
    let hold = at(Level::Hold);
    let is_held = |value: &str| said(value, &hold)[0].contains("held by below_last_cycle");
    assert!(is_held("7,3,7999") && !is_held("7,3,8000"));
    assert!(said("7,,19999", &hold)[0].contains("below_last_cycle"));
    assert!(!is_held("7,1,8000") && !is_held("7,1,9700"));
    assert_eq!(said("7,2,600", &hold), ["2: send"]);
}
