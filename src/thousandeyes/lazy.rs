//! The API as a process has it: the client is made at its first use, because commands that read files only need no token.

use std::sync::{Arc, OnceLock};

use anyhow::Context;

use super::client::Client;
use super::settings::Settings;

/// One client for a process, or none where no token is known.
pub(crate) struct LazyClient {
    settings: Result<Option<Settings>, String>,
    client: OnceLock<Arc<Client>>,
}

impl LazyClient {
    /// `settings` is none where there is no token: then every use is an error that says how to give one. Or it is why this API
    /// is not to be used.
    pub(crate) fn new(settings: Result<Option<Settings>, String>) -> Self {
        Self { settings, client: OnceLock::new() }
    }

    /// An error where this API is not to be used.
    pub(crate) fn is_allowed(&self) -> anyhow::Result<()> {
        self.settings.as_ref().map(drop).map_err(|why| anyhow::Error::msg(why.clone()))
    }

    pub(crate) fn get(&self) -> anyhow::Result<&Arc<Client>> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let settings = self.settings.clone().map_err(anyhow::Error::msg)?.context(
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
