//! The snapshot files below `history/`: written whole, never replaced, listed by time.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Duration, NaiveDateTime, SubsecRound, Utc};

use tracing::warn;

use super::codec;
use crate::files::durable;
use crate::files::format;
use crate::quota::Snapshot;

/// How a moment becomes a file name: RFC 3339 with `-` for `:`, which no file system minds.
pub(crate) const STEM: &str = "%Y-%m-%dT%H-%M-%SZ";

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
}

impl History {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("history") }
    }

    /// The file of the snapshot that was taken at `at`.
    pub(crate) fn path(&self, at: DateTime<Utc>) -> PathBuf {
        partition(&self.folder, at)
    }

    /// Refuses a history that a newer program wrote. One that says no version, or nothing that is one, is of the first: its
    /// columns say the rest.
    fn check_version(&self) -> anyhow::Result<()> {
        for name in [VERSION_FILE, EARLIER_VERSION_FILE] {
            let path = self.folder.join(name);
            if let Some(version) = read_version(&path) {
                format::check(&path, version, VERSION)?;
            }
        }
        Ok(())
    }

    /// Says the version under its present name, and removes the file that says it under the earlier one. No snapshot is lost
    /// because this cannot be written.
    fn say_version(&self) {
        let path = self.folder.join(VERSION_FILE);
        let said = match read_version(&path) {
            Some(_) => Ok(()),
            None => durable::write(&path, format!("{VERSION}\n").as_bytes()),
        };
        if let Err(error) = said.and_then(|()| durable::remove(&self.folder.join(EARLIER_VERSION_FILE))) {
            warn!(%error, "the format of the history cannot be written beside it");
        }
    }

    /// Writes a snapshot. Its time is cut to the second; where that second has a file, the next free one is taken.
    pub(crate) fn write(&self, mut snapshot: Snapshot) -> anyhow::Result<Snapshot> {
        self.check_version()?;
        self.say_version();
        snapshot.taken_at = snapshot.taken_at.trunc_subsecs(0);
        loop {
            let bytes = codec::encode(&snapshot)?;
            if durable::create(&self.path(snapshot.taken_at), &bytes)? {
                return Ok(snapshot);
            }
            snapshot.taken_at += Duration::seconds(1);
        }
    }

    /// The moments of all snapshots, earliest first.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<DateTime<Utc>>> {
        self.check_version()?;
        moments(&self.folder)
    }

    /// Those until now. One of the future was taken by a clock that was wrong: it must not pass for the latest.
    pub(crate) fn until(&self, now: DateTime<Utc>) -> anyhow::Result<Vec<DateTime<Utc>>> {
        Ok(self.list()?.into_iter().filter(|at| *at <= soon(now)).collect())
    }

    pub(crate) fn read(&self, at: DateTime<Utc>) -> anyhow::Result<Snapshot> {
        let path = self.path(at);
        codec::decode(at, &fs_err::read(&path)?).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The newest of all; for the demo, whose clock is its own.
    pub(crate) fn latest(&self) -> anyhow::Result<Option<Snapshot>> {
        self.list()?.last().map(|at| self.read(*at)).transpose()
    }

    /// The moment that a person's TIME means: RFC 3339, or the stem of a file's name; the last snapshot at or before it.
    pub(crate) fn find(&self, time: &str) -> anyhow::Result<DateTime<Utc>> {
        let stem = time.strip_suffix(".csv").unwrap_or(time);
        let wanted = parse_stem(stem).or_else(|| time.parse::<DateTime<Utc>>().ok()).with_context(|| {
            format!("`{time}` is not a time: write 2026-11-22T18:00:00Z, or the name of a snapshot's file")
        })?;
        let all = self.list()?;
        let earlier = all.iter().rev().find(|at| **at <= wanted).copied();
        earlier.with_context(|| match all.first() {
            Some(first) => format!("no snapshot is that old: the first one is {}", first.format(STEM)),
            None => "the history is empty: `quotakeeper snapshot` takes the first snapshot".to_owned(),
        })
    }

    /// What the snapshots take on the disk.
    pub(crate) fn bytes(&self) -> anyhow::Result<u64> {
        let size = |at: &DateTime<Utc>| fs_err::metadata(self.path(*at)).map_or(0, |file| file.len());
        Ok(self.list()?.iter().map(size).sum())
    }

    pub(crate) fn remove(&self, at: DateTime<Utc>) -> anyhow::Result<()> {
        Ok(durable::remove(&self.path(at))?)
    }
}

/// The last moment that counts as past: a second that was taken moves a snapshot on, and clocks differ.
pub(super) fn soon(now: DateTime<Utc>) -> DateTime<Utc> {
    now + Duration::minutes(1)
}

/// What a version file says; none where there is none, or where it says nothing that is a version.
fn read_version(path: &Path) -> Option<u64> {
    fs_err::read_to_string(path).ok()?.trim().parse().ok()
}

/// `FOLDER/year=2026/month=11/2026-11-22T18-00-00Z.csv`: the partitions that Hive readers know.
pub(super) fn partition(folder: &Path, at: DateTime<Utc>) -> PathBuf {
    folder.join(at.format("year=%Y/month=%m").to_string()).join(format!("{}.csv", at.format(STEM)))
}

/// The moments of all files in a partitioned folder, earliest first.
pub(super) fn moments(folder: &Path) -> anyhow::Result<Vec<DateTime<Utc>>> {
    let mut found = Vec::new();
    for year in folders(folder)? {
        for month in folders(&year)? {
            for entry in fs_err::read_dir(&month)? {
                let path = entry?.path();
                // A copy in another partition is none of ours.
                found.extend(moment(&path).filter(|at| partition(folder, *at) == path && path.is_file()));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn moment(path: &Path) -> Option<DateTime<Utc>> {
    (path.extension()? == "csv").then(|| parse_stem(path.file_stem()?.to_str()?))?
}

fn parse_stem(stem: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(stem, STEM).ok().map(|time| time.and_utc())
}

/// The partition folders in a folder; none where it does not exist.
fn folders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::{SnapshotRow, Target};

    fn snapshot(time: &str) -> Snapshot {
        Snapshot::new(time.parse().unwrap(), vec![SnapshotRow::new(Target::organization("1"))])
    }

    fn history() -> (tempfile::TempDir, History) {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        (folder, history)
    }

    #[test]
    fn a_snapshot_lies_under_its_year_and_month() {
        let (folder, history) = history();
        history.write(snapshot("2026-11-22T18:00:00.7Z")).unwrap();
        assert!(folder.path().join("history/year=2026/month=11/2026-11-22T18-00-00Z.csv").is_file());
    }

    #[test]
    fn the_same_second_again_takes_the_next_one_and_says_so_in_its_rows() {
        let (_folder, history) = history();
        let first = history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
        let second = history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
        assert_eq!(second.taken_at - first.taken_at, Duration::seconds(1));
        assert_eq!(history.list().unwrap(), [first.taken_at, second.taken_at]);
        let text = fs_err::read_to_string(history.path(second.taken_at)).unwrap();
        assert!(text.contains("2026-11-22T18:00:01Z,organization"));
    }

    #[test]
    fn a_time_finds_the_last_snapshot_before_it() {
        let (_folder, history) = history();
        let early = history.write(snapshot("2026-10-31T23:00:00Z")).unwrap().taken_at;
        let late = history.write(snapshot("2026-11-22T18:00:00Z")).unwrap().taken_at;
        assert_eq!(history.find("2026-11-22T18-00-00Z").unwrap(), late);
        assert_eq!(history.find("2026-11-22T19:00:00+02:00").unwrap(), early);
        assert!(
            history
                .find("2020-01-01T00:00:00Z")
                .unwrap_err()
                .to_string()
                .contains("the first one is 2026-10-31")
        );
        assert!(history.find("yesterday").unwrap_err().to_string().contains("is not a time"));
    }

    #[test]
    fn the_format_is_said_in_a_file_that_readers_of_the_tree_pass_over_whatever_was_there() {
        let (folder, history) = history();
        let path = |name: &str| folder.path().join("history").join(name);
        fs_err::create_dir_all(path("")).unwrap();
        fs_err::write(path("VERSION"), "1\n").unwrap();
        history.list().unwrap();
        history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
        assert!(!path("VERSION").exists());
        for damage in ["", "\0\0\0", "one"] {
            fs_err::write(path("_VERSION"), damage).unwrap();
            assert_eq!(history.list().unwrap().len(), 1, "{damage:?}");
            history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
            assert_eq!(fs_err::read_to_string(path("_VERSION")).unwrap(), "1\n");
            fs_err::remove_dir_all(path("year=2026")).unwrap();
            history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
        }
        for name in ["_VERSION", "VERSION"] {
            fs_err::write(path(name), "2\n").unwrap();
            assert!(history.list().unwrap_err().to_string().contains("newer"), "{name}");
            fs_err::remove_file(path(name)).unwrap();
        }
        fs_err::create_dir(path("_VERSION")).unwrap();
        history.write(snapshot("2026-11-22T19:00:00Z")).unwrap();
    }

    #[test]
    fn files_of_others_in_the_tree_are_passed_over() {
        let (folder, history) = history();
        history.write(snapshot("2026-11-22T18:00:00Z")).unwrap();
        fs_err::write(folder.path().join("history/_SIMULATED"), "").unwrap();
        fs_err::write(folder.path().join("history/year=2026/month=11/notes.csv"), "").unwrap();
        assert_eq!(history.list().unwrap().len(), 1);
    }
}
