//! The snapshot files below `history/`: written whole, never replaced, listed by time.

use std::fs::File;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use chrono::{DateTime, Duration, SubsecRound, Utc};
use tracing::warn;

use super::codec::{self, Block, Blocks};
use super::partitions::{STEM, moments, partition};
use super::read_progress::ReadProgress;
use crate::domain::quota::{OrgId, Organization, Snapshot};
use crate::files;
use crate::files::data_folder::DataFolder;
use crate::files::durable;
use crate::files::format;
use crate::parallel::Cores;
use crate::text::words::counted;

/// The format of the files. Columns are found by name, so that a new one alone makes no new version.
const VERSION: u32 = 1;

/// Says the format. Its name begins with `_`, because Spark and its like read any other file in the tree as data.
const VERSION_FILE: &str = "_VERSION";
/// Its name in earlier programs.
const EARLIER_VERSION_FILE: &str = "VERSION";

/// The folder of the snapshots.
#[derive(Clone, Debug)]
pub(crate) struct History {
    folder: PathBuf,
    /// That the format is one that this program knows: one look is enough for all who read here.
    is_known: Arc<OnceLock<()>>,
    pub(super) cores: Cores,
    reads: Arc<ReadProgress>,
}

impl History {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            folder: DataFolder::History.below(data_dir),
            is_known: Arc::default(),
            cores: Cores::One,
            reads: Arc::default(),
        }
    }

    /// Who reads waits for it.
    pub(crate) fn on_all_cores(self) -> Self {
        Self { cores: Cores::All, ..self }
    }

    /// How far those snapshots were read that are many.
    pub(crate) fn reads(&self) -> &Arc<ReadProgress> {
        &self.reads
    }

    /// The file of the snapshot that was taken at `at`.
    pub(crate) fn path(&self, at: DateTime<Utc>) -> PathBuf {
        partition(&self.folder, at)
    }

    /// Refuses a history that a newer program wrote. One that says no version, or nothing that is one, is of the first: its
    /// columns say the rest. Says whether the file of the version is as it should be.
    fn check_version(&self) -> anyhow::Result<bool> {
        let [said, earlier] = [VERSION_FILE, EARLIER_VERSION_FILE].map(|name| {
            let path = self.folder.join(name);
            let version = read_version(&path);
            version.map(|version| format::check(&path, version, VERSION)).transpose()
        });
        earlier?;
        Ok(said?.is_some())
    }

    /// The same for those who only read.
    fn is_known(&self) -> anyhow::Result<()> {
        if self.is_known.get().is_none() {
            self.check_version()?;
            let _ = self.is_known.set(());
        }
        Ok(())
    }

    /// Says the version under its present name where it is not `said` there, and removes the file that says it under the earlier
    /// one. No snapshot is lost because this cannot be written, and what a power cut takes of it is written by the next one.
    fn say_version(&self, said: bool) {
        let path = self.folder.join(VERSION_FILE);
        let said = if said { Ok(()) } else { durable::stage(&path, format!("{VERSION}\n").as_bytes()) };
        if let Err(error) = said.and_then(|()| durable::remove(&self.folder.join(EARLIER_VERSION_FILE))) {
            warn!(%error, "the format of the history cannot be written beside it");
        }
    }

    /// Writes a snapshot, and says under which time, and how many rows it has. The time is cut to the second; where that second
    /// has a file, the next free one is taken.
    pub(crate) fn write(&self, snapshot: &Snapshot) -> anyhow::Result<(DateTime<Utc>, usize)> {
        // Looked at again: what a newer program began since must not be mixed.
        let said = self.check_version()?;
        self.say_version(said);
        let mut at = snapshot.taken_at.trunc_subsecs(0);
        let mut count = 0;
        loop {
            let fill = |file: &mut File| {
                count = codec::encode(file, at, snapshot.organizations())?;
                Ok(())
            };
            if durable::create_with(&self.path(at), fill)? {
                return Ok((at, count));
            }
            at += Duration::seconds(1);
        }
    }

    /// The moments of all snapshots, earliest first.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<DateTime<Utc>>> {
        self.is_known()?;
        moments(&self.folder)
    }

    /// Those until now. One of the future was taken by a clock that was wrong: it must not pass for the latest.
    pub(crate) fn until(&self, now: DateTime<Utc>) -> anyhow::Result<Vec<DateTime<Utc>>> {
        Ok(self.list()?.into_iter().filter(|at| *at <= with_clock_skew(now)).collect())
    }

    pub(crate) fn read(&self, at: DateTime<Utc>) -> anyhow::Result<Snapshot> {
        if self.cores_for(&[at]) == Cores::All
            && let Ok(organizations) =
                self.each(at, Block::organization, |organizations| organizations.collect())
        {
            return Ok(Snapshot::of_organizations(at, organizations));
        }
        // Also what somebody's editor has put into another order. What is damaged is named here.
        codec::decode(at, self.open(at)?).with_context(|| Unreadable::damaged(self.path(at)))
    }

    /// The organizations of a snapshot, one after the other in the order of their ids, for those who need not hold all of it.
    pub(crate) fn organizations(
        &self,
        at: DateTime<Utc>,
    ) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Organization>>> {
        let path = self.path(at);
        let damaged = move || Unreadable::damaged(path.clone());
        let read = codec::Organizations::new(self.open(at)?).with_context(&damaged)?;
        Ok(read.map(move |organization| organization.with_context(&damaged)))
    }

    /// The organizations of a snapshot, as far as they are only compared.
    pub(crate) fn blocks(
        &self,
        at: DateTime<Utc>,
    ) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Block>> + use<>> {
        let path = self.path(at);
        let damaged = move || Unreadable::damaged(path.clone());
        let read = Blocks::new(self.open(at)?).with_context(&damaged)?;
        Ok(read.map(move |block| block.with_context(&damaged)))
    }

    /// What such a block says.
    pub(crate) fn organization(&self, at: DateTime<Utc>, block: Block) -> anyhow::Result<Organization> {
        block.organization().with_context(|| Unreadable::damaged(self.path(at)))
    }

    fn open(&self, at: DateTime<Utc>) -> anyhow::Result<fs_err::File> {
        let path = self.path(at);
        fs_err::File::open(&path).with_context(|| Unreadable { path, what: "cannot be opened" })
    }

    /// The newest of all; for the demo, whose clock is its own.
    pub(crate) fn latest(&self) -> anyhow::Result<Option<Snapshot>> {
        self.list()?.last().map(|at| self.read(*at)).transpose()
    }

    /// The last snapshot at or before a moment.
    pub(crate) fn find(&self, wanted: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
        let all = self.list()?;
        let earlier = all.iter().rev().find(|at| **at <= wanted).copied();
        earlier.with_context(|| match all.as_slice() {
            [] => "the history is empty: `quotakeeper snapshot` takes the first snapshot".to_owned(),
            [only] => format!("no snapshot is that old: the only one is {}", only.format(STEM)),
            [first, .., last] => format!(
                "no snapshot is that old: the {} go from {} to {}, and `quotakeeper history list` lists them",
                counted(all.len(), "snapshot"),
                first.format(STEM),
                last.format(STEM)
            ),
        })
    }

    /// What the snapshots take on the disk.
    pub(crate) fn bytes(&self) -> anyhow::Result<u64> {
        Ok(self.list()?.iter().map(|at| self.size(*at)).sum())
    }

    /// That of one; 0 if it is unknown.
    pub(super) fn size(&self, at: DateTime<Utc>) -> u64 {
        fs_err::metadata(self.path(at)).map_or(0, |file| file.len())
    }

    pub(crate) fn remove(&self, at: DateTime<Utc>) -> anyhow::Result<()> {
        Ok(durable::remove(&self.path(at))?)
    }
}

/// That a snapshot of the history cannot be read: whoever looks for the last one goes on to the one before.
#[derive(Debug, thiserror::Error)]
#[error("{} {what}", path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    what: &'static str,
}

impl Unreadable {
    pub(super) fn damaged(path: PathBuf) -> Self {
        Self { path, what: "is damaged" }
    }

    /// Whether it is the file of this path that cannot be read.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        self.path == path
    }
}

/// A snapshot that is read as far as it is asked for, in the order of the organizations' ids.
pub(crate) struct Cursor<I: Iterator<Item = anyhow::Result<Organization>>>(Peekable<I>);

impl<I: Iterator<Item = anyhow::Result<Organization>>> Cursor<I> {
    pub(crate) fn new(organizations: I) -> Self {
        Self(organizations.peekable())
    }

    /// What the snapshot shows of an organization. Each must be asked for after those that come before it.
    pub(crate) fn seek(&mut self, org_id: &OrgId) -> anyhow::Result<Option<Organization>> {
        while let Some(next) = self.0.next_if(|next| next.as_ref().map_or(true, |next| next.id <= *org_id)) {
            let next = next?;
            if next.id == *org_id {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

/// The last moment that counts as past: a second that was taken moves a snapshot on, and clocks differ.
pub(crate) fn with_clock_skew(now: DateTime<Utc>) -> DateTime<Utc> {
    now + Duration::minutes(1)
}

/// What a version file says; none where there is none, or where it says nothing that is a version.
fn read_version(path: &Path) -> Option<u64> {
    files::read_text(path, files::TEXT).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
