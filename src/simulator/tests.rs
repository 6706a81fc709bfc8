//! The simulator as its callers see it: through a socket.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

mod connections;
mod faults;
mod reads;
mod usage;
mod writes;

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
