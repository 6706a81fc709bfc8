//! The identity of an installation: made once and kept beside its data, so that it is the same in whichever machine or pod the
//! next process runs. It is part of each `Message-ID`, by which the same mail is known to be the same.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::compose::short_hash;
use crate::files::{durable, read_if_there};

const FILE: &str = "installation.json";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Installation {
    version: u32,
    id: String,
}

/// The id, if one was made: also of a newer version's file, whatever else is in it.
pub(crate) fn read(data_dir: &Path) -> std::io::Result<Option<String>> {
    let Some(bytes) = read_if_there(&data_dir.join(FILE))? else { return Ok(None) };
    let id = serde_json::from_slice(&bytes).ok().and_then(|json: serde_json::Value| {
        let id = json.get("id")?.as_str()?;
        (!id.is_empty() && id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then(|| id.to_owned())
    });
    Ok(Some(id.unwrap_or_default()))
}

/// The id, made where there is none. No mail fails for it: where it cannot be kept, it comes from the folder's path.
pub(super) fn id(data_dir: &Path) -> String {
    let made = || -> std::io::Result<String> {
        let path = data_dir.join(FILE);
        let is_damaged = match read(data_dir)? {
            Some(id) if !id.is_empty() => return Ok(id),
            found => found.is_some(),
        };
        let id = format!("{:012x}", fastrand::u64(..) >> 16);
        let bytes = serde_json::to_vec_pretty(&Installation { version: VERSION, id: id.clone() })?;
        if is_damaged {
            warn!(file = FILE, "the installation's identity is damaged: it gets another one");
            durable::write(&path, &bytes)?;
        } else if !durable::create(&path, &bytes)? {
            // Somebody was faster.
            return Ok(read(data_dir)?.unwrap_or_default());
        }
        Ok(id)
    };
    match made() {
        Ok(id) if !id.is_empty() => id,
        made => {
            let error = made.err().map(|error| error.to_string());
            warn!(error, file = FILE, "the installation's identity cannot be kept");
            short_hash(&data_dir.to_string_lossy()).get(..12).unwrap_or_default().to_owned()
        }
    }
}

/// `3f9c1b2a77d0 on nms-01`: what a mail or a page calls the installation that makes it.
pub(crate) fn name(data_dir: &Path, host: &str) -> String {
    match read(data_dir) {
        Ok(Some(id)) if !id.is_empty() => format!("{id} on {host}"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(name(folder.path(), "pod-a"), "pod-a");
        let first = id(folder.path());
        assert_eq!((first.len(), id(folder.path())), (12, first.clone()));
        assert_eq!(name(folder.path(), "pod-b"), format!("{first} on pod-b"));
    }

    #[test]
    fn a_damaged_file_is_replaced_and_a_newer_one_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for damaged in ["", "{", "[]", r#"{"version": 1}"#, r#"{"version": 1, "id": "<a b>"}"#] {
            fs_err::write(&path, damaged).unwrap();
            let made = id(folder.path());
            assert_eq!((made.len(), id(folder.path())), (12, made.clone()), "{damaged}");
        }
        fs_err::write(&path, r#"{"version": 9, "id": "abc", "more": []}"#).unwrap();
        assert_eq!(id(folder.path()), "abc");
    }

    #[test]
    fn where_it_cannot_be_kept_it_is_that_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join(FILE)).unwrap();
        assert_eq!(id(folder.path()), id(folder.path()));
        assert_eq!(id(&folder.path().join("not/there")).len(), 12);
    }
}
