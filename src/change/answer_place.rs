//! Where answers are put: `inbox.answers_dir`, as it is configured now or as a run's record remembers it.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::mounts::{self, NotMounted};
use crate::config::Config;
use crate::files::folder::Folder;

/// A folder that answers are put into, and the inbox that it may be below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    answers: PathBuf,
    inbox: PathBuf,
}

impl Place {
    /// As it is configured now.
    pub(crate) fn configured(config: &Config) -> Self {
        let absolute = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        Self { answers: absolute(config.answers_dir()), inbox: absolute(config.inbox_dir()) }
    }

    /// As a record keeps it: what is below the data is so wherever the data is moved or copied to.
    pub(crate) fn for_record(&self, data_dir: &Path) -> Self {
        let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let kept = |folder: &Path| folder.strip_prefix(&data_dir).unwrap_or(folder).to_owned();
        Self { answers: kept(&self.answers), inbox: kept(&self.inbox) }
    }

    /// Of a record.
    pub(crate) fn in_data(&self, data_dir: &Path) -> Self {
        let absolute = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        // A path that is absolute stays as it is.
        let now = |folder: &Path| absolute(data_dir.join(folder));
        Self { answers: now(&self.answers), inbox: now(&self.inbox) }
    }

    /// Opens it, and makes it where it is missing. Below the inbox, where others write, no link is followed.
    pub(crate) fn open(&self, data_dir: &Path) -> anyhow::Result<Folder> {
        let (root, beneath) = self.split();
        let mut folder = mounts::create_folder(data_dir, root)?;
        // The share of the answers may be another than that of the inbox.
        mounts::check(data_dir, &self.answers)?;
        let (mut path, mut mount) = (fs_err::canonicalize(root)?, None);
        for part in parts(beneath) {
            let next = folder.create_folder(part).map_err(|error| not_a_folder(&folder, part, error))?;
            path.push(part);
            if next.is_mounted_in(&folder)? {
                mount = Some(path.clone());
            }
            folder = next;
        }
        if self.answers != root {
            mounts::note(data_dir, &self.answers, mount);
        }
        Ok(folder)
    }

    /// The same, where it is there.
    pub(crate) fn open_existing(&self) -> io::Result<Option<Folder>> {
        let (root, beneath) = self.split();
        let opened = Folder::open(root).and_then(|mut folder| {
            for part in parts(beneath) {
                folder = folder.open_folder(part)?;
            }
            Ok(folder)
        });
        match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Whether the share that it is on is mounted.
    pub(crate) fn check_mount(&self, data_dir: &Path) -> Result<(), NotMounted> {
        mounts::check(data_dir, self.split().0)?;
        mounts::check(data_dir, &self.answers)
    }

    /// Whether a folder in it has such a file.
    pub(crate) fn has_file(&self, folder: &str, name: &str) -> bool {
        let all = self.open_existing().ok().flatten();
        let folder = all.and_then(|all| all.open_folder(OsStr::new(folder)).ok());
        folder.is_some_and(|folder| matches!(folder.stat(OsStr::new(name)), Ok(Some(_))))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.answers
    }

    /// The folder whose path is the operator's own, and the way below it.
    fn split(&self) -> (&Path, &Path) {
        match self.answers.strip_prefix(&self.inbox) {
            Ok(beneath) => (&self.inbox, beneath),
            Err(_) => (&self.answers, Path::new("")),
        }
    }
}

fn parts(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    })
}

fn not_a_folder(folder: &Folder, part: &OsStr, error: io::Error) -> anyhow::Error {
    let is_link = folder.stat(part).is_ok_and(|found| {
        found.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
    });
    let error = anyhow::Error::from(error);
    if is_link {
        error.context(
            "it is a link, which is not followed below the inbox: remove it, or set inbox.answers_dir to where it leads",
        )
    } else {
        error
    }
}
