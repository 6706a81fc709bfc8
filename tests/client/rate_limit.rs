//! 429 and the rate-limit headers over real sockets. The waits themselves are tested where they are computed, without
//! a clock; here a wrong one would run into `max_total` and fail.

use std::time::Duration;

use quotakeeper::thousandeyes::{Client, Error, Settings};
use tokio::time::Instant;

use crate::support::{Script, Step, answer, settings, text};

const EMPTY: &str = r#"{"quotas":[]}"#;

/// Enough for the waits of one and two seconds that these servers ask for, too little for a guess or a cap.
fn client(server: &str) -> Client {
    Client::new(Settings { max_total: Duration::from_secs(4), ..settings(server) }).unwrap()
}

fn refused(headers: &str) -> Step {
    answer(429, headers, r#"{"title":"Too many requests","status":429}"#)
}

/// The machine's clock is at neither of these dates: whatever it says makes no difference.
#[tokio::test]
async fn a_429_waits_by_the_servers_clock_however_wrong_ours_is() {
    let wrong_by = |date: &str, reset: u64| {
        refused(&format!(
            "Date: {date}\r\nX-Organization-Rate-Limit-Remaining: 0\r\nX-Organization-Rate-Limit-Reset: {reset}\r\n"
        ))
    };
    for refusal in [
        wrong_by("Sun, 09 Sep 2001 01:46:40 GMT", 1_000_000_001),
        wrong_by("Wed, 18 May 2033 03:33:20 GMT", 2_000_000_001),
    ] {
        let script = Script::play(vec![refusal, answer(200, "", EMPTY)]).await;
        let begun = Instant::now();
        client(&script.url).quotas().await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert_eq!(script.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_write_that_got_a_429_waits_and_only_its_caller_sends_it_again() {
    let reset_in_the_past =
        "Date: Sun, 09 Sep 2001 01:46:40 GMT\r\nX-Organization-Rate-Limit-Reset: 999999000\r\n";
    let script = Script::play(vec![refused(reset_in_the_past), answer(201, "", "{}")]).await;
    let client = client(&script.url);
    let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
    assert!(matches!(error, Error::NotYet { .. }) && !error.outcome_unknown(), "{error:?}");
    assert_eq!(script.requests().len(), 1);
    let begun = Instant::now();
    client.assign_organizations(&[("71".into(), 5)]).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    let requests = script.requests();
    assert_eq!(requests.len(), 2);
    let body = |request: &str| request.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    assert_eq!(body(&requests[0]), body(&requests[1]));
    assert_eq!(client.budget().refusals, 1);
}

#[tokio::test]
async fn a_read_after_a_write_has_its_turn_does_not_delay_the_write() {
    let used_up = "X-Organization-Rate-Limit-Remaining: 0\r\nX-Organization-Rate-Limit-Reset: 50\r\n";
    let script = Script::play(vec![answer(200, used_up, EMPTY), answer(201, "", "{}")]).await;
    let client = client(&script.url);
    client.turn_to_write().await.unwrap();
    client.quotas().await.unwrap();
    // Anything else would have to wait for longer than it may.
    client.assign_organizations(&[("71".into(), 5)]).await.unwrap();
    assert!(matches!(client.account_groups().await, Err(Error::RateLimited { .. })));
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_gateways_throttle_is_waited_out_and_is_no_missing_permission() {
    let later = |status| answer(status, "Retry-After: 1\r\n", r#"{"title":"Slow down"}"#);
    for status in [403, 420] {
        let script =
            Script::play(vec![later(status), answer(200, "", EMPTY), later(status), answer(200, "", "")])
                .await;
        let client = client(&script.url);
        client.quotas().await.unwrap();
        let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
        assert!(matches!(error, Error::NotYet { .. }), "{status}: {error:?}");
        client.assign_organizations(&[("71".into(), 5)]).await.unwrap();
        assert_eq!((script.requests().len(), client.budget().refusals), (4, 2), "{status}");

        let script = Script::play((0..9).map(|_| later(status)).collect()).await;
        let error = self::client(&script.url).quotas().await.unwrap_err();
        assert!(matches!(error, Error::RateLimited { .. }) && error.status() == Some(status), "{error}");
        assert!(!text(&error).contains("permission"), "{error}");
    }
}

#[tokio::test]
async fn a_429_pauses_requests_that_were_not_refused_themselves() {
    let script =
        Script::play(vec![refused("Retry-After: 1\r\n"), answer(200, "", EMPTY), answer(200, "", EMPTY)])
            .await;
    let client = client(&script.url);
    let other = async {
        while client.budget().refusals == 0 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        client.quotas().await.unwrap();
        begun.elapsed()
    };
    let (first, waited) = tokio::join!(client.quotas(), other);
    first.unwrap();
    assert!(waited >= Duration::from_millis(900), "{waited:?}");
}

#[tokio::test]
async fn a_429_that_would_last_beyond_the_total_time_is_given_up_at_once() {
    for headers in [
        "",
        "X-Organization-Rate-Limit-Reset: soon\r\n",
        "Retry-After: 3600\r\n",
        "X-Organization-Rate-Limit-Reset: 50\r\n",
    ] {
        let script = Script::play(vec![refused(headers)]).await;
        let error = client(&script.url).assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
        assert!(
            matches!(error, Error::RateLimited { .. }) && !error.outcome_unknown(),
            "{headers}: {error:?}"
        );
        assert!(text(&error).contains("rate limit"), "{error}");
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_low_remainder_slows_down_before_there_is_any_429() {
    let low = |remaining| {
        let headers = format!(
            "Date: Sun, 09 Sep 2001 01:46:40 GMT\r\nX-Organization-Rate-Limit-Limit: 240\r\n\
             X-Organization-Rate-Limit-Remaining: {remaining}\r\nX-Organization-Rate-Limit-Reset: 1000000002\r\n"
        );
        answer(200, &headers, EMPTY)
    };
    let script = Script::play(vec![low(60), low(240)]).await;
    let client = client(&script.url);
    client.quotas().await.unwrap();
    assert_eq!((client.budget().limit, client.budget().remaining), (Some(240), Some(60)));
    let begun = Instant::now();
    client.quotas().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(1500), "the reserve is left to others until the reset");
    assert_eq!(client.budget().refusals, 0);
}

#[tokio::test]
async fn headers_of_every_shape_leave_a_good_answer_good() {
    for headers in [
        "",
        "X-Organization-Rate-Limit-Limit: many\r\nX-Organization-Rate-Limit-Remaining: -\r\nX-Organization-Rate-Limit-Reset: \r\n",
        "Date: never\r\nX-Organization-Rate-Limit-Remaining: 0\r\nX-Organization-Rate-Limit-Reset: 99999999999999999999\r\n",
        "X-Organization-Rate-Limit-Limit: 240\r\nX-Organization-Rate-Limit-Remaining: 239\r\nX-Organization-Rate-Limit-Reset: 30\r\n",
    ] {
        let script = Script::play(vec![answer(200, headers, EMPTY)]).await;
        assert!(client(&script.url).quotas().await.unwrap().is_empty(), "{headers}");
    }
}

#[tokio::test]
async fn sixty_requests_at_once_are_not_delayed_on_a_fresh_budget() {
    let script = Script::play((0..60).map(|_| answer(200, "", EMPTY)).collect()).await;
    // Any delay of the budget's would be longer than this client may take.
    let client =
        Client::new(Settings { max_total: Duration::from_secs(30), ..settings(&script.url) }).unwrap();
    let mut all = tokio::task::JoinSet::new();
    let client = std::sync::Arc::new(client);
    for _ in 0..60 {
        let client = std::sync::Arc::clone(&client);
        all.spawn(async move { client.quotas().await.map(|quotas| quotas.len()) });
    }
    for result in all.join_all().await {
        assert_eq!(result, Ok(0));
    }
    assert_eq!(script.requests().len(), 60);
}
