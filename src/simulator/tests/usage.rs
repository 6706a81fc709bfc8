//! The usage that the simulator gives: sums, breakdowns, pages, the clock.

use super::*;

#[tokio::test]
async fn usage_totals_are_the_sums_of_its_breakdowns() {
    let test = Test::start(SimulateArgs::default()).await;
    for organization in test.simulator.state().world().organizations {
        let aid = &organization.account_groups[3].aid;
        let got = test.get(&format!("/v7/usage?aid={aid}&expand=test,enterprise-agent-unit")).await;
        let usage = &got.body["usage"];
        assert_eq!(usage["quota"]["cloudUnitsIncluded"], organization.plan);
        for (list, units) in [("tests", "cloudUnits"), ("enterpriseAgentUnits", "enterpriseUnits")] {
            let (mut used, mut projected) = (0, 0);
            for entry in usage[list].as_array().unwrap() {
                let one = entry[format!("{units}Used")].as_i64().unwrap();
                used += one;
                projected += entry[format!("{units}Projected")].as_i64().unwrap_or(one);
            }
            assert!(used > 0 && projected > used);
            assert_eq!(usage[format!("{units}Used")], used);
            assert_eq!(usage[format!("{units}Projected")], projected);
        }
    }
}

#[tokio::test]
async fn usage_has_no_breakdown_unless_expanded_and_belongs_to_the_tokens_organization_without_an_aid() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.get("/v7/usage").await;
    let usage = got.body["usage"].as_object().unwrap();
    assert!(!usage.values().any(Value::is_array));
    assert_eq!(usage["quota"]["cloudUnitsIncluded"], test.simulator.state().world().organizations[0].plan);
    assert_eq!(test.get("/v7/usage?aid=1").await.status, 403);
    assert_eq!(test.get("/v7/usage?expand=tests").await.fields(), ["expand"]);
    assert_eq!(test.get("/v7/usage?expand=test,").await.fields(), ["expand"]);
    assert_eq!(test.get("/v7/usage?expand=").await.fields(), ["expand"]);
}

#[tokio::test]
async fn every_breakdown_names_its_account_groups() {
    let test = Test::start(SimulateArgs::default()).await;
    for (expansion, list) in [
        ("test", "tests"),
        ("enterprise-agent", "enterpriseAgents"),
        ("enterprise-agent-unit", "enterpriseAgentUnits"),
        ("endpoint-agent", "endpointAgents"),
        ("endpoint-agent-essential", "endpointAgentsEssentials"),
        ("endpoint-agent-embedded", "endpointAgentsEmbedded"),
    ] {
        let got = test.get(&format!("/v7/usage?expand={expansion}")).await;
        assert_eq!(got.body["usage"][list][0]["aid"], EMEA, "{expansion}");
    }
}

#[tokio::test]
async fn usage_follows_the_worlds_clock() {
    let test = Test::start(SimulateArgs::default()).await;
    let cycle = test.simulator.state().world().organizations[0].cycle(noon());
    let mut seen = Vec::new();
    for days in [0, 7, 14, 28] {
        test.clock.set(cycle.start + TimeDelta::days(days));
        seen.push(test.get("/v7/usage").await.body["usage"]["cloudUnitsUsed"].as_i64().unwrap());
    }
    assert_eq!(seen[0], 0);
    assert!(seen.is_sorted() && seen[1] > 0, "{seen:?}");
    test.clock.set(cycle.end);
    let usage = test.get("/v7/usage").await.body;
    assert_eq!(usage["usage"]["cloudUnitsUsed"], 0);
    assert_eq!(
        usage["usage"]["quota"]["monthStart"],
        cycle.end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    );
}

#[tokio::test]
async fn pages_follow_absolute_links_and_hold_everything_once() {
    let test = Test::start(SimulateArgs::default()).await;
    let world = test.simulator.state().world();
    let organization = &world.organizations[1];
    let mut path = format!("/v7/usage/units/tests?aid={}", organization.account_groups[0].aid);
    let mut sums = BTreeMap::new();
    let mut pages = 0;
    loop {
        let got = test.get(&path).await;
        for row in got.body["breakdowns"].as_array().unwrap() {
            assert!(
                sums.insert(row["testId"].to_string(), row["cloudUnitsUsed"].as_i64().unwrap()).is_none()
            );
        }
        pages += 1;
        match got.body["_links"]["next"]["href"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
        assert!(path.starts_with(&test.simulator.base_url()), "{path}");
    }
    assert!(pages > 1);
    let usage = test.get(&format!("/v7/usage?aid={}", organization.account_groups[0].aid)).await.body;
    assert_eq!(usage["usage"]["cloudUnitsUsed"], sums.values().sum::<i64>());
    assert_eq!(test.get("/v7/usage/units/tests?cursor=0").await.fields(), ["cursor"]);
}

#[tokio::test]
async fn an_agent_that_two_groups_share_is_split_between_them() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.get("/v7/usage/units/enterprise-agents").await.body;
    let usage = test.get("/v7/usage").await.body;
    let rows = got["breakdowns"].as_array().unwrap();
    let total: i64 = rows.iter().map(|row| row["enterpriseUnitsUsed"].as_i64().unwrap()).sum();
    assert_eq!(usage["usage"]["enterpriseUnitsUsed"], total);
    let tests = test.get("/v7/usage/units/tests").await.body;
    let next = test.get(tests["_links"]["next"]["href"].as_str().unwrap()).await.body;
    let rows = [tests, next].map(|page| page["breakdowns"].as_array().unwrap().clone()).concat();
    let of_tests: i64 = rows.iter().map(|row| row["enterpriseUnitsUsed"].as_i64().unwrap()).sum();
    assert_eq!(of_tests, total);
}

#[tokio::test]
async fn a_period_counts_what_was_used_in_it() {
    let test = Test::start(SimulateArgs::default()).await;
    let used = async |query: &str| {
        let got = test.get(&format!("/v7/usage/units/tests{query}")).await.body;
        let rows = got["breakdowns"].as_array().unwrap().clone();
        rows.iter().map(|row| row["cloudUnitsUsed"].as_i64().unwrap()).sum::<i64>()
    };
    let week = used("?startDate=2026-11-08T00:00:00Z&endDate=2026-11-15T00:00:00Z").await;
    let longer = used("?startDate=2026-11-08T00:00:00Z").await;
    assert!(week > 0 && longer > week, "{week} {longer}");
    let sdk = "?startDate=2026-11-08T00:00:00.000000%2B0000&endDate=2026-11-15T00:00:00.000000";
    assert_eq!(used(sdk).await, week);
    assert_eq!(test.get("/v7/usage/units/tests?startDate=yesterday").await.fields(), ["startDate"]);
    assert_eq!(test.get("/v7/usage/units/tests?endDate=2026-11-15T00:00:00Z").await.fields(), ["startDate"]);
}
