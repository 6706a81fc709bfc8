//! The outbox: messages as files that outlive a crash, each until every recipient's server has taken or refused it.
//!
//! `new/STEM.json` (the envelope) is written first, then `new/STEM.eml`, whose appearance is the commit. Each outcome is
//! recorded in the `.json` before the next recipient is tried. A finished message moves to `sent/` or, with a
//! refused recipient, to `dead/`: the `.eml` first, then its `.json`. Whatever a crash leaves is one of these states:
//!
//! | in `new/` | elsewhere | what it is | what is done |
//! |---|---|---|---|
//! | `.json` | – | queueing was cut off | the `.json` goes; whoever queued it does it again |
//! | `.eml`, `.json` | – | waiting, or finished and not moved | delivered, or moved |
//! | `.json` | `.eml` | the move was cut off | the `.json` follows |
//!
//! Temporary files that a crash left go with those of all other folders, see `leftovers`.

mod round;
mod summary;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, NaiveDateTime, Utc};
use fs_err as fs;

pub(crate) use self::round::{Delivered, DeliveryScope};
pub(crate) use self::summary::{Problem, Summary, UnsentMail};
use super::compose::{Email, short_hash};
use super::record::{MailFolder, Record, State};
use crate::files;
use crate::files::durable;
use crate::files::folder::is_done;
use crate::files::format;
use crate::files::sha256;

/// How the names of messages begin: when they were queued.
const QUEUED: &str = "%Y%m%dT%H%M%SZ";
/// What a message is without its record.
const UNKNOWN: &str = "its recipients are unknown";

/// Whether a message is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// The path of its `.eml`.
    Now(PathBuf),
    /// The same `Message-ID` waits, was sent, or was refused before.
    AlreadyThere(PathBuf),
}

/// When each was queued, and its `Message-ID`.
type Messages = BTreeSet<(DateTime<Utc>, String)>;

/// What was read of the messages' records: those of each thread, by who has or will get them, with when they were queued.
#[derive(Default)]
pub(crate) struct Threads {
    stems: BTreeSet<String>,
    messages: HashMap<String, HashMap<String, Messages>>,
}

/// The folder `outbox/`. Only the holder of the data folder's lock writes to it.
pub(crate) struct Outbox {
    dir: PathBuf,
}

impl Outbox {
    /// Makes the folders where they are missing.
    pub(crate) fn open(dir: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let outbox = Self { dir: dir.into() };
        for folder in [MailFolder::New, MailFolder::Sent, MailFolder::Dead] {
            durable::create_folder(&outbox.folder(folder))?;
        }
        Ok(outbox)
    }

    /// Stores a message durably, unless its `Message-ID` was ever stored before.
    pub(crate) fn queue(&self, email: &Email, now: DateTime<Utc>) -> anyhow::Result<Queued> {
        let hash = short_hash(&email.message_id);
        if let Some(path) = self.find(&hash)? {
            return Ok(Queued::AlreadyThere(path));
        }
        let stem = format!("{}-{hash}", now.format(QUEUED));
        let folder = self.folder(MailFolder::New);
        let record = Record {
            sha256: Some(sha256(&email.bytes)),
            thread: email.thread.clone(),
            ..Record::new(&email.message_id, &email.from, &email.recipients, now)
        };
        write_record(&folder.join(format!("{stem}.json")), &record)?;
        let path = folder.join(format!("{stem}.eml"));
        durable::create(&path, &email.bytes)?;
        Ok(Queued::Now(path))
    }

    /// The `Message-ID`s of the messages of a thread that one of these addresses has or will get, in the order in which they
    /// were queued. A thread is named by a run, whose name begins with the day before which nothing was said of it. What was
    /// `read` before is not read again.
    pub(crate) fn thread(
        &self,
        thread: &str,
        addresses: &[String],
        read: &mut Threads,
    ) -> anyhow::Result<Vec<String>> {
        let day = |name: &str| name.get(..8).map(str::to_owned);
        for folder in [MailFolder::New, MailFolder::Sent, MailFolder::Dead] {
            for stem in self.stems(folder)?.into_iter().filter(|stem| day(stem) >= day(thread)) {
                if read.stems.contains(&stem) {
                    continue;
                }
                // A damaged one is reported where it is to be sent; a mail that stands alone is no mail lost.
                let Ok(record) = self.record(folder, &stem) else { continue };
                if let Record { thread: Some(thread), message_id, queued_at, recipients, .. } = record {
                    let of_thread = read.messages.entry(thread).or_default();
                    for one in recipients.into_iter().filter(|one| one.state != State::Refused) {
                        let reached = of_thread.entry(one.address).or_default();
                        reached.insert((queued_at, message_id.clone()));
                    }
                }
                read.stems.insert(stem);
            }
        }
        let of_thread = read.messages.get(thread);
        let theirs = addresses.iter().filter_map(|address| of_thread?.get(address)).flatten();
        let found: BTreeSet<_> = theirs.cloned().collect();
        Ok(found.into_iter().map(|(_, message_id)| message_id).collect())
    }

    /// Removes messages that came to their end and were queued before `before`, and says how many. By those that are left it
    /// is known what was sent.
    pub(crate) fn prune(&self, before: DateTime<Utc>) -> anyhow::Result<usize> {
        let mut removed = 0;
        for folder in [MailFolder::Sent, MailFolder::Dead] {
            let path = self.folder(folder);
            for stem in
                self.stems(folder)?.into_iter().filter(|stem| queued_at(stem).is_some_and(|at| at < before))
            {
                // The message last: while it is there it is known.
                for extension in ["json", "eml"] {
                    durable::remove(&path.join(format!("{stem}.{extension}")))?;
                }
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// How many messages wait and are dead, and why. Makes and changes nothing.
    pub(crate) fn unsent(dir: impl Into<PathBuf>) -> anyhow::Result<UnsentMail> {
        let outbox = Self { dir: dir.into() };
        if !fs::exists(outbox.folder(MailFolder::Dead))? {
            return Ok(UnsentMail::default());
        }
        let (waiting, dead) = (outbox.stems(MailFolder::New)?, outbox.stems(MailFolder::Dead)?);
        let mut unsent = UnsentMail { waiting: waiting.len(), dead: dead.len(), ..UnsentMail::default() };
        for stem in &waiting {
            match outbox.record(MailFolder::New, stem) {
                Ok(record) => {
                    if let Err(error) = outbox.message(stem, &record) {
                        unsent.unreadable.push(format!("{stem}.eml is not sent: {error:#}"));
                    } else if let Some(error) = record.last_error
                        && unsent.since.is_none_or(|since| record.queued_at < since)
                    {
                        unsent.since = Some(record.queued_at);
                        unsent.error = Some(error);
                    }
                }
                Err(error) => unsent.unreadable.push(format!("{stem}.eml: {UNKNOWN}: {error:#}")),
            }
        }
        for stem in dead.iter().rev() {
            match outbox.record(MailFolder::Dead, stem) {
                Ok(record) => {
                    unsent.refusal = Some(record.refusals());
                    break;
                }
                Err(error) => {
                    unsent
                        .unreadable
                        .push(format!("{stem}.eml: the reason why it was refused is unknown: {error:#}"));
                }
            }
        }
        Ok(unsent)
    }

    /// When the oldest message was queued that still waits.
    pub(crate) fn oldest_waiting(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        Ok(self.stems(MailFolder::New)?.iter().find_map(|stem| queued_at(stem)))
    }

    /// Moves a finished message; a crash in between is fixed by `recover`.
    fn finish(&self, stem: &str, folder: MailFolder) -> anyhow::Result<()> {
        let names = ["eml", "json"].map(|extension| format!("{stem}.{extension}"));
        let names = names.each_ref().map(OsStr::new);
        match durable::move_all(&self.folder(MailFolder::New), &names, &self.folder(folder)) {
            // One whose move may not survive a power cut is moved again then: its record says how it ended.
            Err(error) if !is_done(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Brings what a crash left into one of the states that are meant to be; see the table above.
    /// What cannot be looked at stays as it is and is returned: without its record a message could never be sent.
    fn recover(&self) -> anyhow::Result<Vec<Problem>> {
        let mut problems = Vec::new();
        for name in names(&self.folder(MailFolder::New))? {
            let Some(stem) = name.strip_suffix(".json").filter(|stem| is_ours(stem)) else { continue };
            if let Err(error) = self.recover_record(stem, &name) {
                let error = format!("it cannot be read: {error:#}");
                problems.push(Problem { file: format!("{stem}.eml"), error, next_try: None });
            }
        }
        Ok(problems)
    }

    fn recover_record(&self, stem: &str, name: &str) -> anyhow::Result<()> {
        let message = format!("{stem}.eml");
        let is_in = |folder: MailFolder| fs::exists(self.folder(folder).join(&message));
        let record = self.folder(MailFolder::New).join(name);
        if is_in(MailFolder::New)? {
        } else if is_in(MailFolder::Sent)? {
            durable::rename(&record, &self.folder(MailFolder::Sent).join(name))?;
        } else if is_in(MailFolder::Dead)? {
            durable::rename(&record, &self.folder(MailFolder::Dead).join(name))?;
        } else {
            durable::remove(&record)?;
        }
        Ok(())
    }

    fn record(&self, folder: MailFolder, stem: &str) -> anyhow::Result<Record> {
        let path = self.folder(folder).join(format!("{stem}.json"));
        let text = files::read_text(&path, files::RECORD)?;
        format::check_first(&path, text.as_bytes())?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// A message that waits, as it was queued.
    fn message(&self, stem: &str, record: &Record) -> anyhow::Result<Vec<u8>> {
        let message = files::read(&self.folder(MailFolder::New).join(format!("{stem}.eml")), files::ROWS)?;
        let is_whole = record.sha256.as_ref().is_none_or(|queued| *queued == sha256(&message));
        anyhow::ensure!(
            is_whole,
            "it is not what quotakeeper queued (its SHA-256 differs). Put it back from a backup, or move it away"
        );
        Ok(message)
    }

    fn find(&self, hash: &str) -> anyhow::Result<Option<PathBuf>> {
        let end = format!("-{hash}");
        for folder in [MailFolder::New, MailFolder::Sent, MailFolder::Dead] {
            if let Some(stem) = self.stems(folder)?.into_iter().find(|stem| stem.ends_with(&end)) {
                return Ok(Some(self.folder(folder).join(format!("{stem}.eml"))));
            }
        }
        Ok(None)
    }

    /// The messages of a folder, oldest first.
    fn stems(&self, folder: MailFolder) -> anyhow::Result<Vec<String>> {
        let mut stems: Vec<String> = names(&self.folder(folder))?
            .iter()
            .filter_map(|name| Some(name.strip_suffix(".eml")?.to_owned()))
            .filter(|stem| is_ours(stem))
            .collect();
        stems.sort();
        Ok(stems)
    }

    fn folder(&self, folder: MailFolder) -> PathBuf {
        self.dir.join(match folder {
            MailFolder::New => "new",
            MailFolder::Sent => "sent",
            MailFolder::Dead => "dead",
        })
    }
}

/// The time that a message's name begins with.
fn queued_at(stem: &str) -> Option<DateTime<Utc>> {
    let (time, _) = stem.split_once('-')?;
    NaiveDateTime::parse_from_str(time, QUEUED).ok().map(|time| time.and_utc())
}

/// Whether `queue` gave this name. What else lies in these folders, such as a copy that a synchronization program made, is not
/// sent and not removed.
fn is_ours(stem: &str) -> bool {
    let hash = stem.split_once('-').map(|(_, hash)| hash);
    queued_at(stem).is_some()
        && hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

fn write_record(path: &Path, record: &Record) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(record)?;
    json.push(b'\n');
    Ok(durable::write(path, &json)?)
}

#[cfg(test)]
mod tests;
