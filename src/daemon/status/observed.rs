//! What `status` goes by, gathered and not judged yet.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::daemon::info::DaemonInfo;
use crate::files::lock::Holder;
use crate::jobs::Job;
use crate::jobs::state::{ApiSeen, FailureReason, JobState};
use crate::mail::UnsentMail;
use crate::report::{FileProblem, QuotaStatus};
use crate::schedule::Missed;

/// What is known of an installation.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    pub instance: String,
    /// The API's host.
    pub api: String,
    pub data_dir: PathBuf,
    pub running: Option<Holder>,
    /// What the running daemon says of itself.
    pub daemon: Option<DaemonInfo>,
    /// The configuration's file, where it is not what the daemon uses.
    pub unused_config: Option<PathBuf>,
    /// What could not be read, and the fix.
    pub unreadable: Vec<String>,
    /// Our own small files that cannot be used, or were set aside.
    pub files: Vec<FileProblem>,
    pub has_token: bool,
    /// What is wrong with the user's templates, and with the file of the owners.
    pub templates: Vec<String>,
    pub routes: Vec<String>,
    pub jobs: Vec<ObservedJob>,
    pub api_seen: Option<ApiSeen>,
    pub snapshots: usize,
    pub snapshot_bytes: u64,
    pub last_snapshot: Option<DateTime<Utc>>,
    /// The file of a snapshot that is dated after now.
    pub of_the_future: Option<PathBuf>,
    /// Jobs that succeeded after now, as `state.json` says.
    pub successes_of_the_future: Vec<(Job, DateTime<Utc>)>,
    pub organizations: usize,
    pub account_groups: usize,
    /// Organizations of which the latest snapshot knows no usage.
    pub without_usage: usize,
    pub held: Vec<WaitingRun>,
    pub scheduled: Vec<WaitingRun>,
    pub owed: Vec<OwedAnswers>,
    pub answers_dir: PathBuf,
    pub expire: Duration,
    pub unsent: UnsentMail,
    pub untaken: Vec<UntakenFile>,
    /// Bytes that can still be written.
    pub free: Option<u64>,
    /// Nothing can be written where the data lies, whoever tries.
    pub is_read_only: bool,
    /// Whoever looks cannot write there for want of a disk quota.
    pub is_over_quota: bool,
    pub nearest: Vec<QuotaStatus>,
}

/// What is known of one job.
#[derive(Clone, Debug)]
pub(crate) struct ObservedJob {
    pub job: Job,
    pub last: Option<JobState>,
    pub failing: Option<(DateTime<Utc>, Option<FailureReason>)>,
    pub next: Option<DateTime<Utc>>,
    pub due: bool,
    /// The first slot that nobody served, if that is too long ago.
    pub late: Option<DateTime<Utc>>,
    /// The slots that it missed last.
    pub missed: Option<Missed>,
}

/// A run that waits for a person or for its time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WaitingRun {
    pub run: String,
    /// The name under which it was dropped, for people.
    #[serde(skip)]
    pub file: String,
    pub rows: usize,
    pub since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime<Utc>>,
}

/// Answers that could not be put where the dropper looks.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OwedAnswers {
    /// None for a file that was not taken.
    pub run: Option<String>,
    pub file: String,
    pub since: DateTime<Utc>,
    pub error: String,
}

/// Something in the inbox that was not taken.
#[derive(Clone, Debug)]
pub(crate) struct UntakenFile {
    pub file: String,
    pub since: DateTime<Utc>,
    pub reason: Option<String>,
}
