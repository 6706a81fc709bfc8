//! `[server]`, `[metrics]` and `[heartbeat]`: how others learn that all is well.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::Url;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `[server]`: pages, health and metrics over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Off unless set.
    #[serde(deserialize_with = "listen")]
    pub listen: Option<SocketAddr>,
    /// The URL by which people reach it: its host is one of the names that may be asked for.
    #[serde(deserialize_with = "public_url")]
    pub public_url: Option<Url>,
    /// Whether there are pages for people besides health and metrics.
    pub page: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: None, public_url: None, page: true }
    }
}

/// `[metrics]`: the same metrics for runs that nobody can scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// For `node_exporter`'s textfile collector.
    pub textfile: Option<PathBuf>,
    /// The whole URL of a group in a Pushgateway.
    pub push_url: Option<SecretUrl>,
}

/// `[heartbeat]`: a sign of life for a service that notices silence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Heartbeat {
    pub url: Option<SecretUrl>,
}

/// A URL that holds a secret: what shows of it is the host.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretUrl(Url);

impl SecretUrl {
    /// The whole of it, to send a request there.
    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = Url::parse(&String::deserialize(deserializer)?).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        // The text is not repeated: it is a secret.
        url.map(Self).ok_or_else(|| D::Error::custom("is not a URL that begins with https:// or http://"))
    }
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map(Some)
        .map_err(|_| D::Error::custom(format!("`{text}` is not an address and a port: write 127.0.0.1:9464")))
}

fn public_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).ok().filter(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && is_plain
    });
    // The text is not repeated: somebody may have written a password into it.
    url.map(Some).ok_or_else(|| D::Error::custom("is not a URL such as https://quotas.example.com"))
}

impl Metrics {
    /// What the types alone cannot say: each problem as the key and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if self.textfile.as_ref().is_some_and(|path| path.extension().is_none_or(|is| is != "prom")) {
            let fix = "must end with .prom: node_exporter reads no other file";
            found.push(("metrics.textfile".to_owned(), fix.to_owned()));
        }
        let group = |url: &SecretUrl| url.expose().path().contains("/metrics/job/");
        if self.push_url.as_ref().is_some_and(|url| !group(url)) {
            let fix = "must be the whole URL of a group, such as http://HOST:9091/metrics/job/quotakeeper";
            found.push(("metrics.push_url".to_owned(), fix.to_owned()));
        }
        found
    }
}
