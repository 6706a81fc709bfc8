//! The metrics for where nobody scrapes: a file for `node_exporter`, and a PUT to a Pushgateway.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;

use super::outgoing::{Outage, cause, client};
use crate::config::{Config, Metrics, SecretUrl};
use crate::daemon::metrics::FORMAT;
use crate::files::folder::Folder;
use crate::thousandeyes::start_of;

/// For the whole of a push, with the metrics of 10,000 account groups in it.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where the metrics go.
pub(super) struct Publisher {
    textfile: Option<PathBuf>,
    no_textfile: Outage,
    pushed: Option<(Client, SecretUrl)>,
    no_push: Outage,
}

impl Publisher {
    /// None unless one of them is set.
    pub(super) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Metrics { textfile, push_url } = config.metrics.clone();
        let pushed = match push_url {
            Some(url) => Some((client(config, url.expose())?, url)),
            None => None,
        };
        Ok((textfile.is_some() || pushed.is_some()).then(|| Self {
            textfile,
            no_textfile: Outage::new("metrics.textfile"),
            pushed,
            no_push: Outage::new("metrics.push_url"),
        }))
    }

    /// Writes and pushes the metrics.
    pub(super) async fn publish(&mut self, metrics: Vec<u8>) {
        if let Some(path) = &self.textfile {
            let written = write_textfile(path, &metrics);
            self.no_textfile.note(written.map_err(|error| format!("{}: {error}", path.display())));
        }
        if let Some((client, url)) = &self.pushed {
            self.no_push.note(push(client, url, metrics).await);
        }
    }
}

/// Replaces the file as a whole, readable by everybody whatever the umask: the collector runs as another user. The temporary
/// name does not end in `.prom`, so that no half of it is ever read.
fn write_textfile(path: &Path, metrics: &[u8]) -> io::Result<()> {
    let folder = Folder::open(path.parent().unwrap_or(Path::new("")))?;
    folder.publish(path.file_name().unwrap_or_default(), metrics)
}

/// Replaces the group that the URL names.
async fn push(client: &Client, url: &SecretUrl, metrics: Vec<u8>) -> Result<(), String> {
    let request = client.put(url.expose().clone()).header(CONTENT_TYPE, FORMAT).timeout(TIMEOUT);
    let answer = request.body(metrics).send().await.map_err(|error| format!("{url}: {}", cause(&error)))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status().as_u16();
    let said = start_of(answer).await;
    Err(format!("{url} answered {status} {}", crate::text::redact::clean(&said, 300)))
}

#[cfg(test)]
mod tests;
