//! The identity of an installation: made once and kept beside its data, so that it is the same in whichever machine or pod the
//! next process runs. It is part of each `Message-ID`, by which the same mail is known to be the same.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::compose::short_hash;
use crate::files;
use crate::files::versioned_json::{self, Kind};
use crate::files::{durable, read_if_there};

pub(crate) const FILE: Kind = Kind {
    name: "installation.json",
    version: 1,
    without: "mails have a new identity from now on; a mail about a problem that continues may be sent again",
    limit: files::TEXT,
};

#[derive(Serialize, Deserialize)]
struct Installation {
    version: u32,
    id: String,
}

/// The id, if one was made: also of a newer version's file, whatever else is in it.
pub(crate) fn read(data_dir: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read_if_there(&data_dir.join(FILE.name), files::TEXT)? else { return Ok(None) };
    let id = serde_json::from_slice(&bytes).ok().and_then(|json: serde_json::Value| {
        let id = json.get("id")?.as_str()?;
        (!id.is_empty() && id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then(|| id.to_owned())
    });
    Ok(Some(id.unwrap_or_default()))
}

/// The id, made where there is none. No mail fails for it: where it cannot be kept, it comes from the folder's path.
pub(crate) fn id(data_dir: &Path, now: DateTime<Utc>) -> String {
    let made = || -> io::Result<String> {
        let is_damaged = match read(data_dir) {
            Ok(Some(id)) if !id.is_empty() => return Ok(id),
            // A link that leads nowhere is there too.
            Ok(found) => found.is_some() || is_something_else(data_dir),
            Err(_) if is_something_else(data_dir) => true,
            Err(error) => return Err(error),
        };
        if is_damaged {
            let file = versioned_json::set_aside(data_dir, &FILE, now)?;
            warn!(file = %file.to_string_lossy(), hint = FILE.without, "a damaged file was renamed");
        }
        let id = format!("{:012x}", fastrand::u64(..) >> 16);
        let bytes = serde_json::to_vec_pretty(&Installation { version: FILE.version, id: id.clone() })?;
        if !durable::create(&data_dir.join(FILE.name), &bytes)? {
            // Somebody was faster.
            return Ok(read(data_dir)?.unwrap_or_default());
        }
        Ok(id)
    };
    match made() {
        Ok(id) if !id.is_empty() => id,
        made => {
            let error = made.err().map(|error| error.to_string());
            warn!(error, file = FILE.name, "the installation's identity cannot be kept");
            short_hash(&data_dir.to_string_lossy()).get(..12).unwrap_or_default().to_owned()
        }
    }
}

/// Whether what has its name is no file, or far too large: that does not pass.
fn is_something_else(data_dir: &Path) -> bool {
    let there = data_dir.join(FILE.name).symlink_metadata();
    there.is_ok_and(|there| !there.is_file() || there.len() > files::TEXT)
}

/// `3f9c1b2a77d0 on nms-01`: what a mail or a page calls the installation that makes it.
pub(crate) fn name(data_dir: &Path, host: &str) -> String {
    match read(data_dir) {
        Ok(Some(id)) if !id.is_empty() => format!("{id} on {host}"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests;
