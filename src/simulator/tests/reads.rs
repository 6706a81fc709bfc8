//! What the simulator says of quotas and account groups.

use super::*;

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
