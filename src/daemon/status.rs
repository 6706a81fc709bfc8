//! What is known of an installation without asking anybody: whether all is well, what is wrong where it is not, and what happens
//! next. `status` prints it, and the page shows it.
//!
//! It looks and writes nothing. What cannot be read is one of the things that are wrong, and keeps nothing else from being shown.

mod observed;
mod problems;
mod view;
mod words;

pub(crate) use self::observed::{Observed, ObservedJob, UntakenFile, WaitingRun};
pub(crate) use self::problems::Problem;
#[cfg(test)]
pub(crate) use self::view::late_since;
pub(crate) use self::view::{JobLine, View, view};
pub(crate) use self::words::{bytes, near_moment, zone_place};

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, Utc};

use self::observed::OwedAnswers;
use crate::change::RunState;
use crate::change::answers;
use crate::change::run::{Listing, Owed, Run, RunRecord};
use crate::change::stored::{check_input, stored_plan};
use crate::config::{Config, Schedule};
use crate::daemon::info::DaemonInfo;
use crate::files::read_only::is_read_only;
use crate::files::{lock, reserve};
use crate::history::{History, left_out};
use crate::jobs::Job;
use crate::jobs::records::own_files;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::state::State;
use crate::mail::{self, Mailer};

/// What there is to do about an error, where that is known.
type Advice = fn(&anyhow::Error) -> Option<&'static str>;

/// How the installation is now.
pub(crate) fn status(inputs: &ReportInputs<'_>, mailer: &Mailer, advice: Advice, now: DateTime<Utc>) -> View {
    view(observed(inputs, mailer, advice, now))
}

/// All that is known without asking anybody.
fn observed(inputs: &ReportInputs<'_>, mailer: &Mailer, advice: Advice, now: DateTime<Utc>) -> Observed {
    let ReportInputs { config, history, instance } = *inputs;
    let data = &config.data.dir;
    let mut unreadable = Unreadable { advice, problems: lock::obstacle(data).into_iter().collect() };
    let daemon = DaemonInfo::of_running(data);
    let is_daemon = daemon.is_some();
    let state = State::read(data, now).ok(); // why not is one of the problems with our files
    let files = unreadable.or_note(own_files::problems(data, now)).unwrap_or_default();
    let snapshots = unreadable.or_note(history.until(now)).unwrap_or_default();
    let all = unreadable.or_note(history.list()).unwrap_or_default();
    let Listing { runs, broken, .. } =
        unreadable.or_note(Run::list_unfinished(&config.runs_dir())).unwrap_or_default();
    unreadable.problems.extend(
        broken.into_iter().map(|broken| format!("run {} cannot be read: {}", broken.id, broken.problem)),
    );
    let mut newest_first = snapshots.iter().rev().map(|at| inputs.summary(*at, now));
    let newest = newest_first.next().and_then(|newest| unreadable.or_note(newest));
    let earlier = || newest_first.find_map(|earlier| earlier.map_err(|error| left_out(&error)).ok());
    let (summary, nearest) = newest.or_else(earlier).unwrap_or_default();
    let routes = mailer.routes().map(|(_, problems)| problems).unwrap_or_default();
    let unsent = unreadable.or_note(mailer.unsent()).unwrap_or_default();
    let snapshot_bytes = unreadable.or_note(history.bytes()).unwrap_or_default();
    let untaken = match untaken_files(config, now) {
        // The failing job says why.
        Err(_) if state.as_ref().is_some_and(|state| state.is_failing(Job::Inbox)) => Vec::new(),
        looked => unreadable.or_note(looked).unwrap_or_default(),
    };
    let mut wait = |state| -> Vec<WaitingRun> {
        let waiting = runs.iter().filter(|run| run.record.state == state);
        waiting.map(|run| waiting_run(run, &mut unreadable)).collect()
    };
    let mut owed: Vec<OwedAnswers> = runs.iter().filter_map(|run| owed_by(&run.record)).collect();
    owed.extend(answers::not_taken_files(&config.data.dir).into_iter().filter_map(|(file, not)| {
        let Owed { since, error } = not.owed?;
        Some(OwedAnswers { run: None, file, since, error })
    }));
    let (held, scheduled) = (wait(RunState::Held), wait(RunState::Scheduled));
    // The same reason keeps several things from being read: it is said once.
    let mut once = BTreeSet::new();
    unreadable.problems.retain(|problem| once.insert(problem.clone()));
    let jobs = JobObserver { schedule: &config.schedule, history, state: state.as_ref(), is_daemon, now };
    Observed {
        now,
        zone: config.schedule.timezone,
        instance: instance.to_owned(),
        api: config.api.base_url.host_str().unwrap_or_default().to_owned(),
        data_dir: data.clone(),
        running: lock::holder(data),
        unused_config: daemon.as_ref().and_then(|info| info.changed_file().map(Path::to_owned)),
        daemon,
        unreadable: unreadable.problems,
        files,
        has_token: config.api.token.is_some(),
        templates: config.mail.templates_dir.as_deref().map(mail::check_templates).unwrap_or_default(),
        routes,
        jobs: Job::ALL.iter().map(|job| jobs.observe(*job)).collect(),
        api_seen: state.as_ref().and_then(State::api),
        snapshots: snapshots.len(),
        snapshot_bytes,
        last_snapshot: snapshots.last().copied(),
        of_the_future: all.last().filter(|last| !snapshots.contains(last)).map(|last| history.path(*last)),
        successes_of_the_future: state.as_ref().map(State::in_the_future).unwrap_or_default(),
        organizations: summary.organizations,
        account_groups: summary.account_groups,
        without_usage: if config.snapshot.usage { summary.without_usage } else { 0 },
        held,
        scheduled,
        owed,
        answers_dir: config.answers_dir(),
        expire: config.guard.expire,
        unsent,
        untaken,
        free: free_bytes(data),
        is_read_only: is_read_only(data),
        is_over_quota: reserve::is_over_quota(data),
        nearest,
    }
}

/// Why something could not be read, a sentence each.
struct Unreadable {
    advice: Advice,
    problems: Vec<String>,
}

impl Unreadable {
    /// What could be read; else why not is noted.
    fn or_note<T>(&mut self, read: anyhow::Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.problems.push(match (self.advice)(&error) {
                    // What keeps from one keeps from all.
                    Some(advice) if self.problems.is_empty() => format!("{error:#}: {advice}"),
                    _ => format!("{error:#}"),
                });
                None
            }
        }
    }
}

/// What the jobs are observed by.
struct JobObserver<'a> {
    schedule: &'a Schedule,
    history: &'a History,
    state: Option<&'a State>,
    is_daemon: bool,
    now: DateTime<Utc>,
}

impl JobObserver<'_> {
    fn observe(&self, job: Job) -> ObservedJob {
        let Self { schedule, history, state, is_daemon, now } = *self;
        let slots = job.schedule(schedule);
        let last = state.and_then(|state| state.job(job));
        ObservedJob {
            job,
            last,
            failing: state.and_then(|state| Some((state.failing(job)?, state.why(job).cloned()))),
            next: slots.as_ref().and_then(|slots| slots.next(schedule.timezone, now)),
            missed: state.and_then(|state| state.last_missed(job)),
            due: state.is_some_and(|state| job.due(schedule, history, state, now).is_some()),
            late: slots.zip(last).and_then(|(slots, last)| {
                view::late_since(&slots, schedule.timezone, last.last_success, is_daemon, now)
            }),
        }
    }
}

fn owed_by(record: &RunRecord) -> Option<OwedAnswers> {
    let Owed { since, error } = record.answers.as_ref()?.owed.clone()?;
    Some(OwedAnswers { run: Some(record.id.clone()), file: record.file.clone(), since, error })
}

fn waiting_run(run: &Run, unreadable: &mut Unreadable) -> WaitingRun {
    unreadable.or_note(check_input(run));
    let plan = unreadable.or_note(stored_plan(run)).unwrap_or_default();
    let rows = plan.pending_rows().count();
    WaitingRun {
        run: run.record.id.clone(),
        file: run.record.file.clone(),
        rows,
        since: run.record.updated,
        due: run.record.due,
    }
}

/// What lies in the inbox and was not taken, with the reason where one is known.
fn untaken_files(config: &Config, now: DateTime<Utc>) -> anyhow::Result<Vec<UntakenFile>> {
    let entries = match fs_err::read_dir(config.inbox_dir()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let (answers, not_taken) = (config.answers_dir(), answers::not_taken_files(&config.data.dir));
    let mut found: Vec<UntakenFile> = entries
        .flatten()
        .filter(|entry| entry.path() != answers)
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
            let changed = DateTime::from_timestamp(fs_err::symlink_metadata(entry.path()).ok()?.ctime(), 0)?;
            let reason = not_taken.get(&file).map(|not| not.reason.clone());
            let is_change = Path::new(&file).extension().is_some_and(|kind| {
                ["csv", "tsv", "txt"].iter().any(|known| kind.eq_ignore_ascii_case(known))
            });
            let is_old = now - changed > chrono::TimeDelta::hours(1) && !config.inbox.read_only;
            (reason.is_some() || is_change && is_old).then_some(UntakenFile { file, since: changed, reason })
        })
        .collect();
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

/// Bytes that can still be written where the data lies; none where that is not known.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(if disk.f_files > 0 && disk.f_favail == 0 { 0 } else { disk.f_bavail * disk.f_frsize })
}
