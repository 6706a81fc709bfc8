//! The heartbeat: a GET to `heartbeat.url` when all is well, and to it with `/fail` when a job failed. Where its query says
//! `status=up`, a failure is `status=down` instead.
//!
//! | who | success | failure |
//! |---|---|---|
//! | `once` | its exit code is not 1 | it is 1 |
//! | `run` | a snapshot succeeded, or the last job that failed is well again; and no job fails | any job failed |
//!
//! So the service is to expect a beat as often as snapshots are scheduled. What a service does not take is a warning in the
//! log, once for an outage, and fails no job. The URL is a secret: what is logged of it is its host.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::{Client, Url};

use super::outgoing::{Outage, cause, client};
use crate::config::{Config, SecretUrl};
use crate::jobs::activity::HeartbeatSignal;

/// For one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits before the tries after the first.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

impl HeartbeatSignal {
    /// Where it goes: a query stays as it is, unless it is what says that all is well, as Uptime Kuma's does.
    fn url(self, base: &Url) -> Url {
        let mut url = base.clone();
        let is_up = |(name, value): &(Cow<str>, Cow<str>)| name == "status" && value == "up";
        match self {
            Self::Success => {}
            Self::Failure if base.query_pairs().any(|pair| is_up(&pair)) => {
                let down = base.query_pairs().map(|(name, value)| match &*name {
                    "status" => (name, "down".into()),
                    "msg" => (name, "a job failed".into()),
                    _ => (name, value),
                });
                url.query_pairs_mut().clear().extend_pairs(down);
            }
            Self::Failure => url.set_path(&format!("{}/fail", base.path().trim_end_matches('/'))),
        }
        url
    }
}

/// Who gets it.
pub(super) struct Heartbeat {
    client: Client,
    url: SecretUrl,
    outage: Outage,
}

impl Heartbeat {
    /// None unless it is set.
    pub(super) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(url) = config.heartbeat.url.clone() else { return Ok(None) };
        let client = client(config, url.expose())?;
        Ok(Some(Self { client, url, outage: Outage::new("heartbeat.url") }))
    }

    /// Sends it, with few tries and a bound on each.
    pub(super) async fn send(&mut self, beat: HeartbeatSignal) {
        let url = beat.url(self.url.expose());
        let mut waits = WAITS.iter();
        let sent = loop {
            let problem = match self.client.get(url.clone()).timeout(TIMEOUT).send().await {
                Ok(answer) if answer.status().is_success() => break Ok(()),
                Ok(answer) => format!("{} answered {}", self.url, answer.status().as_u16()),
                Err(error) => format!("{}: {}", self.url, cause(&error)),
            };
            match waits.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => break Err(problem),
            }
        };
        self.outage.note(sent);
    }
}

#[cfg(test)]
mod tests;
