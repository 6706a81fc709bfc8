//! Remembers on which mounts the inbox and the answers lie, so that nothing is made or looked for below a share that is not mounted.
//!
//! A mount point without its share is an ordinary folder: an inbox that is made in it looks like one that nobody uses, and answers
//! that are written into it are hidden as soon as the share is back. So a folder that was on a mount is used only while that mount is
//! there. Mounts are told apart by their devices: a folder that a service gets mounted over itself stays what it is.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::files;
use crate::files::durable;
use crate::files::folder::Folder;
use crate::files::versioned_json::{self, Kind};

pub(crate) const FILE: Kind = Kind {
    name: "mounts.json",
    version: 1,
    without: "if the share of inbox.dir or inbox.answers_dir is not mounted now, its folder is made anew below the mount point",
    limit: files::TEXT,
};

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The mount point of each folder, as it was when the folder was used last.
    folders: BTreeMap<PathBuf, PathBuf>,
}

/// A folder was on a mount that is not there now.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is not mounted{}. Mount it, and quotakeeper continues. If that folder is to be on this disk from now on, remove {}",
    mount.display(), below(folder, mount), record.display()
)]
pub(crate) struct NotMounted {
    folder: PathBuf,
    mount: PathBuf,
    record: PathBuf,
}

fn below(folder: &Path, mount: &Path) -> String {
    if folder == mount { String::new() } else { format!(": {} was on it", folder.display()) }
}

/// Opens a folder, and makes it where it is missing, unless it is missing with the mount that it was on.
pub(crate) fn create_folder(data_dir: &Path, folder: &Path) -> anyhow::Result<Folder> {
    check(data_dir, folder)?;
    let opened = durable::create_folder(folder)?;
    match mount_of(folder) {
        // Where the mount is that of the data, the folder is there whenever this is asked.
        Ok(mount) => note(
            data_dir,
            folder,
            Some(mount).filter(|mount| mount_of(data_dir).ok().as_ref() != Some(mount)),
        ),
        Err(error) => warn!(folder = %folder.display(), %error, "the mount of a folder is not known"),
    }
    Ok(opened)
}

/// Whether a folder can be used, as far as mounts go.
pub(crate) fn check(data_dir: &Path, folder: &Path) -> Result<(), NotMounted> {
    let key = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(mount) = load(data_dir).and_then(|mut record| record.folders.remove(&key)) else {
        return Ok(());
    };
    match mount_of(&key) {
        Ok(now) if is_gone(&mount, &now) => {
            Err(NotMounted { folder: key, mount, record: data_dir.join(FILE.name) })
        }
        _ => Ok(()),
    }
}

/// The folder is now where its mount point is. Another mount is the operator's choice, and the same one is no change.
fn is_gone(mount: &Path, now: &Path) -> bool {
    mount != now && mount.starts_with(now)
}

/// Remembers on which mount a folder is that was just opened; none where it needs no other than that of the data or of its inbox.
pub(crate) fn note(data_dir: &Path, folder: &Path, mount: Option<PathBuf>) {
    if let Err(error) = save(data_dir, folder, mount) {
        warn!(folder = %folder.display(), error = format!("{error:#}"), "the mount of a folder cannot be remembered");
    }
}

fn save(data_dir: &Path, folder: &Path, mount: Option<PathBuf>) -> anyhow::Result<()> {
    let folder = std::path::absolute(folder)?;
    let Some(mut record) = load(data_dir) else { return Ok(()) };
    if record.folders.get(&folder) == mount.as_ref() {
        return Ok(());
    }
    match mount {
        Some(mount) => drop(record.folders.insert(folder, mount)),
        None => drop(record.folders.remove(&folder)),
    }
    versioned_json::save(data_dir, &FILE, &record)
}

/// None while it cannot be used: `own_files` sets a damaged one aside, and leaves a newer one as it is.
fn load(data_dir: &Path) -> Option<Record> {
    versioned_json::read(data_dir, &FILE).ok().map(Option::unwrap_or_default)
}

/// The topmost folder on the device that a folder is on, or would be made on.
fn mount_of(folder: &Path) -> io::Result<PathBuf> {
    let there = folder.ancestors().find_map(|above| fs_err::canonicalize(above).ok());
    let mut top = there.unwrap_or_else(|| PathBuf::from("/"));
    let device = fs_err::metadata(&top)?.dev();
    while let Some(above) = top.parent() {
        if fs_err::metadata(above)?.dev() != device {
            break;
        }
        top = above.to_owned();
    }
    Ok(top)
}

#[cfg(test)]
pub(crate) mod tests;
