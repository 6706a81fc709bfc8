//! What the simulator does with assignments, and what it refuses.

use super::*;

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
async fn a_body_without_a_batch_is_refused() {
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
