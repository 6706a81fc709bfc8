//! The services that a change needs from outside this room, in one value: built by whoever starts work on changes, for that work.

use std::path::Path;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::answer_folders::Folders;
use super::inbox::Inbox;
use super::known_files::KnownFiles;
use super::shared_reading::SharedReading;
use crate::clock::Clock;
use crate::config::Config;
use crate::files::lock::HeldLock;
use crate::history::History;
use crate::thousandeyes::LazyClient;

/// The same for every run of one pass, or of one command.
pub(crate) struct Services<'a> {
    pub config: &'a Config,
    /// The time of the job that does the work.
    pub clock: Clock,
    pub api: &'a LazyClient,
    pub history: &'a History,
    pub inbox: Inbox,
    /// Which run's answers lie in which folder.
    pub answer_folders: &'a Folders,
    /// What the runs' files hold, while a pass goes through many of them.
    pub known_files: &'a KnownFiles,
    /// What was read of the API, while a pass plans one file after another.
    pub shared_reading: &'a SharedReading,
    /// Asked before each write: a process that lost the lock sends nothing more.
    pub lock: &'a HeldLock,
    /// Cancelled by a signal: sending stops at its next safe point.
    pub cancel: &'a CancellationToken,
}

impl Services<'_> {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The folder of the runs.
    pub(crate) fn runs(&self) -> &Path {
        &self.inbox.runs
    }
}
