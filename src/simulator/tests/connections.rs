//! Who may ask the simulator what, where it listens, and how it ends.

use super::*;

#[tokio::test]
async fn a_wrong_token_an_unknown_path_and_a_wrong_method_get_different_answers() {
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
async fn anything_but_loopback_is_refused() {
    let args = SimulateArgs { listen: "0.0.0.0:0".parse().unwrap(), ..SimulateArgs::default() };
    let error = Simulator::start(args, Clock::system()).await.unwrap_err();
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
