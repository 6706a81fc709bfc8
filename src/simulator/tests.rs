//! The simulator as its callers see it: through a socket.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const ACME: &str = "10452";
const EMEA: &str = "204117";

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A running simulator, its clock and a client for it.
struct Test {
    simulator: Simulator,
    clock: Clock,
    client: reqwest::Client,
}

struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fields that a validation error names.
    fn fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}

impl Test {
    async fn start(args: SimulateArgs) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::fixed(noon());
        let simulator = Simulator::start(args, clock.clone()).await.unwrap();
        Self { simulator, clock, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn with_faults(faults: &[&str]) -> Self {
        let faults = faults.iter().map(|spec| spec.parse().unwrap()).collect();
        Self::start(SimulateArgs { faults, ..SimulateArgs::default() }).await
    }

    async fn try_send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Got> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.simulator.base_url())
        };
        let mut request = self.client.request(method, url).bearer_auth(self.simulator.token());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Got { status, headers, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    async fn get(&self, path: &str) -> Got {
        self.try_send(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Got {
        self.try_send(Method::POST, path, Some(body)).await.unwrap()
    }

    fn quota(&self, aid: Option<&str>) -> Option<i64> {
        self.simulator.state().world().quota(ACME, aid)
    }

    /// What comes back on a raw connection until the server closes it.
    async fn raw(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.simulator.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset instead of an orderly end is fine too: no byte came, either way.
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn raw_assign(&self) -> String {
        let body = r#"{"organizations":[{"orgId":"10452","value":7}]}"#;
        let (token, length) = (self.simulator.token(), body.len());
        format!(
            "POST /v7/quotas/assign HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

fn assign(aid: &str, value: i64) -> Value {
    json!({"organizations": [{"orgId": ACME, "accountGroups": [{"aid": aid, "value": value}]}]})
}

#[tokio::test]
async fn quotas_lists_every_organization_and_only_targets_with_a_quota() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.get("/v7/quotas").await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/hal+json"));
    let quotas = got.body["quotas"].as_array().unwrap();
    assert_eq!(quotas.len(), 3);
    assert_eq!(quotas[0]["organizationQuota"]["orgId"], ACME);
    let world = test.simulator.state().world();
    for (quota, organization) in quotas.iter().zip(&world.organizations) {
        let groups = quota["accountGroupQuotas"].as_array().unwrap();
        let capped = organization.account_groups.iter().filter(|group| group.quota.is_some()).count();
        assert_eq!((groups.len(), capped), (18, 18));
    }
}

#[tokio::test]
async fn account_groups_names_every_group_and_its_organization() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.get("/v7/account-groups").await;
    let groups = got.body["accountGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 60);
    let expected = json!({
        "aid": EMEA, "accountGroupName": "EMEA Branches", "orgId": ACME, "organizationName": "Acme Bank",
        "isCurrentAccountGroup": true, "isDefaultAccountGroup": true,
    });
    assert_eq!(groups[0], expected);
}

#[tokio::test]
async fn assign_is_cumulative_and_unassign_takes_off() {
    let test = Test::start(SimulateArgs::default()).await;
    let before = test.simulator.state().world();
    let got = test.post("/v7/quotas/account-groups/assign", assign(EMEA, 11_000)).await;
    assert_eq!((got.status, got.body), (200, assign(EMEA, 11_000)));
    let mut expected = before.clone();
    expected.set_quota(ACME, Some(EMEA), Some(11_000));
    assert_eq!(test.simulator.state().world(), expected, "nothing else moved");

    let body = json!({"organizations": [{"orgId": ACME, "accountGroups": [EMEA]}]});
    let got = test.post("/v7/quotas/account-groups/unassign", body).await;
    assert_eq!((got.status, got.header("content-length"), &got.body), (204, "", &Value::Null));
    assert_eq!(test.quota(Some(EMEA)), None);

    let got = test.post("/v7/quotas/unassign", json!({"organizations": [ACME]})).await;
    assert_eq!((got.status, test.quota(None)), (204, None));
    let quotas = test.get("/v7/quotas").await.body;
    assert_eq!(quotas["quotas"][0].get("organizationQuota"), None);
}

#[tokio::test]
async fn an_organization_without_an_id_is_the_tokens_own() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.post("/v7/quotas/assign", json!({"organizations": [{"value": 5}]})).await;
    assert_eq!((got.status, got.body), (200, json!({"organizations": [{"orgId": ACME, "value": 5}]})));
    assert_eq!(test.quota(None), Some(5));
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_applied() {
    let test = Test::start(SimulateArgs::default()).await;
    let before = test.simulator.state().world();
    let body = json!({"organizations": [{"orgId": ACME, "accountGroups": [
        {"aid": EMEA, "value": 1},
        {"aid": "999", "value": 1},
        {"aid": EMEA},
        {"aid": EMEA, "value": -1},
        {"aid": 204_117, "value": "1"},
    ]}]});
    let got = test.post("/v7/quotas/account-groups/assign", body).await;
    assert_eq!((got.status, got.header("content-type")), (400, "application/problem+json"));
    let groups = |index: usize, key: &str| format!("organizations[0].accountGroups[{index}].{key}");
    let expected =
        [groups(1, "aid"), groups(2, "value"), groups(3, "value"), groups(4, "aid"), groups(4, "value")];
    assert_eq!(got.fields(), expected);
    assert_eq!(test.simulator.state().world(), before);
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let test = Test::start(SimulateArgs::default()).await;
    assert_eq!(test.post("/v7/quotas/assign", json!({})).await.fields(), ["organizations"]);
    assert_eq!(
        test.post("/v7/quotas/unassign", json!({"organizations": "1"})).await.fields(),
        ["organizations"]
    );
    let got = test.try_send(Method::POST, "/v7/quotas/assign", None).await.unwrap();
    assert_eq!((got.status, got.body.get("errors")), (400, None));
}

#[tokio::test]
async fn a_value_may_have_a_fraction_of_zero_and_no_other() {
    let test = Test::start(SimulateArgs::default()).await;
    let of_value = |value: f64| json!({"organizations": [{"orgId": ACME, "value": value}]});
    assert_eq!(test.post("/v7/quotas/assign", of_value(5000.0)).await.status, 200);
    assert_eq!(test.quota(None), Some(5000));
    for wrong in [0.5, -2.0, 1e19] {
        let got = test.post("/v7/quotas/assign", of_value(wrong)).await;
        assert_eq!((got.status, got.fields()), (400, vec!["organizations[0].value"]));
    }
}

#[tokio::test]
async fn null_is_no_id_of_an_organization() {
    let test = Test::start(SimulateArgs::default()).await;
    let before = test.quota(None);
    let of_organization = json!({"organizations": [{"orgId": null, "value": 5}]});
    let got = test.post("/v7/quotas/assign", of_organization).await;
    assert_eq!((got.status, got.fields()), (400, vec!["organizations[0].orgId"]));
    let of_group = json!({"organizations": [{"orgId": null, "accountGroups": []}]});
    let got = test.post("/v7/quotas/account-groups/assign", of_group).await;
    assert_eq!((got.status, got.fields()), (400, vec!["organizations[0].orgId"]));
    assert_eq!(test.quota(None), before);
}

#[tokio::test]
async fn an_organization_that_the_token_may_not_edit_is_forbidden() {
    let test = Test::start(SimulateArgs::default()).await;
    let body = json!({"organizations": [{"orgId": ACME, "value": 5}, {"orgId": "1", "value": 5}]});
    let before = test.quota(None);
    assert_eq!(test.post("/v7/quotas/assign", body).await.status, 403);
    assert_eq!(test.quota(None), before);
}

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

#[tokio::test]
async fn a_wrong_token_an_unknown_path_and_a_wrong_method_are_told_apart() {
    let test = Test::start(SimulateArgs::default()).await;
    let url = format!("{}/v7/quotas", test.simulator.base_url());
    for request in [test.client.get(&url), test.client.get(&url).bearer_auth("wrong")] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({"error": "invalid_token", "error_description": "Invalid access token"}));
    }
    assert_eq!(test.get("/v7/quota").await.status, 404);
    assert_eq!(test.get("/quotas").await.body["instance"], "/quotas");
    let got = test.get("/v7/quotas/assign").await;
    assert_eq!((got.status, got.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_body_of_some_megabytes_is_too_large() {
    let test = Test::start(SimulateArgs::default()).await;
    let got = test.post("/v7/quotas/assign", json!("x".repeat(5 << 20))).await;
    assert_eq!((got.status, got.header("content-type")), (413, "application/problem+json"));
}

#[tokio::test]
async fn the_limit_limits_and_every_answer_tells_of_it_by_the_worlds_clock() {
    let test = Test::start(SimulateArgs { rate_limit: 2, ..SimulateArgs::default() }).await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let got = test.get("/v7/quotas").await;
        let reset: i64 = got.header("x-organization-rate-limit-reset").parse().unwrap();
        assert!((1..=60).contains(&(reset - noon().timestamp())), "{reset}");
        assert_eq!(got.header("date"), "Sun, 22 Nov 2026 12:00:00 GMT");
        assert_eq!(got.header("x-organization-rate-limit-limit"), "2");
        remaining.push((got.status, got.header("x-organization-rate-limit-remaining").to_owned()));
    }
    assert_eq!(remaining, [(200, "1".into()), (200, "0".into()), (429, "0".into())]);
    test.clock.set(noon() + TimeDelta::seconds(60));
    assert_eq!(test.get("/v7/quotas").await.status, 200);
}

#[tokio::test]
async fn a_requested_429_has_a_near_reset() {
    let test = Test::with_faults(&["429:every=2"]).await;
    assert_eq!(test.get("/v7/quotas").await.status, 200);
    let got = test.get("/v7/quotas").await;
    let reset = (noon().timestamp() + 1).to_string();
    assert_eq!((got.status, got.header("x-organization-rate-limit-reset")), (429, reset.as_str()));
    assert_eq!(got.header("x-organization-rate-limit-remaining"), "0");
}

#[tokio::test]
async fn a_requested_status_does_not_act() {
    let test = Test::with_faults(&["500:path=/quotas/assign:count=1", "usage-403"]).await;
    let before = test.quota(None);
    let body = json!({"organizations": [{"orgId": ACME, "value": 7}]});
    let got = test.post("/v7/quotas/assign", body.clone()).await;
    assert_eq!((got.status, test.quota(None)), (500, before));
    assert_eq!(test.post("/v7/quotas/assign", body).await.status, 200);
    let got = test.get("/v7/usage").await;
    assert_eq!(
        (got.status, got.body["detail"].as_str()),
        (403, Some("You need the 'View organization usage' permission."))
    );
    assert_eq!(test.get("/v7/quotas").await.status, 200);
}

#[tokio::test]
async fn a_dropped_connection_ends_without_a_byte_before_or_after_acting() {
    let test = Test::with_faults(&["drop-before:count=1"]).await;
    let before = test.quota(None);
    assert_eq!(test.raw(&test.raw_assign()).await, "");
    assert_eq!(test.quota(None), before);

    test.simulator.state().add_fault("drop-after:count=1".parse().unwrap());
    assert_eq!(test.raw(&test.raw_assign()).await, "");
    assert_eq!(test.quota(None), Some(7));

    assert!(test.raw(&test.raw_assign()).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(test.simulator.state().calls("POST"), 3);
}

#[tokio::test]
async fn a_bad_row_refuses_its_batch_and_is_named_unless_silent() {
    let test = Test::with_faults(&["bad-row:aid=204120"]).await;
    let batch = json!({"organizations": [{"orgId": ACME, "accountGroups": [
        {"aid": EMEA, "value": 1}, {"aid": "204120", "value": 2},
    ]}]});
    let before = test.simulator.state().world();
    let got = test.post("/v7/quotas/account-groups/assign", batch.clone()).await;
    assert_eq!((got.status, got.fields()), (400, vec!["organizations[0].accountGroups[1].value"]));
    assert_eq!(test.simulator.state().world(), before);
    assert_eq!(test.post("/v7/quotas/account-groups/assign", assign(EMEA, 1)).await.status, 200);

    test.simulator.state().clear_faults();
    test.simulator.state().set_quota(ACME, Some(EMEA), None);
    test.simulator.state().add_fault("bad-row:aid=204120:silent:partial".parse().unwrap());
    let got = test.post("/v7/quotas/account-groups/assign", batch).await;
    assert_eq!((got.status, got.body.get("errors")), (400, None));
    assert_eq!(test.quota(Some(EMEA)), Some(1), "the others were applied all the same");
    assert_eq!(test.quota(Some("204120")), before.quota(ACME, Some("204120")));
}

#[tokio::test]
async fn an_ignored_write_answers_as_if_it_was_done() {
    let test = Test::with_faults(&["ignore-write"]).await;
    let before = test.simulator.state().world();
    let got = test.post("/v7/quotas/account-groups/assign", assign(EMEA, 1)).await;
    assert_eq!((got.status, got.body), (200, assign(EMEA, 1)));
    assert_eq!(test.simulator.state().world(), before);
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_comes() {
    let test = Test::with_faults(&["slow:ms=50"]).await;
    let asked = tokio::time::Instant::now();
    assert_eq!(test.get("/v7/quotas").await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn anything_but_loopback_is_refused() {
    let args = SimulateArgs { listen: "0.0.0.0:0".parse().unwrap(), ..SimulateArgs::default() };
    let error = Simulator::start(args, Clock::real()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the simulator listens on loopback only, such as 127.0.0.1:0, not on 0.0.0.0:0"
    );
}

#[tokio::test]
async fn a_stopped_simulator_answers_nobody() {
    let test = Test::start(SimulateArgs::default()).await;
    assert_eq!(test.get("/v7/quotas").await.status, 200);
    let url = format!("{}/v7/quotas", test.simulator.base_url());
    test.simulator.stop().await;
    assert!(test.client.get(url).send().await.unwrap_err().is_connect());
}

#[test]
fn the_arguments_have_the_documented_defaults() {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        simulate: SimulateArgs,
    }
    let parsed = <Cli as clap::Parser>::parse_from(["simulate"]).simulate;
    assert_eq!(format!("{parsed:?}"), format!("{:?}", SimulateArgs::default()));
    let parsed = <Cli as clap::Parser>::parse_from(["simulate", "--fault", "500", "--fault", "slow:ms=5"]);
    assert_eq!(parsed.simulate.faults, ["500".parse().unwrap(), "slow:ms=5".parse().unwrap()]);
    assert!(<Cli as clap::Parser>::try_parse_from(["simulate", "--organizations", "0"]).is_err());
}
