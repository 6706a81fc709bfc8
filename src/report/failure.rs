//! The failure report: which job failed, since when, why, and what to do.

use std::io::ErrorKind;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::files::reserve;
use crate::report::notice::outage;
use crate::report::shared::{Footer, ReportContext, words};

/// A job that fails, and how soon it is tried again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailingJob<'a> {
    /// As people call it: `snapshot`.
    pub name: &'a str,
    /// When it first failed, with no success since.
    pub since: DateTime<Utc>,
    pub last_success: Option<DateTime<Utc>>,
    /// The daemon tries it again within this time.
    pub retried_within: TimeDelta,
}

/// A job that did not do its work.
#[derive(Clone, Debug)]
pub(crate) struct Failure<'a> {
    pub job: FailingJob<'a>,
    /// What is in the way, in a few words; empty where that is not known.
    pub in_short: &'static str,
    /// The error and the errors below it, outermost first.
    pub causes: Vec<String>,
    /// The fix, if the error has one of its own.
    pub advice: Option<String>,
}

/// What to do where the system lets no file become so large.
pub(crate) const LARGER_FILES: &str = "allow larger files: `ulimit -f`, or LimitFSIZE= under systemd";

/// What to do about an error of this machine. The API's and the configuration's errors say it themselves.
pub(crate) fn advice(error: &anyhow::Error) -> Option<&'static str> {
    if is_full_disk(error) {
        return Some("make room on the disk of data.dir: quotakeeper then retries what failed");
    }
    match io_kind(error)? {
        ErrorKind::PermissionDenied => Some("give the user that runs quotakeeper access to it"),
        ErrorKind::NotADirectory => Some("a part of this path is a file: correct the path"),
        ErrorKind::FileTooLarge => Some(LARGER_FILES),
        ErrorKind::ReadOnlyFilesystem => Some("mount it writable; under systemd, add it to ReadWritePaths="),
        _ => None,
    }
}

/// Whether something could not be written for want of room.
pub(crate) fn is_full_disk(error: &anyhow::Error) -> bool {
    io_kind(error).is_some_and(reserve::is_full)
}

fn io_kind(error: &anyhow::Error) -> Option<ErrorKind> {
    error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind)
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailureReport {
    pub subject: String,
    pub headline: String,
    pub job: String,
    pub since: String,
    pub last_success: String,
    pub causes: Vec<String>,
    pub todo: String,
    /// When it is tried again, and how often this mail comes.
    pub note: String,
    pub imprint: Footer,
    #[serde(skip)]
    pub identity: String,
    /// What the mails about one outage have in common.
    #[serde(skip)]
    pub thread: String,
}

pub(crate) fn failure_report(failure: &Failure<'_>, context: &ReportContext) -> FailureReport {
    let FailingJob { name, since, last_success, retried_within } = failure.job;
    let job = words::clean(name, 40);
    let headline = format!("The {job} job has been failing since {}", words::moment(since, context.zone));
    let last_success = last_success.map_or_else(
        || "never".to_owned(),
        |at| format!("{}, {} ago", words::moment(at, context.zone), words::age(context.now - at)),
    );
    FailureReport {
        subject: match failure.in_short {
            "" => headline.clone(),
            why => format!("{headline}: {why}"),
        },
        headline,
        since: words::moment(since, context.zone),
        note: format!(
            "`quotakeeper run` retries the job within {}, and `once` each time that it runs. \
             You get this mail once a day until the job works again, and then one more. Last success: {last_success}.",
            words::spelled_time(retried_within)
        ),
        last_success,
        causes: failure.causes.iter().map(|cause| words::clean(cause, 400)).collect(),
        todo: failure.advice.as_ref().map_or_else(
            || "run `quotakeeper check --online` where quotakeeper runs: it tries the token, its permissions and the \
                mail server, and says what to fix."
                .to_owned(),
            |advice| words::clean(advice, 400),
        ),
        imprint: context.into(),
        // One mail a day for one outage, however often the job is tried.
        identity: format!("{job} {} {}", since.timestamp(), (context.now - since).num_days()),
        thread: outage(&job, since),
        job,
    }
}

/// One of our own files that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileProblem {
    pub kind: ProblemKind,
    /// The file, or what is left of it.
    pub name: String,
    pub what: String,
    pub why: String,
    pub fix: String,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// It lies under another name, and the work goes on.
    SetAside,
    /// It is set aside when it is used next.
    Passing,
    /// Until a person does something about it.
    Stays,
}

pub(crate) fn file_report(problem: &FileProblem, context: &ReportContext) -> FailureReport {
    let since = words::moment(problem.since, context.zone);
    FailureReport {
        subject: words::clean(&problem.what, 200),
        headline: words::clean(&problem.what, 200),
        job: String::new(),
        since: since.clone(),
        last_success: String::new(),
        causes: vec![words::clean(&problem.why, 400)],
        todo: format!("{}.", words::clean(&problem.fix, 600)),
        note: format!(
            "Since {since}. This mail is sent once; `quotakeeper status` shows the problem while it lasts."
        ),
        imprint: context.into(),
        identity: format!("file {} {}", problem.name, problem.since.timestamp()),
        thread: String::new(),
    }
}

#[cfg(test)]
mod tests;
