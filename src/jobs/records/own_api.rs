//! Which API the data folder is about. What was read of one is not compared with another, and files that were dropped for one are
//! not applied to another: a shell in which the simulator's address is set, beside production's configuration, is enough for that.

use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::loopback::is_loopback;
use crate::files;
use crate::files::versioned_json::{self, Kind, Loaded};

pub(crate) const FILE: Kind = Kind {
    name: "api.json",
    version: 1,
    without: "the next snapshot says which API all of this is about",
    limit: files::TEXT,
};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OwnApi {
    host: String,
}

/// A simulator on this machine has another port each time.
fn host(base_url: &Url) -> String {
    match base_url.host_str() {
        Some(host) if !is_loopback(host) => host.to_owned(),
        _ => "this machine".to_owned(),
    }
}

/// Why this configuration cannot be used with its data folder: the folder is about another API.
pub(in crate::jobs) fn mismatch(config: &Config) -> Option<String> {
    let dir = &config.data.dir;
    let own: OwnApi = versioned_json::read(dir, &FILE).ok().flatten()?;
    let asked = host(&config.api.base_url);
    (own.host != asked).then(|| {
        format!(
            "{} is about the API of {}, and api.base_url (or TE_BASE_URL) leads to {asked}: set another data.dir for it. If both \
             are the same API, remove {}",
            dir.display(),
            own.host,
            dir.join(FILE.name).display()
        )
    })
}

/// Writes down that the folder is about the API that was just read, where nothing says so yet.
pub(in crate::jobs) fn remember(config: &Config, now: DateTime<Utc>) -> anyhow::Result<()> {
    match versioned_json::read_or_set_aside::<OwnApi>(&config.data.dir, &FILE, now)? {
        Loaded::Known(_) => Ok(()),
        Loaded::Missing | Loaded::SetAside => {
            // `state.json` follows.
            versioned_json::stage(&config.data.dir, &FILE, &OwnApi { host: host(&config.api.base_url) })
        }
    }
}
