//! What the client logs. A process of its own, because a log is captured for all threads or not reliably.

use std::sync::{Arc, Mutex};

use httpmock::prelude::*;
use quotakeeper::thousandeyes::{Client, Secret, Settings};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

const TOKEN: &str = "token-of-the-tests";

/// At the most talkative level, by this crate and those below it.
#[tokio::test]
async fn logs_show_each_request_and_never_the_token() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    // httpmock logs what it gets, headers and all: that is the server's side.
    let levels: Targets = "trace,httpmock=off".parse().unwrap();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || Writer(Arc::clone(&writer)))
        .finish()
        .with(levels)
        .init();
    let server = MockServer::start_async().await;
    let refused = server
        .mock_async(|when, then| {
            when.header_matches("x-request-id", "^[0-9a-f]{16}$");
            then.status(400).header("X-Request-Id", "server-77").body(TOKEN);
        })
        .await;
    let base_url = server.url("/v7/").parse().unwrap();
    let client = Client::new(Settings::new(base_url, Secret::Value(TOKEN.into()))).unwrap();
    client.usage(Some(&"801".into())).await.unwrap_err();
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    refused.assert_async().await;
    let attempts: Vec<&str> = log.lines().filter(|line| line.contains("path=\"/usage\"")).collect();
    assert_eq!(attempts.len(), 2, "the request and that it was refused: {attempts:#?}");
    for line in attempts {
        assert!(line.contains("status=400") && line.contains("answer=\"server-77\""), "{line}");
        assert!(line.contains("request=\""), "{line}");
    }
    assert!(log.contains("hyper_util"), "the crates below are heard too: {log}");
    assert!(!log.contains(TOKEN), "{log}");
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
