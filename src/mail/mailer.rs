//! What the jobs ask of mail: a report becomes a message in the outbox, and the outbox is delivered.
//!
//! With `mail.transport = "off"`, or where nobody is named for a kind of mail, nothing is made.

mod owners;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::compose::{Attachment, Composer, envelope};
use super::installation;
use super::oauth2::Tokens;
use super::outbox::{Delivered, DeliveryScope, Outbox, Problem, Queued, Summary, Threads, UnsentMail};
use super::render::Templates;
use super::transport::Transport;
use crate::change::results::restore_csv;
use crate::config::{self, Config, Mail, Recipients, Smtp};
use crate::domain::diff::Diff;
use crate::domain::quota::{Snapshot, UsageRule};
use crate::files::data_folder::DataFolder;
use crate::report::{
    self, AlertInput, ChangesReport, ClosingReport, Extent, FailingJob, Failure, FailureReport,
    GatheredFiles, Rebalance, Report, ReportContext, RunNotice, UsageReport,
};
use crate::thousandeyes;

/// The mail of one installation.
pub(crate) struct Mailer {
    mail: Mail,
    smtp: Smtp,
    /// Kept from one delivery to the next.
    tokens: Option<Arc<Tokens>>,
    data_dir: PathBuf,
    folder: PathBuf,
    templates: Templates,
    rule: UsageRule,
    zone: Tz,
    instance: String,
    expire: Duration,
    /// The messages that cannot be worked on, and are in the log already.
    reported: Mutex<BTreeSet<Problem>>,
    /// What was read of messages' threads since the last delivery.
    threads: Mutex<Threads>,
    /// The last round stopped before its end, so that other work can be done.
    gave_way: AtomicBool,
}

impl Mailer {
    pub(crate) fn new(config: &Config, instance: &str) -> Self {
        Self {
            mail: config.mail.clone(),
            smtp: config.smtp.clone(),
            tokens: Tokens::new(config).map(Arc::new),
            data_dir: config.data.dir.clone(),
            folder: DataFolder::Outbox.below(&config.data.dir),
            templates: Templates::load(config.mail.templates_dir.as_deref())
                .answered_at(config.mail.reply_to.clone())
                .leading_to(config.server.public_url.clone().filter(|_| config.server.page)),
            rule: config.usage.rule(),
            zone: config.schedule.timezone,
            instance: instance.to_owned(),
            expire: config.guard.expire,
            reported: Mutex::default(),
            threads: Mutex::default(),
            gave_way: AtomicBool::default(),
        }
    }

    /// What became of a run, to administrators and to the owners of what it changes.
    pub(crate) fn send_run_notice(&self, notice: &RunNotice, now: DateTime<Utc>) -> anyhow::Result<()> {
        let report = notice.report(&self.context(now));
        let files = notice.files.iter().map(|(name, bytes)| Attachment::csv(name, bytes.clone()));
        let files: Vec<Attachment> = files.collect();
        self.queue(&Report::Changes(Box::new(report)), |to| &to.changes, files, now)?;
        self.runs_to_owners(1, |_| notice, now)
    }

    /// What became of several, in one mail to each. Each is looked at by itself, because there may be thousands.
    pub(crate) fn runs(
        &self,
        count: usize,
        notice: impl Fn(usize) -> RunNotice,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let context = self.context(now);
        let (mut gathered, mut files) = (GatheredFiles::default(), FilesOfRuns::default());
        for notice in (0..count).map(&notice) {
            gathered.add(notice.report(&context), notice.summary.shown_state());
            files.add(notice);
        }
        if let Some(report) = gathered.report(&context) {
            self.queue(&Report::Changes(Box::new(report)), |to| &to.changes, files.attachments, now)?;
        }
        self.runs_to_owners(count, notice, now)
    }

    /// What somebody changed outside quotakeeper.
    pub(crate) fn send_drift(
        &self,
        seen: &Diff,
        latest: &Snapshot,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        match report::drift_report(seen, latest, &self.rule, report::Unlisted::Count, &self.context(now)) {
            Some(report) => {
                let rows = report::outside(seen).take(RESTORED);
                let file = (report::outside(seen).next().is_some())
                    .then(|| Attachment::csv(report::RESTORE, restore_csv(rows)));
                self.queue(&Report::Changes(Box::new(report)), |to| &to.changes, Vec::from_iter(file), now)
            }
            None => Ok(()),
        }
    }

    /// What changed in a period.
    pub(crate) fn changes(&self, report: &ChangesReport, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.queue(&Report::Changes(Box::new(report.clone())), |to| &to.changes, Vec::new(), now)
    }

    pub(crate) fn usage(&self, mut report: UsageReport, now: DateTime<Utc>) -> anyhow::Result<()> {
        let table = Attachment::csv(&report.table, std::mem::take(&mut report.attached));
        let files: Vec<Attachment> =
            std::iter::once(table).chain(rebalance_file(&report.rebalance)).collect();
        self.queue(&Report::Usage(Box::new(report)), |to| &to.usage, files, now)
    }

    /// What crossed a limit, or is back to normal.
    pub(crate) fn alerts(&self, input: &AlertInput<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
        match report::alert_report(input, &self.context(now)) {
            Some(report) => {
                let file = rebalance_file(&report.rebalance);
                self.queue(&Report::Alerts(Box::new(report)), |to| &to.alerts, Vec::from_iter(file), now)
            }
            None => Ok(()),
        }
    }

    /// What was used in the billing cycles that closed.
    pub(crate) fn closing(&self, report: ClosingReport, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.send_closing(report, &self.mail.to.usage, now)
    }

    fn send_closing(
        &self,
        mut report: ClosingReport,
        to: &[String],
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let table = Attachment::csv(&report.table, std::mem::take(&mut report.attached));
        self.send(&Report::Closing(Box::new(report)), to, vec![table], now)
    }

    /// A job that fails, reported once however often it is tried.
    pub(crate) fn failure(
        &self,
        job: FailingJob<'_>,
        error: &anyhow::Error,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let causes = error.chain().map(ToString::to_string).collect();
        let of_api = error.chain().find_map(|cause| cause.downcast_ref::<thousandeyes::Error>());
        let advice = report::advice(error).map(str::to_owned).or_else(|| of_api?.to_do());
        let in_short = match of_api {
            Some(error) => error.in_short(),
            None if report::is_full_disk(error) => "the disk is full",
            None => "",
        };
        let advice = advice.map(|advice| format!("{advice}."));
        let failure = Failure { job, in_short, causes, advice };
        let report: FailureReport = report::failure_report(&failure, &self.context(now));
        self.queue(&Report::Failure(Box::new(report)), |to| &to.failures, Vec::new(), now)
    }

    /// One of our own files that cannot be used, reported once.
    pub(crate) fn file_problem(
        &self,
        problem: &report::FileProblem,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let report = report::file_report(problem, &self.context(now));
        self.queue(&Report::Failure(Box::new(report)), |to| &to.failures, Vec::new(), now)
    }

    /// A job that failed works again: whoever got the mail about its failure gets one about that too.
    pub(crate) fn works_again(
        &self,
        job: &str,
        since: DateTime<Utc>,
        error: Option<&str>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let to = &self.mail.to.failures;
        if self.mail.transport.is_off() || to.is_empty() {
            return Ok(());
        }
        let report = report::recovery_report(job, since, error, &self.context(now));
        let addresses = envelope(to, report.listed)?;
        if self.thread(&Outbox::open(&self.folder)?, &report.thread, &addresses)?.is_empty() {
            return Ok(());
        }
        self.queue(&Report::Notice(Box::new(report)), |to| &to.failures, Vec::new(), now)
    }

    /// What these addresses have or will get of a thread. A pass may ask for a thousand owners.
    fn thread(&self, outbox: &Outbox, thread: &str, addresses: &[String]) -> anyhow::Result<Vec<String>> {
        let mut read = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.thread(thread, addresses, &mut read)
    }

    fn queue(
        &self,
        report: &Report,
        to: impl FnOnce(&Recipients) -> &Vec<String>,
        attachments: Vec<Attachment>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        self.send(report, to(&self.mail.to), attachments, now)
    }

    fn send(
        &self,
        report: &Report,
        to: &[String],
        attachments: Vec<Attachment>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        if self.mail.transport.is_off() || to.is_empty() {
            return Ok(());
        }
        let outbox = Outbox::open(&self.folder)?;
        let earlier = match report.thread() {
            Some(thread) => self.thread(&outbox, thread, &envelope(to, report.recipients_key())?)?,
            None => Vec::new(),
        };
        let installation = installation::id(&self.data_dir, now);
        let composer = Composer { mail: &self.mail, templates: &self.templates, installation: &installation };
        let Some(email) = composer.compose(report, to, attachments, &earlier, now)? else {
            return Ok(());
        };
        match outbox.queue(&email, now)? {
            Queued::Now(path) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                info!(kind = report.kind(), file, "mail queued");
            }
            Queued::AlreadyThere(_) => info!(kind = report.kind(), "the same mail was queued before"),
        }
        Ok(())
    }

    /// Delivers what waits.
    pub(crate) async fn deliver(
        &self,
        now: DateTime<Utc>,
        scope: DeliveryScope,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Summary> {
        self.gave_way.store(false, Ordering::Relaxed);
        let Some(transport) = self.transport()? else { return Ok(Summary::default()) };
        let outbox = Outbox::open(&self.folder)?;
        // Who is refused is out of a thread.
        *self.threads.lock().unwrap_or_else(PoisonError::into_inner) = Threads::default();
        let Delivered { summary, gave_way } = outbox.deliver(&transport, now, scope, cancel).await;
        self.gave_way.store(gave_way, Ordering::Relaxed);
        let summary = summary?;
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let is_stuck = |problem: &&Problem| problem.next_try.is_none();
        let stuck: BTreeSet<Problem> = summary.problems.iter().filter(is_stuck).cloned().collect();
        let before = std::mem::replace(&mut *reported, stuck);
        // What is tried again is news each time; what stays as it is is said once.
        for problem in summary.problems.iter().filter(|problem| !before.contains(problem)) {
            let Problem { file, error, next_try } = problem;
            let next_try = next_try.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
            warn!(file, error, next_try, "a mail is not sent");
        }
        Ok(summary)
    }

    /// Whether the last round, also one that failed, stopped before its end: more is to be tried once other work had its turn.
    pub(crate) fn gave_way(&self) -> bool {
        self.gave_way.load(Ordering::Relaxed)
    }

    /// Removes messages that came to their end and were queued before `before`, and says how many.
    pub(crate) fn prune(&self, before: DateTime<Utc>) -> anyhow::Result<usize> {
        Outbox::open(&self.folder)?.prune(before)
    }

    /// How many messages wait and are dead, and why.
    pub(crate) fn unsent(&self) -> anyhow::Result<UnsentMail> {
        Outbox::unsent(&self.folder)
    }

    /// When the oldest message was queued that still waits.
    pub(crate) fn oldest_waiting(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        if fs_err::exists(&self.folder)? { Outbox::open(&self.folder)?.oldest_waiting() } else { Ok(None) }
    }

    /// Whether the mail server can be reached, and takes the login and the sender; nothing is sent.
    pub(crate) async fn greet(&self) -> anyhow::Result<()> {
        match self.transport()? {
            Some(transport) => {
                let from = self.mail.from.as_deref().context("mail.from is needed to send mail")?;
                transport.greet(super::compose::mailbox(from, "mail.from")?.email).await
            }
            None => Ok(()),
        }
    }

    /// Sends one short message now, past the outbox, to see whether the server takes it.
    pub(crate) async fn send_test(&self, address: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
        let transport = self.transport()?.context("mail is off: set mail.transport to send one")?;
        let report = Report::Notice(Box::new(report::test_report(&self.context(now))));
        let installation = installation::id(&self.data_dir, now);
        let composer = Composer { mail: &self.mail, templates: &self.templates, installation: &installation };
        config::mailbox(address).map_err(anyhow::Error::msg)?;
        let email = composer.compose(&report, &[address.to_owned()], Vec::new(), &[], now)?;
        let email = email.context("an address is needed")?;
        if self.mail.transport.keeps_files() {
            Outbox::open(&self.folder)?.queue(&email, now)?;
            return Ok(());
        }
        for recipient in &email.recipients {
            transport.send(&email.from, recipient, &email.bytes).await.into_result()?;
        }
        Ok(())
    }

    /// The server that gives access tokens for the mail server, where there is one, and whether it gives one.
    pub(crate) async fn token_server(&self) -> Option<(String, anyhow::Result<()>)> {
        let tokens = self.tokens.as_ref()?;
        let given = tokens.token().await.map(drop).map_err(anyhow::Error::msg);
        Some((tokens.server(), given))
    }

    fn transport(&self) -> anyhow::Result<Option<Transport>> {
        Transport::new(&self.mail, &self.smtp, self.tokens.as_ref())
    }

    fn context(&self, now: DateTime<Utc>) -> ReportContext {
        let id = (!self.mail.transport.is_off()).then(|| installation::id(&self.data_dir, now));
        let instance = id.map_or_else(|| self.instance.clone(), |id| format!("{id} on {}", self.instance));
        ReportContext { now, zone: self.zone, instance, expire: self.expire, extent: Extent::Mail }
    }
}

/// A change file that a mail brings sets no more quotas back.
const RESTORED: usize = 10_000;

/// What is attached to a mail about several runs: of the first ones, as much as a mail holds.
#[derive(Default)]
struct FilesOfRuns {
    attachments: Vec<Attachment>,
    bytes: usize,
}

impl FilesOfRuns {
    const MOST: usize = 20;
    const LARGEST: usize = 2 << 20;

    /// `error.csv` of `q4.csv` is `q4.error.csv`.
    fn add(&mut self, notice: RunNotice) {
        let stem =
            notice.summary.file.rsplit_once('.').map_or(notice.summary.file.as_str(), |(stem, _)| stem);
        for (name, bytes) in notice.files {
            if self.attachments.len() < Self::MOST && self.bytes + bytes.len() <= Self::LARGEST {
                self.bytes += bytes.len();
                self.attachments.push(Attachment::csv(&format!("{stem}.{name}"), bytes));
            }
        }
    }
}

/// The change file that a report proposes.
fn rebalance_file(proposed: &Rebalance) -> Option<Attachment> {
    proposed.file().map(|bytes| Attachment::csv(report::REBALANCE, bytes))
}
