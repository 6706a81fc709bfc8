//! `state.json`: when each job last succeeded, since when and why it fails, and what the API's last answers said.
//!
//! The schedules need the first; the rest is for `status`, which looks from another process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::files::durable;
use crate::files::format;
use crate::jobs::Job;
use crate::schedule::Missed;

/// What is remembered of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobState {
    pub last_success: DateTime<Utc>,
    pub took_ms: u64,
}

/// Why a job fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Why {
    /// The error and its causes, in one line.
    pub error: String,
    /// The mend, where the error does not say it itself.
    pub todo: Option<String>,
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
        self.clock_ahead.abs() >= 60
    }
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    jobs: BTreeMap<Job, JobState>,
    /// Since when a job has been failing, with no success since.
    #[serde(default)]
    failing: BTreeMap<Job, DateTime<Utc>>,
    /// The slots that each job missed last.
    #[serde(default)]
    missed: BTreeMap<Job, Missed>,
    /// How often a job has panicked so far.
    #[serde(default)]
    pub panics: u64,
    /// Why, as of its last failure.
    #[serde(default)]
    why: BTreeMap<Job, Why>,
    #[serde(default)]
    api: Option<ApiSeen>,
    #[serde(skip)]
    path: PathBuf,
}

const VERSION: u32 = 1;

impl State {
    /// Reads the state; a file that is not there is the beginning. A broken file is an error: guessing would send mails twice.
    pub(crate) fn load(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("state.json");
        let mut state = match fs_err::read(&path) {
            Ok(bytes) => {
                let mend = "remove it, and each job runs once at the next start";
                format::read_json::<Self>(&path, &bytes, VERSION, mend)?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self {
                version: VERSION,
                jobs: BTreeMap::new(),
                failing: BTreeMap::new(),
                missed: BTreeMap::new(),
                panics: 0,
                why: BTreeMap::new(),
                api: None,
                path: PathBuf::new(),
            },
            Err(error) => return Err(error.into()),
        };
        state.path = path;
        Ok(state)
    }

    pub(crate) fn job(&self, job: Job) -> Option<JobState> {
        self.jobs.get(&job).copied()
    }

    pub(crate) fn last_success(&self, job: Job) -> Option<DateTime<Utc>> {
        self.job(job).map(|state| state.last_success)
    }

    pub(crate) fn is_failing(&self, job: Job) -> bool {
        self.failing.contains_key(&job)
    }

    pub(crate) fn last_missed(&self, job: Job) -> Option<Missed> {
        self.missed.get(&job).copied()
    }

    /// Takes note of a gap. Written with the success that ended it.
    pub(crate) fn missed(&mut self, job: Job, missed: Missed) {
        self.missed.insert(job, missed);
    }

    /// Since when a job has been failing.
    pub(crate) fn failing(&self, job: Job) -> Option<DateTime<Utc>> {
        self.failing.get(&job).copied()
    }

    /// Why a job fails.
    pub(crate) fn why(&self, job: Job) -> Option<&Why> {
        self.why.get(&job)
    }

    pub(crate) fn api(&self) -> Option<ApiSeen> {
        self.api
    }

    /// Takes over what the API said; refusals of one day add up. Written with what comes next.
    pub(crate) fn saw(&mut self, seen: ApiSeen) {
        let before = self.api.filter(|before| before.day == seen.day).map_or(0, |before| before.refusals);
        self.api = Some(ApiSeen { refusals: before + seen.refusals, ..seen });
    }

    /// Records a success and writes the file.
    pub(crate) fn succeeded(&mut self, job: Job, at: DateTime<Utc>, took_ms: u64) -> anyhow::Result<()> {
        self.jobs.insert(job, JobState { last_success: at, took_ms });
        self.failing.remove(&job);
        self.why.remove(&job);
        self.save()
    }

    /// Records a failure and says since when the job has been failing.
    pub(crate) fn failed(&mut self, job: Job, at: DateTime<Utc>, why: Why) -> anyhow::Result<DateTime<Utc>> {
        let since = *self.failing.entry(job).or_insert(at);
        self.why.insert(job, why);
        self.save().map(|()| since)
    }

    fn save(&self) -> anyhow::Result<()> {
        Ok(durable::write(&self.path, &serde_json::to_vec_pretty(self)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_is_remembered_and_a_newer_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = "2026-11-22T08:00:00Z".parse().unwrap();
        State::load(folder.path()).unwrap().succeeded(Job::Snapshot, at, 12).unwrap();
        let state = State::load(folder.path()).unwrap();
        assert_eq!(state.last_success(Job::Snapshot), Some(at));
        assert_eq!(state.last_success(Job::Prune), None);
        let newer = fs_err::read_to_string(folder.path().join("state.json")).unwrap().replace(": 1,", ": 2,");
        fs_err::write(folder.path().join("state.json"), newer).unwrap();
        assert!(State::load(folder.path()).unwrap_err().to_string().contains("newer"));
    }

    #[test]
    fn refusals_add_up_over_a_day_and_begin_anew_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let seen = |at: &str| ApiSeen {
            at: at.parse().unwrap(),
            limit: Some(240),
            remaining: Some(231),
            day: at[..10].parse().unwrap(),
            refusals: 2,
            clock_ahead: 0,
        };
        let times = ["2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z", "2026-11-23T08:00:00Z"];
        let counted = times.map(|at| {
            state.saw(seen(at));
            state.api().unwrap().refusals
        });
        assert_eq!(counted, [2, 4, 2]);
    }

    #[test]
    fn a_job_fails_since_its_first_failure_until_it_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let at = |hour| format!("2026-11-22T{hour:02}:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let why = |hour: u32| Why { error: format!("at {hour}"), todo: None };
        let failed =
            |hour| State::load(folder.path()).unwrap().failed(Job::Snapshot, at(hour), why(hour)).unwrap();
        assert_eq!([failed(8), failed(9)], [at(8), at(8)]);
        let state = State::load(folder.path()).unwrap();
        assert_eq!((state.failing(Job::Snapshot), state.why(Job::Snapshot)), (Some(at(8)), Some(&why(9))));
        State::load(folder.path()).unwrap().succeeded(Job::Snapshot, at(10), 12).unwrap();
        assert_eq!(State::load(folder.path()).unwrap().failing(Job::Snapshot), None);
        assert_eq!(failed(11), at(11));
    }

    #[test]
    fn a_broken_file_is_an_error_that_says_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("state.json"), "{").unwrap();
        assert!(State::load(folder.path()).unwrap_err().to_string().contains("remove it"));
    }
}
