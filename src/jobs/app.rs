//! The composition root: a configuration becomes the client, the folders and the mailer that the jobs work with.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::change::inbox::{self, Inbox};
use crate::change::{AnswerFolders, KnownFiles, Services, SharedReading};
use crate::clock::Clock;
use crate::config::{Api, Config};
use crate::files::lock::{HeldLock, hostname};
use crate::history::History;
use crate::jobs::activity::Activity;
use crate::jobs::records::{Reporting, own_api};
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::state::{State, StateFile, UnwrittenState};
use crate::mail::{Mailer, installation};
use crate::thousandeyes::{LONGEST_REQUEST, LazyClient, Settings};

/// What every job needs; made once for a process.
pub(crate) struct App {
    pub config: Config,
    pub history: History,
    pub mailer: Mailer,
    /// The name of this machine, as mails say it.
    pub instance: String,
    /// Cancelled by SIGTERM and SIGINT: long work stops at its next safe point.
    pub cancel: CancellationToken,
    /// What this process remembers of its own work.
    pub activity: Arc<Activity>,
    /// The lock, where this process holds it.
    pub lock: Arc<HeldLock>,
    /// What the runs' files hold, while an inbox pass goes through many of them.
    pub known_files: KnownFiles,
    /// What was read of the API, for the next files of such a pass.
    pub shared_reading: SharedReading,
    /// Set once this process has logged which of its files cannot be used.
    pub logged_own_files: OnceLock<()>,
    /// Which run's answers lie in which folder.
    pub answer_folders: AnswerFolders,
    /// What it remembers of the inbox.
    pub inbox_memory: Arc<inbox::Memory>,
    /// What `state.json` should say and does not.
    pub unwritten: Arc<UnwrittenState>,
    /// The API.
    pub api: Arc<LazyClient>,
    /// The app that a reload put in the place of this one.
    current: Arc<RwLock<Option<Arc<App>>>>,
}

impl App {
    pub(crate) fn new(config: Config) -> Self {
        Self::named(config, &hostname())
    }

    /// An app that mails call by this name.
    pub(crate) fn named(config: Config, instance: &str) -> Self {
        Self {
            history: History::new(&config.data.dir),
            mailer: Mailer::new(&config, instance),
            instance: instance.to_owned(),
            cancel: CancellationToken::new(),
            activity: Arc::new(Activity::new(longest_wait(&config))),
            lock: Arc::default(),
            known_files: KnownFiles::default(),
            shared_reading: SharedReading::default(),
            logged_own_files: OnceLock::new(),
            answer_folders: AnswerFolders::default(),
            inbox_memory: Arc::default(),
            unwritten: Arc::default(),
            api: Arc::new(
                own_api::mismatch(&config).map_or_else(|| api(&config.api), |why| LazyClient::new(Err(why))),
            ),
            current: Arc::default(),
            config,
        }
    }

    /// This app with another configuration: the same process, with its lock, its memory of its own work and, where nothing of
    /// `[api]` changed, its rate budget.
    pub(crate) fn reload_with(&self, config: Config) -> Arc<Self> {
        let is_same = config.api == self.config.api;
        let fresh = Self::named(config, &self.instance);
        let next = Arc::new(Self {
            cancel: self.cancel.clone(),
            activity: Arc::clone(&self.activity),
            lock: Arc::clone(&self.lock),
            inbox_memory: Arc::clone(&self.inbox_memory),
            unwritten: Arc::clone(&self.unwritten),
            current: Arc::clone(&self.current),
            api: if is_same { Arc::clone(&self.api) } else { Arc::clone(&fresh.api) },
            ..fresh
        });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&next));
        next
    }

    /// The app in use, for those who began with one that a reload has replaced since.
    pub(crate) fn current(self: &Arc<Self>) -> Arc<Self> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().unwrap_or_else(|| Arc::clone(self))
    }

    /// The folder of the runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.config.runs_dir()
    }

    pub(crate) fn inbox(&self) -> Inbox {
        let settings = &self.config.inbox;
        Inbox {
            folder: self.config.inbox_dir(),
            answers: self.config.answers_dir(),
            runs: self.runs(),
            data: self.config.data.dir.clone(),
            settle: settings.settle,
            max_bytes: settings.max_bytes,
            read_only: settings.read_only,
            instance: installation::read(&self.config.data.dir).ok().flatten().filter(|id| !id.is_empty()),
            memory: Arc::clone(&self.inbox_memory),
        }
    }

    /// Where the figures of reports come from.
    pub(crate) fn report_inputs(&self) -> ReportInputs<'_> {
        ReportInputs { config: &self.config, history: &self.history, instance: &self.instance }
    }

    /// What the jobs that report by mail work with.
    pub(in crate::jobs) fn reporting(&self) -> Reporting<'_> {
        Reporting { inputs: self.report_inputs(), mailer: &self.mailer, state: self.state_file() }
    }

    pub(crate) fn state_file(&self) -> StateFile<'_> {
        StateFile { config: &self.config, history: &self.history, unwritten: &self.unwritten }
    }

    /// What is remembered of the jobs, for the holder of the lock.
    pub(crate) fn state(&self, now: DateTime<Utc>) -> State {
        self.state_file().read_or_begin(now)
    }

    /// What work on changes needs, for a job of this time.
    pub(crate) fn change_services(&self, clock: &Clock) -> Services<'_> {
        Services {
            config: &self.config,
            clock: *clock,
            api: &self.api,
            history: &self.history,
            inbox: self.inbox(),
            answer_folders: &self.answer_folders,
            known_files: &self.known_files,
            shared_reading: &self.shared_reading,
            lock: &self.lock,
            cancel: &self.cancel,
        }
    }
}

/// The API as a configuration says how to reach it.
pub(crate) fn api(config: &Api) -> LazyClient {
    LazyClient::new(Ok(settings(config)))
}

/// Added to the longest time that a request may take, so that one that ends at its own limit is not taken for stuck.
const MARGIN: Duration = Duration::from_secs(60);

/// The longest that any job waits for one thing without being woken: a request that is refused for its rate for as long as
/// one may take in all, or the slowest answer that is allowed.
fn longest_wait(config: &Config) -> Duration {
    // A login by token that is refused once is two requests for a token and two deliveries.
    let deliveries = if config.smtp.oauth2.is_some() { 4 } else { 1 };
    LONGEST_REQUEST + MARGIN + config.api.timeout.max(config.smtp.timeout.saturating_mul(deliveries))
}

/// How to reach the API; none without a token.
fn settings(api: &Api) -> Option<Settings> {
    Some(Settings {
        aid: api.aid.clone(),
        timeout: api.timeout,
        requests_per_minute: api.requests_per_minute,
        reserve_percent: api.reserve_percent,
        ca_file: api.ca_file.clone(),
        proxy: api.proxy.clone(),
        ..Settings::new(api.base_url.clone(), api.token.clone()?)
    })
}
