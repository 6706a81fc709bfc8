//! The rate limit, and what was asked to go wrong.

use super::*;

#[tokio::test]
async fn the_rate_limit_holds_and_every_answer_states_it_by_the_simulated_clock() {
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
    assert_eq!(test.quota(Some(EMEA)), Some(1), "the others were applied anyway");
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
