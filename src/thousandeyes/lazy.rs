//! The API as a process has it: the client is made at its first use, because commands that read files only need no token.

use std::sync::{Arc, OnceLock};

use anyhow::Context;

use super::client::Client;
use super::settings::Settings;

/// One client for a process, or none where no token is known.
pub(crate) struct LazyClient {
    settings: Option<Settings>,
    client: OnceLock<Arc<Client>>,
}

impl LazyClient {
    /// `settings` is none where there is no token: then every use is an error that says how to give one.
    pub(crate) fn new(settings: Option<Settings>) -> Self {
        Self { settings, client: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> anyhow::Result<&Arc<Client>> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let settings = self.settings.clone().context(
            "no API token: set TE_TOKEN or api.token_file, or put it into te_token beside the configuration",
        )?;
        let client = Client::new(settings)?;
        Ok(self.client.get_or_init(|| Arc::new(client)))
    }

    /// The client, if this process has asked the API yet.
    pub(crate) fn if_used(&self) -> Option<&Arc<Client>> {
        self.client.get()
    }
}
