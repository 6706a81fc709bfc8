//! The largest tests and agents, counted as quotas are, with names that are safe to show.

use super::*;
use crate::domain::quota::Target;
use crate::domain::top_consumers::TopConsumers;
use crate::thousandeyes::{AgentUnits, TestUsage};

fn test(aid: &str, name: &str, test_type: &str, used: Units, projected: Units) -> TestUsage {
    let aid = (!aid.is_empty()).then(|| Aid::from(aid));
    let (used, projected) = (Some(used), Some(projected));
    TestUsage { aid, test_name: name.into(), test_type: test_type.into(), used, projected }
}

fn agent(aid: &str, name: &str, used: Option<Units>, projected: Option<Units>) -> AgentUnits {
    AgentUnits {
        aid: Some(aid.into()),
        account_group_name: String::new(),
        agent_id: "1".into(),
        agent_name: name.into(),
        used,
        projected,
    }
}

fn shown(usage: &OrganizationUsage, rule: &UsageRule, target: &Target) -> Vec<String> {
    let mut top = TopConsumers::default();
    top.insert("7".into(), top_consumers(usage, rule));
    top.of_target(target).iter().map(|test| format!("{} {}", test.label, test.projected)).collect()
}

fn usage() -> OrganizationUsage {
    OrganizationUsage {
        tests: vec![
            test("1", "small", "DNS", 1, 3),
            test("1", "portal", "Page Load", 1000, 1900),
            test("2", "of another", "Page Load", 0, 900),
            test("", "of nobody", "", 0, 1000),
            test("1", "idle", "DNS", 0, 0),
        ],
        agents: vec![agent("1", "gateway", Some(800), None), agent("2", "", Some(5), Some(7))],
        ..OrganizationUsage::default()
    }
}

#[test]
fn a_group_has_its_tests_and_agents_and_the_organization_those_of_all() {
    let rule = UsageRule::default();
    assert_eq!(
        shown(&usage(), &rule, &Target::account_group("7", "1")),
        ["portal (Page Load) 1900", "gateway (enterprise agent) 800", "small (DNS) 3"]
    );
    assert_eq!(
        shown(&usage(), &rule, &Target::organization("7")),
        [
            "portal (Page Load) 1900",
            "of nobody (test) 1000",
            "of another (Page Load) 900",
            "gateway (enterprise agent) 800",
            "enterprise agent without a name 7"
        ]
    );
    assert!(shown(&usage(), &rule, &Target::account_group("7", "9")).is_empty());
}

#[test]
fn units_are_those_of_quotas_and_what_does_not_count_is_left_out() {
    let target = Target::account_group("7", "1");
    let divided = UsageRule { units_per_quota_unit: Some(1000.0), ..UsageRule::default() };
    assert_eq!(shown(&usage(), &divided, &target)[0], "portal (Page Load) 2");
    let enterprise = UsageRule { cloud: false, ..UsageRule::default() };
    assert_eq!(shown(&usage(), &enterprise, &target), ["gateway (enterprise agent) 800"]);
}

#[test]
fn five_are_kept_and_what_is_used_already_counts_where_it_is_more() {
    let tests = (0..9).map(|units| test("1", &format!("t{units}"), "DNS", units * 10, 5)).collect();
    let usage = OrganizationUsage { tests, ..OrganizationUsage::default() };
    assert_eq!(
        shown(&usage, &UsageRule::default(), &Target::account_group("7", "1")),
        ["t8 (DNS) 80", "t7 (DNS) 70", "t6 (DNS) 60", "t5 (DNS) 50", "t4 (DNS) 40"]
    );
}

#[test]
fn a_hostile_name_becomes_a_short_line() {
    let name = format!("a\r\nBcc: b\u{202e}{}", "x".repeat(300));
    let usage = OrganizationUsage {
        tests: vec![test("1", &name, &"y\n".repeat(90), 1, 1)],
        ..OrganizationUsage::default()
    };
    let lines = shown(&usage, &UsageRule::default(), &Target::account_group("7", "1"));
    assert!(lines[0].starts_with("a Bcc: bx") && !lines[0].contains('\n'), "{lines:?}");
    assert!(lines[0].chars().count() <= NAME + KIND + 5, "{lines:?}");
}
