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
    without: "mails have another identity from now on, and one about something that goes on may come once more",
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
            Ok(found) => found.is_some(),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => true,
            Err(error) => return Err(error),
        };
        if is_damaged {
            let file = versioned_json::set_aside(data_dir, &FILE, now)?;
            warn!(file = %file.to_string_lossy(), hint = FILE.without, "a damaged file was set aside");
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

    fn now() -> DateTime<Utc> {
        "2026-11-22T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_id_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(name(folder.path(), "pod-a"), "pod-a");
        let first = id(folder.path(), now());
        assert_eq!((first.len(), id(folder.path(), now())), (12, first.clone()));
        assert_eq!(name(folder.path(), "pod-b"), format!("{first} on pod-b"));
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_a_newer_one_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE.name);
        for damaged in ["", "{", "[]", r#"{"version": 1}"#, r#"{"version": 1, "id": "<a b>"}"#] {
            fs_err::write(&path, damaged).unwrap();
            let made = id(folder.path(), now());
            assert_eq!((made.len(), id(folder.path(), now())), (12, made.clone()), "{damaged}");
        }
        assert_eq!(versioned_json::set_aside_in(folder.path()).unwrap().len(), 5);
        fs_err::write(&path, r#"{"version": 9, "id": "abc", "more": []}"#).unwrap();
        assert_eq!(id(folder.path(), now()), "abc");
    }

    #[test]
    fn what_is_in_its_place_is_set_aside_and_where_it_cannot_be_kept_it_is_that_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join(FILE.name)).unwrap();
        assert_eq!(id(folder.path(), now()), id(folder.path(), now()));
        assert!(folder.path().join(FILE.name).is_file());
        assert_eq!(id(&folder.path().join("not/there"), now()).len(), 12);
    }
}
