//! What each of the nine operations sends, and what it makes of a good answer.

use chrono::{DateTime, Utc};
use httpmock::prelude::*;
use quotakeeper::domain::quota::{Aid, OrgId};
use quotakeeper::thousandeyes::{Client, Error, Settings};
use serde_json::json;

use crate::support::{TOKEN, client, settings, text};

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

#[tokio::test]
async fn quotas_are_read_with_the_token_and_the_headers_of_a_polite_client() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/v7/quotas")
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("accept", "application/hal+json, application/json")
                .header_prefix("user-agent", "quotakeeper/");
            then.status(200).header("content-type", "application/hal+json").json_body(json!({"quotas": [
                {"organizationQuota": {"orgId": "71", "value": 30500}, "accountGroupQuotas": [{"aid": "801", "value": 9000}]},
            ]}));
        })
        .await;
    let quotas = client(&server.base_url()).quotas().await.unwrap();
    assert_eq!(quotas[0].org_id, Some(OrgId::from("71")));
    assert_eq!(quotas[0].account_groups, [(Aid::from("801"), 9000)]);
    mock.assert_async().await;
}

#[tokio::test]
async fn quotas_and_account_groups_are_read_to_the_last_page() {
    let server = MockServer::start_async().await;
    let quota = |aid: &str| json!([{"organizationQuota": {"orgId": "71"}, "accountGroupQuotas": [{"aid": aid, "value": 9}]}]);
    let group = |aid: &str| json!([{"aid": aid, "orgId": "71"}]);
    for (path, list, entries) in [
        ("/v7/quotas", "quotas", [quota("801"), quota("802")]),
        ("/v7/account-groups", "accountGroups", [group("801"), group("802")]),
    ] {
        let [first, second] = entries;
        server
            .mock_async(|when, then| {
                when.path(path).query_param_missing("cursor");
                then.status(200).json_body(json!({list: first, "_links": {"next": {"href": "?cursor=b"}}}));
            })
            .await;
        server
            .mock_async(|when, then| {
                when.path(path).query_param("cursor", "b");
                then.status(200).json_body(json!({list: second, "_links": {"next": {"href": ""}}}));
            })
            .await;
    }
    let client = client(&server.base_url());
    let quotas = client.quotas().await.unwrap();
    let groups = client.account_groups().await.unwrap();
    assert_eq!(quotas.iter().map(|of| of.account_groups[0].0.as_str()).collect::<Vec<_>>(), ["801", "802"]);
    assert_eq!(groups.iter().map(|group| group.aid.as_str()).collect::<Vec<_>>(), ["801", "802"]);
}

#[tokio::test]
async fn a_first_page_that_leads_to_itself_is_the_only_one_and_a_later_one_never_ends() {
    let server = MockServer::start_async().await;
    for (path, next) in [("/v7/quotas", "/v7/quotas"), ("/v7/account-groups", "?cursor=b")] {
        server
            .mock_async(|when, then| {
                when.path(path);
                let links = json!({"next": {"href": next}});
                then.status(200).json_body(json!({"quotas": [], "accountGroups": [], "_links": links}));
            })
            .await;
    }
    let client = client(&server.base_url());
    assert_eq!(client.quotas().await.unwrap(), []);
    let error = client.account_groups().await.unwrap_err();
    assert!(text(&error).contains("never end: 2 were read"), "{error}");
}

#[tokio::test]
async fn pages_are_together_no_larger_than_one_answer_may_be() {
    let server = MockServer::start_async().await;
    let page = |from: Option<&'static str>, to: &str, count: usize| {
        let groups: Vec<_> = (0..count).map(|aid| json!({"aid": aid.to_string()})).collect();
        let body = json!({"accountGroups": groups, "_links": {"next": {"href": to}}});
        move |when: httpmock::When, then: httpmock::Then| {
            let when = when.path("/v7/account-groups");
            let _ = match from {
                Some(from) => when.query_param("cursor", from),
                None => when.query_param_missing("cursor"),
            };
            then.status(200).json_body(body);
        }
    };
    server.mock_async(page(None, "?cursor=b", 60)).await;
    server.mock_async(page(Some("b"), "?cursor=c", 60)).await;
    let third = server.mock_async(page(Some("c"), "", 60)).await;
    let limited = Settings { max_answer_bytes: 1500, ..settings(&server.base_url()) };
    let error = Client::new(limited).unwrap().account_groups().await.unwrap_err();
    assert!(text(&error).contains("larger together"), "{error}");
    third.assert_calls_async(0).await;
}

#[tokio::test]
async fn account_groups_are_read() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.method(GET).path("/v7/account-groups");
            then.status(200).json_body(json!({"accountGroups": [
                {"aid": "801", "accountGroupName": "Payments – Core", "orgId": "71", "organizationName": "Acme Bank"},
            ]}));
        })
        .await;
    let groups = client(&server.base_url()).account_groups().await.unwrap();
    assert_eq!((groups[0].name.as_str(), groups[0].org_name.as_str()), ("Payments – Core", "Acme Bank"));
}

#[tokio::test]
async fn usage_asks_for_both_breakdowns_of_the_organization_of_an_account_group() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/v7/usage")
                .query_param("aid", "801")
                .query_param("expand", "test,enterprise-agent-unit");
            then.status(200).json_body(json!({"usage": {
                "quota": {"cloudUnitsIncluded": 900_000},
                "tests": [{"aid": "801", "testName": "shop", "cloudUnitsUsed": 12}],
            }}));
        })
        .await;
    let usage = client(&server.base_url()).usage(Some(&Aid::from("801"))).await.unwrap();
    assert_eq!(usage.plan_units, Some(900_000));
    assert_eq!(usage.account_group(&Aid::from("801")).cloud_projected, Some(12));
    mock.assert_async().await;
}

#[tokio::test]
async fn usage_without_an_account_group_is_that_of_the_tokens_organization() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/v7/usage").query_param_missing("aid").query_param_exists("expand");
            then.status(200).json_body(json!({"usage": {"cloudUnitsUsed": 1}}));
        })
        .await;
    client(&server.base_url()).usage(None).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn test_units_are_read_to_the_last_page() {
    let server = MockServer::start_async().await;
    let first = server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/tests")
                .query_param_missing("cursor")
                .query_param("aid", "801")
                .query_param("startDate", "2031-03-01T00:00:00Z")
                .query_param("endDate", "2031-03-02T12:30:00Z");
            then.status(200).json_body(json!({
                "breakdowns": [{"aid": "801", "testId": "11", "testType": "Web - HTTP Server", "cloudUnitsUsed": 5}],
                "_links": {"next": {"href": "/v7/usage/units/tests?cursor=b%3D"}, "previous": null},
            }));
        })
        .await;
    let second = server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/tests").query_param("cursor", "b=");
            then.status(200).json_body(json!({
                "breakdowns": [{"testId": "12", "enterpriseUnitsProjected": 6}], "_links": {"next": null},
            }));
        })
        .await;
    let period = (moment("2031-03-01T00:00:00Z"), moment("2031-03-02T12:30:00Z"));
    let rows = client(&server.base_url()).test_units(Some(&Aid::from("801")), Some(period)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.test_id.as_str()).collect::<Vec<_>>(), ["11", "12"]);
    assert_eq!(rows[1].units.enterprise_projected, Some(6));
    first.assert_async().await;
    second.assert_async().await;
}

#[tokio::test]
async fn enterprise_agent_units_follow_absolute_links_to_the_same_origin() {
    let server = MockServer::start_async().await;
    let next = server.url("/v7/usage/units/enterprise-agents?cursor=2");
    server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/enterprise-agents").query_param_missing("cursor");
            then.status(200).json_body(json!({
                "breakdowns": [{"aid": "801", "agentId": "5", "agentName": "vm-5", "enterpriseUnitsUsed": 7}],
                "_links": {"next": {"href": next}},
            }));
        })
        .await;
    server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/enterprise-agents").query_param("cursor", "2");
            then.status(200).json_body(json!({"breakdowns": [{"agentId": "6"}]}));
        })
        .await;
    let rows = client(&server.base_url()).enterprise_agent_units(None).await.unwrap();
    assert_eq!((rows.len(), rows[0].used, rows[1].used), (2, Some(7), None));
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_followed() {
    let server = MockServer::start_async().await;
    let elsewhere = MockServer::start_async().await;
    let never = elsewhere.mock_async(|_, then| drop(then.status(200).body("{}"))).await;
    let next = elsewhere.url("/v7/usage/units/tests?cursor=secret");
    server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/tests");
            then.status(200).json_body(json!({"breakdowns": [], "_links": {"next": {"href": next}}}));
        })
        .await;
    let error = client(&server.base_url()).test_units(None, None).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }));
    assert!(text(&error).contains("must not get") && !text(&error).contains("cursor"), "{error}");
    never.assert_calls_async(0).await;
}

#[tokio::test]
async fn pages_that_lead_back_are_noticed() {
    let server = MockServer::start_async().await;
    let page = |at: &str, to: &str| {
        let (at, to) = (at.to_owned(), format!("?cursor={to}"));
        move |when: httpmock::When, then: httpmock::Then| {
            when.path("/v7/usage/units/tests").query_param("cursor", at);
            then.status(200).json_body(json!({"breakdowns": [], "_links": {"next": {"href": to}}}));
        }
    };
    server.mock_async(page("a", "b")).await;
    server.mock_async(page("b", "a")).await;
    server
        .mock_async(|when, then| {
            when.path("/v7/usage/units/tests").query_param_missing("cursor");
            then.status(200).json_body(json!({"breakdowns": [], "_links": {"next": {"href": "?cursor=a"}}}));
        })
        .await;
    let error = client(&server.base_url()).test_units(None, None).await.unwrap_err();
    assert!(text(&error).contains("never end"), "{error}");
}

#[tokio::test]
async fn organizations_are_assigned_whichever_success_the_server_answers() {
    for (status, body) in [(200, r#"{"organizations":[]}"#), (201, "not json"), (204, "")] {
        let server = MockServer::start_async().await;
        let mock = server
            .mock_async(|when, then| {
                when.method(POST)
                    .path("/v7/quotas/assign")
                    .query_param_missing("aid")
                    .header("content-type", "application/json")
                    .json_body(
                        json!({"organizations": [{"orgId": "71", "value": 5}, {"orgId": "72", "value": 0}]}),
                    );
                then.status(status).body(body);
            })
            .await;
        let quotas = [(OrgId::from("71"), 5), (OrgId::from("72"), 0)];
        client(&server.base_url()).assign_organizations(&quotas).await.unwrap();
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn organizations_are_unassigned() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST).path("/v7/quotas/unassign").json_body(json!({"organizations": ["71", "72"]}));
            then.status(204);
        })
        .await;
    client(&server.base_url()).unassign_organizations(&["71".into(), "72".into()]).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn account_groups_of_many_organizations_are_one_request() {
    for status in [200, 201] {
        let server = MockServer::start_async().await;
        let mock = server
            .mock_async(|when, then| {
                when.method(POST).path("/v7/quotas/account-groups/assign").json_body(json!({"organizations": [
                    {"orgId": "71", "accountGroups": [{"aid": "801", "value": 1}, {"aid": "802", "value": 2}]},
                    {"orgId": "72", "accountGroups": [{"aid": "901", "value": 3}]},
                ]}));
                then.status(status).body("{}");
            })
            .await;
        let quotas = [
            ("71".into(), vec![("801".into(), 1), ("802".into(), 2)]),
            ("72".into(), vec![("901".into(), 3)]),
        ];
        client(&server.base_url()).assign_account_groups(&quotas).await.unwrap();
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn account_groups_are_unassigned() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/v7/quotas/account-groups/unassign")
                .json_body(json!({"organizations": [{"orgId": "71", "accountGroups": ["801", "802"]}]}));
            then.status(204);
        })
        .await;
    let groups = [("71".into(), vec!["801".into(), "802".into()])];
    client(&server.base_url()).unassign_account_groups(&groups).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn a_configured_aid_goes_with_all_four_writes() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST).query_param("aid", "801");
            then.status(200);
        })
        .await;
    let client = Client::new(Settings { aid: Some("801".into()), ..settings(&server.base_url()) }).unwrap();
    client.assign_organizations(&[("71".into(), 1)]).await.unwrap();
    client.unassign_organizations(&["71".into()]).await.unwrap();
    client.assign_account_groups(&[("71".into(), vec![("801".into(), 1)])]).await.unwrap();
    client.unassign_account_groups(&[("71".into(), vec!["801".into()])]).await.unwrap();
    mock.assert_calls_async(4).await;
}

#[tokio::test]
async fn an_empty_batch_and_one_without_an_id_are_never_sent() {
    let server = MockServer::start_async().await;
    let never = server.mock_async(|_, then| drop(then.status(200))).await;
    let client = client(&server.base_url());
    client.assign_organizations(&[]).await.unwrap();
    let error = client.assign_organizations(&[("".into(), 1)]).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error}");
    never.assert_calls_async(0).await;
}
