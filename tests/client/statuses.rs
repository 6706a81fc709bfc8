//! Answers that are no success, and successes that are no use.

use std::io::Write as _;

use httpmock::prelude::*;
use quotakeeper::thousandeyes::{Client, Error, Secret, Settings, UnreadableTarget};

use crate::support::{Script, Step, TOKEN, client, settings, text};

/// One answer to everything.
async fn server(status: u16, content_type: &str, body: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| drop(then.status(status).header("content-type", content_type).body(body)))
        .await;
    server
}

async fn read(status: u16, content_type: &str, body: &str) -> Error {
    let server = server(status, content_type, body).await;
    client(&server.base_url()).quotas().await.unwrap_err()
}

async fn write(status: u16, body: &str) -> Error {
    let server = server(status, "application/problem+json", body).await;
    client(&server.base_url()).assign_organizations(&[("71".into(), 5)]).await.unwrap_err()
}

#[tokio::test]
async fn a_401_says_that_it_is_the_token() {
    let body = format!(r#"{{"error":"invalid_token","error_description":"{TOKEN} has expired"}}"#);
    let error = read(401, "application/problem+json", &body).await;
    assert!(matches!(error, Error::Unauthorized { .. }));
    assert!(text(&error).contains("[redacted] has expired") && text(&error).contains("TE_TOKEN"), "{error}");
}

#[tokio::test]
async fn a_403_names_the_permission() {
    let error = read(403, "application/problem+json", r#"{"title":"Forbidden"}"#).await;
    assert!(matches!(error, Error::Forbidden { .. }));
    assert!(text(&error).contains("`Edit organization and account group quotas`"), "{error}");
    let server = server(403, "application/problem+json", "{}").await;
    let error = client(&server.base_url()).usage(None).await.unwrap_err();
    assert!(text(&error).contains("`View organization usage` (older: `View Billing`)"), "{error}");
}

#[tokio::test]
async fn a_400_names_the_fields_that_the_server_named() {
    let error = write(400, r#"{"title":"Invalid","errors":[{"code":"Q-7","field":"organizations[0].value","message":"negative"}]}"#).await;
    assert!(error.is_refusal());
    assert_eq!(error.fields()[0].field, "organizations[0].value");
    assert!(text(&error).contains("[organizations[0].value: negative]"), "{error}");
}

#[tokio::test]
async fn an_answer_with_far_too_many_entries_is_not_read() {
    let entries = "{},".repeat(100_000);
    let body = format!(r#"{{"usage":{{"cloudUnitsUsed":1,"tests":[{entries}{{}}]}}}}"#);
    let server = server(200, "application/json", &body).await;
    let error = client(&server.base_url()).usage(None).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }));
    assert!(text(&error).contains("has over 100000 entries"), "{error}");
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    for status in [400, 401, 403, 404, 409, 413, 422] {
        let server = MockServer::start_async().await;
        let mock = server.mock_async(|_, then| drop(then.status(status).body("{}"))).await;
        let client = client(&server.base_url());
        let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
        assert_eq!((error.status(), error.outcome_unknown()), (Some(status), false));
        assert_eq!(client.quotas().await.unwrap_err().status(), Some(status));
        mock.assert_calls_async(2).await;
    }
}

#[tokio::test]
async fn a_read_survives_a_500_and_gives_up_after_three() {
    let server = MockServer::start_async().await;
    let failing = server.mock_async(|_, then| drop(then.status(500))).await;
    failing.up_to_n_times_async(2).await;
    server.mock_async(|_, then| drop(then.status(200).body(r#"{"quotas":[]}"#))).await;
    assert!(client(&server.base_url()).quotas().await.unwrap().is_empty());

    let server = MockServer::start_async().await;
    let mock =
        server.mock_async(|_, then| drop(then.status(503).body(r#"{"title":"Down for repairs"}"#))).await;
    let error = client(&server.base_url()).quotas().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { status: Some(503), .. }));
    assert!(text(&error).contains("Down for repairs"), "{error}");
    mock.assert_calls_async(3).await;
}

#[tokio::test]
async fn a_write_that_met_a_500_is_unknown_and_not_repeated() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|_, then| drop(then.status(500))).await;
    let error = client(&server.base_url()).unassign_organizations(&["71".into()]).await.unwrap_err();
    assert!(error.outcome_unknown());
    mock.assert_calls_async(1).await;
}

#[tokio::test]
async fn html_instead_of_json_is_reported_as_a_proxys_answer() {
    for content_type in ["text/html; charset=utf-8", "application/json"] {
        let error = read(200, content_type, "\n<!DOCTYPE html><html>Please sign in</html>").await;
        assert!(matches!(error, Error::Unusable { .. }));
        assert!(text(&error).contains("proxy"), "{error}");
    }
    let error = read(403, "text/html", "<html>blocked</html>").await;
    assert!(text(&error).contains("proxy") && !error.is_refusal(), "{error}");
    let error = read(413, "text/html", "<html>Request Entity Too Large</html>").await;
    assert!(error.is_refusal(), "smaller ones get through, whoever says it: {error}");
}

#[tokio::test]
async fn an_answer_that_is_not_the_documented_json_is_unusable() {
    for body in [
        "",
        "[]",
        "null",
        "\"quotas\"",
        "{}",
        r#"{"quotas":{}}"#,
        r#"{"quotas":null}"#,
        r#"{"error":"temporarily unavailable"}"#,
    ] {
        let error = read(200, "application/json", body).await;
        assert!(matches!(error, Error::Unusable { .. }), "{body:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_without_what_it_is_about_is_a_failure_of_every_read() {
    let server = server(200, "application/json", "\u{feff}{\"unheard\":[{}]}").await;
    let client = client(&server.base_url());
    let errors = [
        client.quotas().await.map(drop),
        client.account_groups().await.map(drop),
        client.test_units(None, None).await.map(drop),
        client.enterprise_agent_units(None).await.map(drop),
        client.usage(None).await.map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(matches!(error, Error::Unusable { .. }) && text(&error).contains("is missing"), "{error}");
    }
}

#[tokio::test]
async fn one_odd_value_never_hides_the_others_and_shows_no_token() {
    let body = format!(
        r#"{{"quotas":[{{"organizationQuota":{{"orgId":"71","value":5}},"accountGroupQuotas":[{{"aid":"1","value":"{TOKEN}"}},
            {{"aid":"2","value":6}}]}}]}}"#
    );
    let server = server(200, "application/json", &body).await;
    let seen = client(&server.base_url()).quotas().await.unwrap();
    assert_eq!(seen[0].account_groups, [("2".into(), 6)]);
    assert_eq!(seen[0].unreadable[0].whose, UnreadableTarget::AccountGroup("1".into()));
    let error = client(&server.base_url()).usage(None).await.unwrap_err();
    assert!(!text(&error).contains(TOKEN));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start_async().await;
    let never = elsewhere.mock_async(|_, then| drop(then.status(200).body("{}"))).await;
    let server = MockServer::start_async().await;
    let to = elsewhere.url("/v7/quotas");
    server.mock_async(|_, then| drop(then.status(307).header("location", to))).await;
    let client = client(&server.base_url());
    let error = client.quotas().await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }) && text(&error).contains("api.base_url"), "{error}");
    let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    never.assert_calls_async(0).await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let body = format!("{{\"quotas\":[{}]}}", " ".repeat(5000));
    let server = server(200, "application/json", &body).await;
    let limited = Settings { max_answer_bytes: 4999, ..settings(&server.base_url()) };
    let limited = Client::new(limited).unwrap();
    let error = limited.quotas().await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }) && text(&error).contains("4999 bytes"), "{error}");
    limited
        .assign_organizations(&[("71".into(), 5)])
        .await
        .expect("a write is done, whatever the answer's size");
}

/// Without a bound on what is read, none of these would ever end.
#[tokio::test]
async fn an_answer_without_end_is_read_up_to_its_bound() {
    const GOOD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{";
    const GIGABYTE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{";
    const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"title\":\"";
    let limited = |script: &Script| {
        Client::new(Settings { max_answer_bytes: 1 << 20, ..settings(&script.url) }).unwrap()
    };
    let script = Script::play(vec![Step::Endless(GOOD)]).await;
    let error = client(&script.url).quotas().await.unwrap_err();
    assert!(text(&error).contains("repeats itself"), "{error}");
    for head in [GOOD, GIGABYTE] {
        let script = Script::play(vec![Step::Endless(head)]).await;
        let error = limited(&script).quotas().await.unwrap_err();
        assert!(text(&error).contains("larger than the 1048576 bytes"), "{error}");
        let script = Script::play(vec![Step::Endless(head)]).await;
        limited(&script)
            .unassign_organizations(&["71".into()])
            .await
            .expect("its status says that it is done");
    }
    let script = Script::play(vec![Step::Endless(REFUSED), Step::Endless(REFUSED)]).await;
    assert_eq!(limited(&script).quotas().await.unwrap_err().status(), Some(400));
    let error = limited(&script).unassign_organizations(&["71".into()]).await.unwrap_err();
    assert!(error.is_refusal() && error.to_string().len() < 1000, "{error}");
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_large_one_is_too_large() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.header_includes("accept-encoding", "gzip");
            then.status(200).header("content-encoding", "gzip").body(include_bytes!("spaces.json.gz"));
        })
        .await;
    assert!(client(&server.base_url()).quotas().await.unwrap().is_empty());
    let limited = Settings { max_answer_bytes: 100_000, ..settings(&server.base_url()) };
    let error = Client::new(limited).unwrap().quotas().await.unwrap_err();
    assert!(text(&error).contains("100000 bytes"), "{error}");
}

#[tokio::test]
async fn a_token_file_is_read_again_after_it_was_rotated() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "old").unwrap();
    let path = file.path().to_owned();
    let server = MockServer::start_async().await;
    // The vault rotates the token while the request with the old one is on its way.
    let rotating = path.clone();
    let old = server
        .mock_async(|when, then| {
            when.header("authorization", "Bearer old");
            then.respond_with(move |_: &httpmock::HttpMockRequest| {
                std::fs::write(&rotating, "new\n").expect("the token file can be written");
                httpmock::HttpMockResponse::builder().status(401).build()
            });
        })
        .await;
    let new = server
        .mock_async(|when, then| {
            when.header("authorization", "Bearer new");
            then.status(204);
        })
        .await;
    let settings = Settings { token: Secret::File(path), ..settings(&server.base_url()) };
    let client = Client::new(settings).unwrap();
    let error = client.unassign_organizations(&["71".into()]).await.unwrap_err();
    assert!(matches!(error, Error::NotYet { .. }), "its caller looks again first: {error:?}");
    client.unassign_organizations(&["71".into()]).await.unwrap();
    client.unassign_organizations(&["72".into()]).await.unwrap();
    old.assert_calls_async(1).await;
    new.assert_calls_async(2).await;
}

#[tokio::test]
async fn a_wrong_token_in_an_unchanged_file_is_tried_once() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "wrong").unwrap();
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|_, then| drop(then.status(401))).await;
    let token = Secret::File(file.path().to_owned());
    let client = Client::new(Settings { token, ..settings(&server.base_url()) }).unwrap();
    let error = client.quotas().await.unwrap_err();
    assert!(text(&error).contains(&file.path().display().to_string()), "{error}");
    mock.assert_calls_async(1).await;
}

#[tokio::test]
async fn a_token_that_cannot_be_read_or_sent_is_reported_before_anything_is_sent() {
    let server = MockServer::start_async().await;
    let never = server.mock_async(|_, then| drop(then.status(200))).await;
    for token in
        [Secret::File("/nowhere/te_token".into()), Secret::Value("a\u{7}b".into()), Secret::Value(" ".into())]
    {
        let client = Client::new(Settings { token, ..settings(&server.base_url()) }).unwrap();
        let error = client.quotas().await.unwrap_err();
        assert!(matches!(error, Error::NotSent { .. }), "{error}");
    }
    never.assert_calls_async(0).await;
}

#[tokio::test]
async fn pages_have_no_more_entries_together_than_one_answer_may_have() {
    let page = |from: usize| {
        let groups: Vec<String> = (from..from + 700_000).map(|aid| format!(r#"{{"aid":"{aid}"}}"#)).collect();
        let body = format!(
            r#"{{"accountGroups":[{}],"_links":{{"next":{{"href":"?from={from}"}}}}}}"#,
            groups.join(",")
        );
        Step::Answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    };
    let script = Script::play((1..5).map(|number| page(number * 1_000_000)).collect()).await;
    let error = client(&script.url).account_groups().await.unwrap_err();
    assert!(text(&error).contains("over 2000000 entries together"), "{error}");
    assert_eq!(script.requests().len(), 3);
}
