//! The shapes of the vendor's examples with other names and numbers, whole and with everything missing.

use super::*;

fn parse_quotas(json: &str) -> Vec<OrganizationQuotas> {
    quotas(serde_json::from_str(json).unwrap())
}

fn parse_usage(json: &str) -> OrganizationUsage {
    usage(serde_json::from_str(json).unwrap())
}

#[test]
fn quotas_come_as_organizations_with_their_account_groups() {
    let seen = parse_quotas(
        r#"{"quotas":[{"organizationQuota":{"orgId":"71","value":30500},
            "accountGroupQuotas":[{"aid":"801","value":9000},{"aid":802,"value":7000.0}],"extra":[1]}],
            "_links":{"self":{"href":"https://api.example.com/v7/quotas"}}}"#,
    );
    let groups = vec![(Aid::from("801"), 9000), (Aid::from("802"), 7000)];
    assert_eq!(
        seen,
        [OrganizationQuotas { org_id: Some("71".into()), value: Some(30_500), account_groups: groups }]
    );
}

#[test]
fn quota_entries_with_nothing_usable_are_left_out() {
    let seen = parse_quotas(
        r#"{"quotas":[{},{"organizationQuota":null,"accountGroupQuotas":null},{"organizationQuota":{"orgId":"71"}},
            {"organizationQuota":{"value":5}},{"accountGroupQuotas":[{"aid":"801"},{"value":3},{"aid":"","value":3},
            {"aid":"802","value":0}]}]}"#,
    );
    assert_eq!(
        seen,
        [
            OrganizationQuotas { value: Some(5), ..OrganizationQuotas::default() },
            OrganizationQuotas { account_groups: vec![("802".into(), 0)], ..OrganizationQuotas::default() },
        ]
    );
}

#[test]
fn account_groups_need_an_id_and_nothing_else() {
    let json = r#"{"accountGroups":[{"aid":"801","accountGroupName":"Voice","orgId":"71","organizationName":"Acme Bank",
        "isDefaultAccountGroup":true},{"aid":"802"},{"accountGroupName":"nobody"}]}"#;
    let seen = account_groups(serde_json::from_str(json).unwrap());
    let whole = AccountGroup {
        aid: "801".into(),
        name: "Voice".into(),
        org_id: Some("71".into()),
        org_name: "Acme Bank".into(),
    };
    let bare = AccountGroup { aid: "802".into(), name: String::new(), org_id: None, org_name: String::new() };
    assert_eq!(seen, [whole, bare]);
}

const USAGE: &str = r#"{"usage":{
    "quota":{"monthStart":"2031-03-04T07:00:00Z","monthEnd":"2031-04-04T07:00:00Z","cloudUnitsIncluded":900000},
    "cloudUnitsUsed":700,"cloudUnitsProjected":1500,"cloudUnitsNextBillingPeriod":1600,
    "enterpriseUnitsUsed":90,"enterpriseUnitsProjected":110,"enterpriseUnitsNextBillingPeriod":0,
    "connectedDevicesUnitsUsed":4,"connectedDevicesUnitsProjected":8,
    "tests":[
        {"aid":"801","testId":"11","testName":"https://shop.example.com","testType":"Web - HTTP Server","cloudUnitsUsed":400,"cloudUnitsProjected":900},
        {"aid":"801","testId":"12","testName":"new","cloudUnitsUsed":50},
        {"aid":"802","testId":"13","cloudUnitsProjected":30},
        {"testName":"of nobody","cloudUnitsUsed":7}],
    "enterpriseAgentUnits":[
        {"aid":"801","agentId":"5","agentName":"vm-5","enterpriseUnitsUsed":60,"enterpriseUnitsProjected":70},
        {"aid":"803","enterpriseUnitsUsed":30}]}}"#;

#[test]
fn usage_is_summed_by_account_group() {
    let seen = parse_usage(USAGE);
    let group = |aid| seen.account_group(&Aid::from(aid));
    let units = |cloud: [Units; 2], enterprise: [Units; 2]| Usage {
        cloud_used: Some(cloud[0]),
        cloud_projected: Some(cloud[1]),
        enterprise_used: Some(enterprise[0]),
        enterprise_projected: Some(enterprise[1]),
        ..Usage::default()
    };
    assert_eq!(group("801"), units([450, 950], [60, 70]));
    assert_eq!(group("802"), units([0, 30], [0, 0]));
    assert_eq!(group("803"), units([0, 0], [30, 30]));
    assert_eq!(group("999"), units([0, 0], [0, 0]), "a group that nothing names used nothing");
}

#[test]
fn a_missing_projection_counts_as_what_was_used() {
    let seen = parse_usage(USAGE);
    assert_eq!((seen.tests[1].used, seen.tests[1].projected), (50, 50));
}

#[test]
fn the_organizations_own_figures_are_taken_as_they_are() {
    let seen = parse_usage(USAGE);
    assert_eq!(seen.period_start.unwrap().to_rfc3339(), "2031-03-04T07:00:00+00:00");
    assert_eq!(seen.period_end.unwrap().to_rfc3339(), "2031-04-04T07:00:00+00:00");
    assert_eq!((seen.plan_units, seen.cloud_next_period), (Some(900_000), Some(1600)));
    assert_eq!(seen.enterprise_next_period, Some(0));
    let total = Usage {
        cloud_used: Some(700),
        cloud_projected: Some(1500),
        enterprise_used: Some(90),
        enterprise_projected: Some(110),
        device_used: Some(4),
        device_projected: Some(8),
    };
    assert_eq!(seen.total, total);
    assert_eq!(seen.tests.len(), 4);
    let agents: Vec<_> =
        seen.agents.iter().map(|agent| (agent.agent_name.as_str(), agent.used, agent.projected)).collect();
    assert_eq!(agents, [("vm-5", Some(60), Some(70)), ("", Some(30), None)]);
}

#[test]
fn usage_without_any_field_is_unknown_and_its_groups_used_nothing() {
    for json in ["{}", r#"{"usage":null}"#, r#"{"usage":{}}"#, r#"{"usage":{"quota":{"monthStart":"soon"}}}"#]
    {
        let seen = parse_usage(json);
        assert_eq!(
            (seen.total, seen.period_start, seen.plan_units),
            (Usage::default(), None, None),
            "{json}"
        );
        assert_eq!(seen.account_group(&Aid::from("801")).cloud_used, Some(0), "{json}");
    }
}

#[test]
fn a_breakdown_that_is_missing_although_units_were_used_leaves_the_groups_unknown() {
    let seen = parse_usage(r#"{"usage":{"cloudUnitsUsed":700,"enterpriseUnitsUsed":0,"tests":null}}"#);
    let group = seen.account_group(&Aid::from("801"));
    assert_eq!((group.cloud_used, group.cloud_projected), (None, None));
    assert_eq!((group.enterprise_used, group.enterprise_projected), (Some(0), Some(0)));
}

#[test]
fn sums_stop_at_the_largest_number() {
    let seen = parse_usage(
        r#"{"usage":{"tests":[{"aid":"1","cloudUnitsUsed":9223372036854775807},{"aid":"1","cloudUnitsUsed":5}]}}"#,
    );
    assert_eq!(seen.account_group(&Aid::from("1")).cloud_used, Some(Units::MAX));
}
