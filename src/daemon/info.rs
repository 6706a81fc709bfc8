//! `daemon.json`: what the running daemon says of itself to those who look from another process (`status`, `check`): which
//! configuration is in use, why a newer one is not, and what has kept it at work for long.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::files::lock;
use crate::files::sha256;
use crate::files::{durable, format};
use crate::jobs::Job;

const VERSION: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DaemonInfo {
    version: u32,
    pub process: u32,
    /// The file of the configuration in use, and the hash of what was in it.
    pub config: Option<InUse>,
    /// What is wrong with the file as it was at the last reload.
    pub problems: Vec<String>,
    /// What changed in it and counts from the next start only.
    pub needs_restart: Vec<String>,
    pub at_work: Option<AtWork>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InUse {
    pub file: PathBuf,
    pub sha256: String,
}

/// A unit of work that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtWork {
    pub job: Job,
    pub since: DateTime<Utc>,
}

impl DaemonInfo {
    pub(super) fn new(config: Option<InUse>) -> Self {
        Self {
            version: VERSION,
            process: std::process::id(),
            config,
            problems: Vec::new(),
            needs_restart: Vec::new(),
            at_work: None,
        }
    }

    /// What the daemon that holds the lock of this folder says; none where none does.
    pub(crate) fn of_running(data_dir: &Path) -> Option<Self> {
        let path = path(data_dir);
        let info: Self =
            format::read_json(&path, &files::read(&path, files::TEXT).ok()?, VERSION, "restart the daemon")
                .ok()?;
        (lock::holder(data_dir)?.process == Some(info.process)).then_some(info)
    }

    pub(super) fn write(&self, data_dir: &Path) -> std::io::Result<()> {
        durable::write(&path(data_dir), &serde_json::to_vec_pretty(self)?)
    }

    /// The file of the configuration, if it is not what is in use any more. One that cannot be read says nothing.
    pub(crate) fn changed_file(&self) -> Option<&Path> {
        let InUse { file, sha256 } = self.config.as_ref()?;
        let now = InUse::read(file).ok()?;
        (now.sha256 != *sha256).then_some(file)
    }
}

impl InUse {
    pub(super) fn read(file: &Path) -> std::io::Result<Self> {
        Ok(Self { file: std::path::absolute(file)?, sha256: sha256(&files::read(file, files::TEXT)?) })
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.json")
}
