//! What is wrong, the worst first, each with the fix: one sentence says what, another what to do. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::observed::{Observed, ObservedJob, OwedAnswers};
use super::words::bytes;
use crate::jobs::state::{ApiSeen, FailureReason};
use crate::mail;
use crate::report::FileProblem;
use crate::report::words::{age, clean, counted, listed, moment_in, number, spelled_time};

/// A held run is mailed at once; after this it is worth a look.
const UNDECIDED: TimeDelta = TimeDelta::hours(24);

/// One unit of work that takes longer is worth a look.
const AT_WORK: TimeDelta = TimeDelta::minutes(15);

/// A mail that was only just refused for now is no problem yet.
const UNSENT: TimeDelta = TimeDelta::hours(1);

/// Less than this is as good as nothing for the smallest of our writes.
const LEAST_ROOM: u64 = 64 << 10;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub what: String,
    /// None where the first says it too. Scripts read it by its first name.
    #[serde(rename = "mend")]
    pub fix: Option<String>,
}

pub(crate) fn problems(observed: &Observed) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut add = |what: String, fix: String| {
        found.push(Problem { what, fix: Some(fix).filter(|fix| !fix.is_empty()) });
    };
    for problem in &observed.unreadable {
        add(problem.clone(), String::new());
    }
    for FileProblem { what, why, fix, .. } in &observed.files {
        add(format!("{what}: {}", why.trim_end_matches('.')), fix.clone());
    }
    // A daemon that runs has one, which others may not be able to read.
    if !observed.has_token && observed.daemon.is_none() {
        add(
            "there is no API token".to_owned(),
            "set TE_TOKEN or api.token_file, or put it into te_token beside the configuration".to_owned(),
        );
    }
    disk_problems(observed, &mut add);
    failing_jobs(observed, &mut add);
    late_jobs(observed, &mut add);
    daemon(observed, &mut add);
    clock(observed, &mut add);
    usage(observed, &mut add);
    mail_problems(observed, &mut add);
    runs(observed, &mut add);
    inbox_problems(observed, &mut add);
    answers(observed, &mut add);
    if let Some(first) = observed.routes.first() {
        add(
            format!("{} in mail.routes_file, the first: {first}", counted(observed.routes.len(), "mistake")),
            "`quotakeeper check` lists them all; fix them, or those owners get no mail".to_owned(),
        );
    }
    for problem in &observed.templates {
        add(
            format!("mail.templates_dir: {problem}"),
            "fix the template, then try it with `quotakeeper check`".to_owned(),
        );
    }
    found
}

fn disk_problems(observed: &Observed, add: &mut impl FnMut(String, String)) {
    if observed.is_read_only {
        return add(
            format!(
                "the file system that holds {} is read-only, as after a disk error: nothing can be recorded or sent",
                observed.data_dir.display()
            ),
            "see `dmesg`, repair the disk, and mount it writable; quotakeeper then retries what failed"
                .to_owned(),
        );
    }
    if observed.is_over_quota {
        return add(
            format!(
                "the disk quota that {} is under is used up: nothing can be recorded or sent",
                observed.data_dir.display()
            ),
            "raise it, make room, or lower data.keep and run `quotakeeper prune`; quotakeeper then retries what failed"
                .to_owned(),
        );
    }
    let snapshots = u64::try_from(observed.snapshots.max(1)).unwrap_or(1);
    let room = (2 * observed.snapshot_bytes / snapshots).max(LEAST_ROOM);
    if let Some(free) = observed.free.filter(|free| *free < room) {
        add(
            format!("the disk that holds {} has only {} left", observed.data_dir.display(), bytes(free)),
            "make room, or lower data.keep and run `quotakeeper prune`; quotakeeper then retries what failed"
                .to_owned(),
        );
    }
}

/// Jobs that fail for the same reason are one problem.
fn failing_jobs(observed: &Observed, add: &mut impl FnMut(String, String)) {
    let mut reasons: Vec<(Option<&FailureReason>, Vec<&ObservedJob>)> = Vec::new();
    for job in &observed.jobs {
        let Some((_, why)) = &job.failing else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why.as_ref()) {
            Some((_, jobs)) => jobs.push(job),
            None => reasons.push((why.as_ref(), vec![job])),
        }
    }
    for (why, jobs) in reasons {
        let since = jobs.iter().filter_map(|job| Some(job.failing.as_ref()?.0)).min().unwrap_or(observed.now);
        let (nouns, have) = if jobs.len() == 1 { ("job", "has") } else { ("jobs", "have") };
        let error = why.map_or("its error is in the log", |why| &why.error);
        let since = moment_in(since, observed.zone);
        add(
            format!("the {} {nouns} {have} been failing since {since}: {error}", names(&jobs)),
            why.and_then(|why| why.hint.clone()).unwrap_or_default(),
        );
    }
}

/// What the running daemon says of itself.
fn daemon(observed: &Observed, add: &mut impl FnMut(String, String)) {
    let Some(info) = &observed.daemon else { return };
    let reload =
        "`systemctl reload quotakeeper`, or SIGHUP, applies it; `quotakeeper check` validates it first";
    if let Some(problem) = info.problems.first() {
        let more = info.problems.len() - 1;
        let more =
            if more == 0 { String::new() } else { format!(" (and {})", counted(more, "other problem")) };
        add(
            format!("the configuration is invalid, and the previous one stays in use: {problem}{more}"),
            "correct it: `quotakeeper check` lists every problem; then reload the daemon".to_owned(),
        );
    } else if let Some(file) = &observed.unused_config {
        add(format!("{} changed and is not in use yet", file.display()), reload.to_owned());
    }
    if !info.needs_restart.is_empty() {
        add(
            format!("changes to {} take effect at the next start", info.needs_restart.join(", ")),
            "restart the daemon to apply them".to_owned(),
        );
    }
    if let Some(at_work) = info.at_work.filter(|at_work| observed.now - at_work.since > AT_WORK) {
        add(
            format!(
                "the {} job has been on the same step since {}: it hangs, or a step is very slow",
                at_work.job.name(),
                moment_in(at_work.since, observed.zone)
            ),
            "check the end of its log; if nothing is added, restart it: this loses nothing".to_owned(),
        );
    }
}

fn names(jobs: &[&ObservedJob]) -> String {
    let names: Vec<String> = jobs.iter().map(|job| job.job.name().to_owned()).collect();
    listed(&names, names.len())
}

/// Nothing fails, and nothing is done.
fn late_jobs(observed: &Observed, add: &mut impl FnMut(String, String)) {
    if observed.jobs.iter().all(|job| job.last.is_none() && job.failing.is_none())
        && observed.running.is_none()
        && observed.snapshots == 0
        && observed.unreadable.is_empty()
    {
        return add(
            "nothing has run here yet".to_owned(),
            "start `quotakeeper run` as a service, or `quotakeeper once` from a timer".to_owned(),
        );
    }
    let is_missed = |job: &&ObservedJob| job.failing.is_none() && job.late.is_some();
    let missed: Vec<&ObservedJob> = observed.jobs.iter().filter(is_missed).collect();
    let Some(since) = missed.iter().filter_map(|job| job.late).min() else { return };
    let (nouns, have) = if missed.len() == 1 { ("job", "has") } else { ("jobs", "have") };
    let since = moment_in(since, observed.zone);
    let what = format!("the {} {nouns} {have} waited since {since}", names(&missed));
    match &observed.running {
        Some(holder) => {
            let process = holder.process.map_or_else(String::new, |process| format!(" {process}"));
            add(
                format!(
                    "{what}, though process{process} on {} is running: it hangs, or a step is very slow",
                    holder.host
                ),
                "check the end of its log; if nothing is added, restart it: this loses nothing".to_owned(),
            );
        }
        None => add(
            format!("{what}: quotakeeper is not running"),
            "start the service, or find out why the timer or CronJob does not run `quotakeeper once`"
                .to_owned(),
        ),
    }
}

fn clock(observed: &Observed, add: &mut impl FnMut(String, String)) {
    if let Some(seen) = observed.api_seen.filter(ApiSeen::is_clock_wrong) {
        let off = age(TimeDelta::try_seconds(seen.clock_ahead.saturating_abs()).unwrap_or(TimeDelta::MAX));
        let side = if seen.clock_ahead > 0 { "ahead of" } else { "behind" };
        let fix = "set the clock (NTP); then remove the files with wrong dates from history/ and changes/";
        add(format!("this machine's clock is {off} {side} the API's"), fix.to_owned());
        return;
    }
    if let Some(file) = &observed.of_the_future {
        add(
            format!("{} is dated in the future: a clock was wrong. No report uses it", file.display()),
            "remove the file, and any other in history/ and changes/ that is dated in the future".to_owned(),
        );
    }
    if let Some((job, at)) = observed.successes_of_the_future.first() {
        let (job, at) = (job.name(), moment_in(*at, observed.zone));
        add(
            format!(
                "state.json says that the {job} job succeeded on {at}, which is in the future: a clock was wrong, and it \
                 does not count"
            ),
            "if this machine's clock is right now, do nothing: the next success of the job corrects it"
                .to_owned(),
        );
    }
}

fn usage(observed: &Observed, add: &mut impl FnMut(String, String)) {
    if observed.without_usage > 0 {
        add(
            format!(
                "the usage of {} of {} is unknown",
                number(observed.without_usage),
                counted(observed.organizations, "organization")
            ),
            "give the token's user the permission `View organization usage` (older: `View Billing`) there; if it has it, \
             `quotakeeper check --online` says what is wrong"
                .to_owned(),
        );
    }
}

fn mail_problems(observed: &Observed, add: &mut impl FnMut(String, String)) {
    let unsent = &observed.unsent;
    if let Some(first) = unsent.unreadable.first() {
        let (count, more) =
            (unsent.unreadable.len(), if unsent.unreadable.len() == 1 { "" } else { ", the first" });
        add(
            format!("the {} of {} cannot be read{more}: {first}", if count == 1 { "record" } else { "records" }, counted(count, "mail")),
            "make the .json beside the mail in outbox/ readable, or restore it; a mail that nobody needs can be removed with its \
             .json"
                .to_owned(),
        );
    }
    if let (Some(since), Some(error)) = (unsent.since, &unsent.error)
        && observed.now - since >= UNSENT
    {
        let verb = if unsent.waiting == 1 { "waits" } else { "wait" };
        add(
            format!(
                "{} {verb}, the oldest for {}: {error}",
                counted(unsent.waiting, "mail"),
                age(observed.now - since)
            ),
            format!(
                "fix it within {}, and all of them are sent; `quotakeeper check --online` tries the mail server",
                spelled_time(mail::GIVE_UP)
            ),
        );
    }
    if let Some(refusal) = &unsent.refusal {
        let were = if unsent.dead == 1 { "was" } else { "were" };
        add(
            format!(
                "{} {were} refused for good, the last one because {refusal}",
                counted(unsent.dead, "mail")
            ),
            "fix the address under [mail]; the refused mails are in outbox/dead; read or delete them there"
                .to_owned(),
        );
    }
}

fn runs(observed: &Observed, add: &mut impl FnMut(String, String)) {
    for held in observed.held.iter().filter(|held| observed.now - held.since >= UNDECIDED) {
        let until = TimeDelta::from_std(observed.expire).ok().map(|expire| held.since + expire);
        let until = until.map_or_else(String::new, |until| {
            format!(", and is rejected on {} if nobody decides", moment_in(until, observed.zone))
        });
        let run = &held.run;
        add(
            format!("run {run} has waited for approval for {}{until}", age(observed.now - held.since)),
            format!("`quotakeeper runs {run}` says what it would do: then `approve` or `reject` it"),
        );
    }
}

/// Answers that are owed for the same reason are one problem.
fn answers(observed: &Observed, add: &mut impl FnMut(String, String)) {
    let mut reasons: BTreeMap<&str, Vec<&OwedAnswers>> = BTreeMap::new();
    for owed in &observed.owed {
        reasons.entry(&owed.error).or_default().push(owed);
    }
    for (error, owed) in reasons {
        let files: Vec<String> = owed.iter().map(|owed| clean(&owed.file, 80)).collect();
        let since = owed.iter().map(|owed| owed.since).min().unwrap_or(observed.now);
        let is = if owed.len() == 1 { "is" } else { "are" };
        add(
            format!(
                "the {} to {} {is} not in {} since {}: {error}",
                if owed.len() == 1 { "answer" } else { "answers" },
                listed(&files, 3),
                observed.answers_dir.display(),
                moment_in(since, observed.zone)
            ),
            "mount that folder, make it writable, or make room: the answers are written at the next scan of the inbox. Those of a \
             run are also in its folder, which `quotakeeper runs RUN` names"
                .to_owned(),
        );
    }
}

fn inbox_problems(observed: &Observed, add: &mut impl FnMut(String, String)) {
    /// Somebody may drop thousands.
    const NAMED: usize = 5;
    for untaken in observed.untaken.iter().take(NAMED) {
        let (file, since) = (&untaken.file, age(observed.now - untaken.since));
        match &untaken.reason {
            Some(reason) => add(format!("{file} in the inbox is not taken: {reason}"), String::new()),
            None => add(
                format!("{file} has been in the inbox for {since} and was not taken"),
                "check that quotakeeper runs, and that inbox.dir is this folder".to_owned(),
            ),
        }
    }
    let more = observed.untaken.len().saturating_sub(NAMED);
    if more > 0 {
        let are = if more == 1 { "is" } else { "are" };
        add(
            format!("{} in the inbox {are} not taken", counted(more, "more file")),
            format!("see the status.txt of each in {}", observed.answers_dir.display()),
        );
    }
}
