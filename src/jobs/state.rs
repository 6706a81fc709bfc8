//! `state.json`: when each job last succeeded, since when and why it fails, and what the API's last answers said.
//!
//! The schedules need the first; the rest is for `status`, which looks from another process.

pub(super) mod api_word;
mod due;
pub(super) mod slots;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use tracing::warn;

use crate::config::Config;
use crate::files;
use crate::files::versioned_json::{self, Kind, Loaded, UnusableFile};
use crate::history::History;
use crate::jobs::job::Job;
use crate::schedule::Missed;
use crate::text::redact::redact;

/// What is remembered of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobState {
    pub last_success: DateTime<Utc>,
    pub took_ms: u64,
    /// How far this machine's clock was ahead of the API's then, in seconds; 0 where that is little, or not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_ahead: i64,
}

/// Why a job fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureReason {
    /// The error and its causes, in one line.
    pub error: String,
    /// What to do, where the error does not say it itself.
    #[serde(rename = "todo")]
    pub hint: Option<String>,
    /// The slot was served before: what failed is to report what it showed.
    #[serde(default)]
    pub after_serving: bool,
}

/// What the API's last answers said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiSeen {
    /// When the last answer came.
    pub at: DateTime<Utc>,
    /// Requests that the organization has in a minute, and how many of them were left.
    pub limit: Option<u32>,
    pub remaining: Option<u32>,
    /// A day in `schedule.timezone`, and how often a request was refused for its rate (429) on it.
    pub day: NaiveDate,
    pub refusals: u64,
    /// How far this machine's clock is ahead of the server's, in seconds.
    pub clock_ahead: i64,
}

impl ApiSeen {
    /// Farther off than the second that a `Date` counts in, and an answer's way.
    pub(crate) fn is_clock_wrong(&self) -> bool {
        self.clock_ahead.saturating_abs() >= 60
    }
}

/// What is kept in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    #[serde(deserialize_with = "of_known_jobs")]
    jobs: BTreeMap<Job, JobState>,
    /// Since when a job has been failing, with no success since.
    #[serde(default, deserialize_with = "of_known_jobs")]
    failing: BTreeMap<Job, DateTime<Utc>>,
    /// The slots that each job missed last.
    #[serde(default, deserialize_with = "of_known_jobs")]
    missed: BTreeMap<Job, Missed>,
    /// How often a job has panicked so far.
    #[serde(default)]
    panics: u64,
    /// Why, as of its last failure.
    #[serde(default, deserialize_with = "of_known_jobs")]
    why: BTreeMap<Job, FailureReason>,
    #[serde(default)]
    api: Option<ApiSeen>,
}

/// What the file should say and could not be written: the process that holds the lock goes by it, so that what was done
/// counts as done, until a later write takes it along.
#[derive(Debug, Default)]
pub(crate) struct UnwrittenState(Mutex<Option<Content>>);

impl UnwrittenState {
    fn get(&self) -> Option<Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, content: Option<Content>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = content;
    }
}

/// What is remembered of the jobs, as it counts at one moment.
#[derive(Clone, Debug)]
pub(crate) struct State {
    content: Content,
    data_dir: PathBuf,
    unwritten: Arc<UnwrittenState>,
    /// What lies after this never counts as done: a clock that was wrong wrote it.
    now: DateTime<Utc>,
    /// False where the file cannot be used, and so is not written either.
    is_usable: bool,
}

pub(crate) const FILE: Kind = Kind {
    name: "state.json",
    version: 1,
    without: "when each job last succeeded is taken from the newest snapshot",
    limit: files::RECORD,
};

/// Clocks differ by so much.
const TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// Where the file was lost, a slot so shortly before the newest snapshot may not have been served.
const MAY_BE_UNSERVED: TimeDelta = TimeDelta::minutes(10);

impl State {
    /// For those who look, beside the holder of the lock; a file that is not there is the beginning.
    pub(crate) fn read(data_dir: &Path, now: DateTime<Utc>) -> Result<Self, UnusableFile> {
        let content = versioned_json::read::<Content>(data_dir, &FILE)?.unwrap_or_default();
        Ok(Self::new(content, data_dir, Arc::default(), now))
    }

    fn new(content: Content, data_dir: &Path, unwritten: Arc<UnwrittenState>, now: DateTime<Utc>) -> Self {
        Self { content, data_dir: data_dir.to_owned(), unwritten, now, is_usable: true }
    }

    /// Remembers nothing, and writes nothing.
    pub(crate) fn unusable(data_dir: &Path, now: DateTime<Utc>) -> Self {
        Self { is_usable: false, ..Self::new(Content::default(), data_dir, Arc::default(), now) }
    }

    /// Whether it is known what was done. Where it is not, only what takes up whatever waits can be done.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// Jobs that succeeded in the future, as the file says.
    pub(crate) fn in_the_future(&self) -> Vec<(Job, DateTime<Utc>)> {
        let all = self.content.jobs.iter().map(|(job, state)| (*job, state.last_success));
        all.filter(|(_, at)| self.is_in_the_future(*at)).collect()
    }

    fn is_in_the_future(&self, at: DateTime<Utc>) -> bool {
        at > self.now + TOLERANCE
    }

    pub(crate) fn job(&self, job: Job) -> Option<JobState> {
        self.content.jobs.get(&job).copied().filter(|state| !self.is_in_the_future(state.last_success))
    }

    pub(crate) fn last_success(&self, job: Job) -> Option<DateTime<Utc>> {
        self.job(job).map(|state| state.last_success)
    }

    /// The same by the clock as it goes at a moment: where the API says that it was wrong then and is not now, or the other way
    /// round, nothing was missed in the time between. The API may be what is wrong: then the clock's own time is the later one.
    pub(crate) fn last_success_by_clock_of(&self, job: Job, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let JobState { last_success, clock_ahead, .. } = self.job(job)?;
        let moved = self.clock_ahead(at).saturating_sub(clock_ahead);
        let by_now = TimeDelta::try_seconds(moved).and_then(|moved| last_success.checked_add_signed(moved));
        let believable = [Some(last_success), by_now].into_iter().flatten().filter(|last| *last <= at);
        Some(believable.max().unwrap_or(last_success))
    }

    /// How far the clock that says this moment is ahead of the API's, as far as the API said so within a day.
    fn clock_ahead(&self, at: DateTime<Utc>) -> i64 {
        let is_of_then = |seen: &ApiSeen| (seen.at - at).abs() < TimeDelta::days(1);
        self.content
            .api
            .filter(|seen| seen.is_clock_wrong() && is_of_then(seen))
            .map_or(0, |seen| seen.clock_ahead)
    }

    pub(crate) fn is_failing(&self, job: Job) -> bool {
        self.content.failing.contains_key(&job)
    }

    pub(crate) fn last_missed(&self, job: Job) -> Option<Missed> {
        self.content.missed.get(&job).copied().filter(|missed| !self.is_in_the_future(missed.last))
    }

    /// Takes note of a gap. Written with the success that ended it.
    pub(crate) fn missed(&mut self, job: Job, missed: Missed) {
        self.content.missed.insert(job, missed);
    }

    /// Since when a job has been failing.
    pub(crate) fn failing(&self, job: Job) -> Option<DateTime<Utc>> {
        self.content.failing.get(&job).map(|since| (*since).min(self.now))
    }

    /// Why a job fails.
    pub(crate) fn why(&self, job: Job) -> Option<&FailureReason> {
        self.content.why.get(&job)
    }

    pub(crate) fn api(&self) -> Option<ApiSeen> {
        self.content.api.filter(|seen| !self.is_in_the_future(seen.at))
    }

    pub(crate) fn panics(&self) -> u64 {
        self.content.panics
    }

    /// Counts one. Written with the failure.
    pub(crate) fn panicked(&mut self) {
        self.content.panics = self.content.panics.saturating_add(1);
    }

    /// Takes over what the API said; refusals of one day add up. Written with what comes next.
    pub(crate) fn saw(&mut self, seen: ApiSeen) {
        let before = self.content.api.filter(|before| before.day == seen.day);
        let refusals = before.map_or(0, |before| before.refusals).saturating_add(seen.refusals);
        self.content.api = Some(ApiSeen { refusals, ..seen });
    }

    /// Records a success and writes the file.
    pub(crate) fn succeeded(&mut self, job: Job, at: DateTime<Utc>, took_ms: u64) -> anyhow::Result<()> {
        let clock_ahead = self.clock_ahead(at);
        self.content.jobs.insert(job, JobState { last_success: at, took_ms, clock_ahead });
        self.content.failing.remove(&job);
        self.content.why.remove(&job);
        self.save()
    }

    /// Records that a slot was served, while what follows may still fail: it says nothing of a failure before.
    pub(crate) fn served(&mut self, job: Job, at: DateTime<Utc>, took_ms: u64) -> anyhow::Result<()> {
        let clock_ahead = self.clock_ahead(at);
        self.content.jobs.insert(job, JobState { last_success: at, took_ms, clock_ahead });
        self.save()
    }

    /// Records that what failed after a slot was served is done now.
    pub(crate) fn recovered(&mut self, job: Job) -> anyhow::Result<()> {
        self.content.failing.remove(&job);
        self.content.why.remove(&job);
        self.save()
    }

    /// Records a failure and says since when the job has been failing; none where that cannot be remembered.
    pub(crate) fn failed(
        &mut self,
        job: Job,
        at: DateTime<Utc>,
        why: FailureReason,
    ) -> anyhow::Result<Option<DateTime<Utc>>> {
        let since = self.failing(job).map_or(at, |since| since.min(at));
        self.content.failing.insert(job, since);
        let error = redact(&why.error).into_owned();
        self.content.why.insert(job, FailureReason { error, ..why });
        self.save()?;
        Ok(self.is_usable.then_some(since))
    }

    /// What this process goes by until something can be written: of work that is done, not that it failed.
    pub(crate) fn stays_unwritten(self) {
        self.unwritten.set(Some(self.content));
    }

    fn save(&self) -> anyhow::Result<()> {
        if !self.is_usable {
            return Ok(());
        }
        let write = || versioned_json::save(&self.data_dir, &FILE, &self.content);
        // What was done must not look as if it had failed because of one bad moment: until its next slot nothing would correct it.
        let saved = write().or_else(|first| {
            let again = write();
            if again.is_ok() {
                warn!(error = format!("{first:#}"), "state.json was written on the second attempt");
            }
            again
        });
        self.unwritten.set(saved.is_err().then(|| self.content.clone()));
        saved
    }
}

/// The file for the holder of the lock, with what it is begun again from where it is lost.
#[derive(Clone, Copy)]
pub(crate) struct StateFile<'a> {
    pub config: &'a Config,
    pub history: &'a History,
    pub unwritten: &'a Arc<UnwrittenState>,
}

impl StateFile<'_> {
    /// What is remembered of the jobs. A damaged file is set aside, and begun again with what else is known. A file that
    /// cannot be used stays as it is.
    pub(crate) fn read_or_begin(&self, now: DateTime<Utc>) -> State {
        let data_dir = &self.config.data.dir;
        let of = |content| State::new(content, data_dir, Arc::clone(self.unwritten), now);
        if let Some(content) = self.unwritten.get() {
            return of(content);
        }
        match versioned_json::read_or_set_aside::<Content>(data_dir, &FILE, now) {
            Ok(Loaded::Known(content)) => of(self.with_unrecorded_snapshot(content, now)),
            Ok(Loaded::Missing) => of(self.with_unrecorded_snapshot(Content::default(), now)),
            Ok(Loaded::SetAside) => {
                let state = of(self.content_by_history(now));
                if let Err(error) = state.save() {
                    warn!(error = format!("{error:#}"), "state.json cannot be written");
                }
                state
            }
            Err(_) => State::unusable(data_dir, now), // `own_files` reports it
        }
    }

    /// A snapshot that was written after the file was is one whose success could not be written down.
    fn with_unrecorded_snapshot(&self, mut content: Content, now: DateTime<Utc>) -> Content {
        let written = |path: PathBuf| fs_err::symlink_metadata(path).ok()?.modified().ok();
        let newest = self.history.list().ok().and_then(|all| all.into_iter().rfind(|at| *at <= now));
        let Some(newest) = newest else { return content };
        let (snapshot, state) =
            (written(self.history.path(newest)), written(self.config.data.dir.join(FILE.name)));
        let known = content.jobs.get(&Job::Snapshot).map(|state| state.last_success);
        // One of the time that the file knows is the one that is just being written down.
        if snapshot > state && known.is_none_or(|known| known < newest) {
            content.jobs.insert(Job::Snapshot, JobState { last_success: newest, took_ms: 0, clock_ahead: 0 });
        }
        content
    }

    /// What was done until the newest snapshot was taken, as the schedules say it: so nothing is sent again, and what was not
    /// done yet is still due.
    fn content_by_history(&self, now: DateTime<Utc>) -> Content {
        let newest = self.history.until(now).ok().and_then(|all| all.last().copied());
        let Some(newest) = newest else { return Content::default() };
        let zone = self.config.schedule.timezone;
        let served = |job: Job| match job {
            Job::Snapshot => Some(newest),
            other => other.schedule(&self.config.schedule)?.previous(zone, newest - MAY_BE_UNSERVED),
        };
        let state =
            |job: &Job| Some((*job, JobState { last_success: served(*job)?, took_ms: 0, clock_ahead: 0 }));
        Content { jobs: Job::ALL.iter().filter_map(state).collect(), ..Content::default() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks it")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What a program with more jobs wrote of them is passed over.
fn of_known_jobs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Job, T>, D::Error> {
    let all = BTreeMap::<String, T>::deserialize(deserializer)?;
    let known = |name: &str| {
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Job::deserialize(name).ok()
    };
    Ok(all.into_iter().filter_map(|(name, value)| Some((known(&name)?, value))).collect())
}

#[cfg(test)]
mod tests;
