//! What every request to somebody outside needs: a client, why it failed in words, and one line of the log for an outage.

use tracing::{info, warn};

use crate::config::Config;
use crate::thousandeyes::{deepest, other_client};

/// Logs when a report to somebody begins to fail and when it works again: once for an outage, however often it is tried.
#[derive(Debug)]
pub(super) struct Outage {
    what: &'static str,
    lasts: bool,
}

impl Outage {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, lasts: false }
    }

    pub(super) fn note(&mut self, attempt: Result<(), String>) {
        let lasted = std::mem::replace(&mut self.lasts, attempt.is_err());
        match attempt {
            Ok(()) if lasted => info!(to = self.what, "reported again"),
            Err(reason) if !lasted => {
                warn!(to = self.what, reason, "could not be reported; no job fails because of that");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// A client for one of them, with the proxy and certificates of the API.
pub(super) fn client(config: &Config, url: &reqwest::Url) -> anyhow::Result<reqwest::Client> {
    let api = &config.api;
    Ok(other_client(url, api.proxy.as_ref(), api.ca_file.as_deref())?)
}

/// Why a request failed, without its URL, which may be a secret.
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() { "no answer in time".to_owned() } else { deepest(error) }
}
