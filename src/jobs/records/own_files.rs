//! Our own small files that cannot be used, as `status` shows them and as one mail each reports them: those that were set
//! aside for being damaged, and those of a newer format.

use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::IgnoredAny;
use tracing::{error, warn};

use super::{Reporting, alerts, closings, notices, own_api};
use crate::change::{answers, mounts};
use crate::files::versioned_json::{self, Kind, UnusableFile};
use crate::jobs::state;
use crate::mail::installation;
use crate::report::{FileProblem, ProblemKind};

/// What begins a file again, at once: its next use may be hours away.
type Begin = fn(&Reporting<'_>, DateTime<Utc>) -> anyhow::Result<()>;

const ALL: [(&Kind, Begin); 7] = [
    (&state::FILE, |reporting, now| {
        reporting.state.read_or_begin(now);
        Ok(())
    }),
    (&alerts::FILE, |reporting, now| alerts::record(reporting, alerts::Latest::unknown(), now).map(drop)),
    (&closings::FILE, |reporting, now| closings::record(&reporting.state, now).map(drop)),
    (&notices::FILE, |reporting, now| set_aside(reporting, &notices::FILE, now)),
    (&own_api::FILE, |reporting, now| set_aside(reporting, &own_api::FILE, now)),
    (&answers::NOT_TAKEN, |reporting, now| set_aside(reporting, &answers::NOT_TAKEN, now)),
    (&mounts::FILE, |reporting, now| set_aside(reporting, &mounts::FILE, now)),
];

/// Where nothing has to be found again.
fn set_aside(reporting: &Reporting<'_>, file: &Kind, now: DateTime<Utc>) -> anyhow::Result<()> {
    versioned_json::read_or_set_aside::<IgnoredAny>(&reporting.inputs.config.data.dir, file, now)?;
    Ok(())
}

/// For so long one that was set aside is mailed. Mail stays longer than that, and so each is recognized.
const MAILED: TimeDelta = TimeDelta::days(30);

/// All of them, those of a newer format first.
pub(crate) fn problems(data_dir: &Path, now: DateTime<Utc>) -> anyhow::Result<Vec<FileProblem>> {
    let mut found: Vec<FileProblem> = ALL.iter().filter_map(|(file, _)| problem_of(data_dir, file)).collect();
    for (file, at, name) in versioned_json::set_aside_in(data_dir)? {
        let mut known = ALL.iter().map(|(kind, _)| *kind).chain([&installation::FILE]);
        let without = known.find(|kind| kind.name == file).map_or("", |kind| kind.without);
        found.push(FileProblem {
            what: format!("{file} was damaged; it was renamed to {name}"),
            why: format!("quotakeeper continues without it: {without}."),
            fix: format!(
                "find out what damaged it (a power cut, a full or failing disk, another program, permissions); then remove {}",
                data_dir.join(&name).display()
            ),
            since: at.min(now),
            kind: ProblemKind::SetAside,
            name,
        });
    }
    Ok(found)
}

/// Why one of them cannot be used, where it must stay as it is.
fn problem_of(data_dir: &Path, file: &Kind) -> Option<FileProblem> {
    let error = versioned_json::read::<IgnoredAny>(data_dir, file).err()?;
    let (kind, fix) = match &error {
        UnusableFile::Damaged { .. } => {
            (ProblemKind::Passing, "do nothing: the next pass of quotakeeper renames the file and continues")
        }
        UnusableFile::Newer(_) => (
            ProblemKind::Stays,
            "use the newer quotakeeper again; or move the file away, to start without it",
        ),
        UnusableFile::NotNow(_) => (ProblemKind::Stays, "check the disk of data.dir and its permissions"),
    };
    let modified = || fs_err::symlink_metadata(data_dir.join(file.name)).ok()?.modified().ok();
    Some(FileProblem {
        what: format!("{} cannot be used", file.name),
        why: format!("{error}."),
        fix: fix.to_owned(),
        since: modified().map_or(DateTime::UNIX_EPOCH, DateTime::from),
        kind,
        name: file.name.to_owned(),
    })
}

/// Mails each once, also where no job can be done for want of the file. `logged`: whether this process has logged them.
pub(crate) fn report(reporting: &Reporting<'_>, logged: &OnceLock<()>, now: DateTime<Utc>) {
    begin_damaged_files_again(reporting, now);
    let problems = match problems(&reporting.inputs.config.data.dir, now) {
        Ok(problems) => problems,
        Err(error) => return warn!(error = format!("{error:#}"), "data.dir cannot be read"),
    };
    for problem in &problems {
        match problem.kind {
            ProblemKind::SetAside if problem.since < now - MAILED => continue,
            ProblemKind::SetAside => {} // logged when it was
            ProblemKind::Passing => continue,
            ProblemKind::Stays => log_once(logged, problem),
        }
        if let Err(error) = reporting.mailer.file_problem(problem, now) {
            let error = format!("{error:#}");
            warn!(error, "a problem with a file could not be queued as mail");
        }
    }
}

fn begin_damaged_files_again(reporting: &Reporting<'_>, now: DateTime<Utc>) {
    let is_damaged = |file: &Kind| {
        let read = versioned_json::read::<IgnoredAny>(&reporting.inputs.config.data.dir, file);
        matches!(read, Err(UnusableFile::Damaged { .. }))
    };
    for (file, begin) in ALL.iter().filter(|(file, _)| is_damaged(file)) {
        if let Err(error) = begin(reporting, now) {
            warn!(file = file.name, error = format!("{error:#}"), "a damaged file could not be replaced");
        }
    }
}

fn log_once(logged: &OnceLock<()>, problem: &FileProblem) {
    if logged.set(()).is_ok() {
        let FileProblem { what, why, fix, .. } = problem;
        error!(what, why, hint = fix, "a file cannot be used");
    }
}

#[cfg(test)]
mod tests;
