//! All that the client can send, for whoever records it: `tests/contract/contract.py` compares it with a description of the API.

use std::env;

use chrono::{TimeDelta, Utc};
use quotakeeper::domain::quota::{Aid, OrgId};
use quotakeeper::thousandeyes::{Client, Secret, Settings};

/// Works where a simulator of many account groups is named, because some operations are used by no command.
#[tokio::test]
async fn all_nine_operations_work_with_the_simulator_that_is_named() {
    let Ok(server) = env::var("QUOTAKEEPER_TEST_API") else {
        println!("skipped: QUOTAKEEPER_TEST_API names no simulator");
        return;
    };
    let token = Secret::Value(env::var("TE_TOKEN").expect("a token").into());
    let base_url = format!("{server}/v7/").parse().expect("a URL");
    let client =
        Client::new(Settings { aid: Some("204117".into()), ..Settings::new(base_url, token) }).unwrap();

    let groups = client.account_groups().await.unwrap();
    let (aid, org_id): (Aid, OrgId) = (groups[0].aid.clone(), groups[0].org_id.clone().unwrap());
    let quotas = client.quotas().await.unwrap();
    let own = quotas[0].value.expect("a quota");
    assert_eq!(quotas[0].org_id.as_ref(), Some(&org_id));

    client.usage(Some(&aid)).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the simulator reads the same clock")]
    let now = Utc::now();
    let period = Some((now - TimeDelta::days(20), now));
    let tests = client.test_units(Some(&aid), period).await.unwrap();
    let agents = client.enterprise_agent_units(period).await.unwrap();
    assert!(tests.len() > 50 && agents.len() > 50, "one page each is too few");

    client.assign_organizations(&[(org_id.clone(), own)]).await.unwrap();
    client.unassign_organizations(std::slice::from_ref(&org_id)).await.unwrap();
    client.assign_account_groups(&[(org_id.clone(), vec![(aid.clone(), 4000)])]).await.unwrap();
    client.unassign_account_groups(&[(org_id.clone(), vec![aid])]).await.unwrap();
    client.assign_organizations(&[(org_id, own)]).await.unwrap();
}
