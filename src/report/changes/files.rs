//! One mail about many files: what a pass did with each, by kind, each kind counted and cut.
//!
//! It is made from the mails that each of them would have had, which are dropped one by one: a pass may have had thousands.

pub(in crate::report) mod section;

use std::collections::BTreeMap;

use crate::change::RunState;
use crate::report::changes::ChangesReport;
use crate::report::changes::files::section::{FileLine, FileSection};
use crate::report::changes::row_outcomes::{Section, SectionKind};
use crate::report::shared::level::Level;
use crate::report::shared::{Footer, ReportContext, words};

/// Each kind lists so many files and counts the rest.
const LISTED: usize = 20;
/// The worst comes first, for those who see less of it.
const LONGEST_SUBJECT: usize = 140;

/// What became of files, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FileOutcome {
    Unusable,
    Waits,
    Stale,
    /// Something failed, and nothing was applied.
    NotDone,
    Partly,
    Expired,
    Rejected,
    Planned,
    Scheduled,
    Done,
}

impl FileOutcome {
    fn from_report(report: &ChangesReport, state: RunState) -> Self {
        match state {
            RunState::Failed => Self::Unusable,
            RunState::Held => Self::Waits,
            _ if report.held.is_some() => Self::Waits,
            RunState::Stale => Self::Stale,
            RunState::Rejected if report.level > Level::Fine => Self::Expired,
            RunState::Rejected => Self::Rejected,
            RunState::Scheduled => Self::Scheduled,
            RunState::Planned => Self::Planned,
            RunState::Applying | RunState::Done if report.level == Level::Fine => Self::Done,
            RunState::Applying | RunState::Done => {
                // What is not confirmed may be done.
                let is_done = |section: &Section| {
                    matches!(
                        section.kind,
                        SectionKind::Applied | SectionKind::Scheduled | SectionKind::NotConfirmed
                    )
                };
                if report.sections.iter().any(is_done) { Self::Partly } else { Self::NotDone }
            }
        }
    }

    fn level(self) -> Level {
        match self {
            Self::Unusable | Self::Waits | Self::Stale | Self::NotDone | Self::Partly | Self::Expired => {
                Level::Warning
            }
            Self::Rejected | Self::Planned | Self::Scheduled | Self::Done => Level::Fine,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Unusable => "Could not be used",
            Self::Waits => "Waiting for approval",
            Self::Stale => "Stale",
            Self::NotDone => "Nothing applied",
            Self::Partly => "Done in part",
            Self::Planned => "Only planned",
            Self::Expired => "Not approved in time",
            Self::Rejected => "Rejected",
            Self::Scheduled => "Scheduled",
            Self::Done => "Done",
        }
    }

    /// `2 wait for approval`.
    fn counted(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Unusable => ("could not be used", "could not be used"),
            Self::Waits => ("waits for approval", "wait for approval"),
            Self::Stale => ("is stale", "are stale"),
            Self::NotDone => ("applied nothing", "applied nothing"),
            Self::Partly => ("done in part", "done in part"),
            Self::Planned => ("only planned", "only planned"),
            Self::Expired => ("was not approved in time", "were not approved in time"),
            Self::Rejected => ("rejected", "rejected"),
            Self::Scheduled => ("scheduled", "scheduled"),
            Self::Done => ("done", "done"),
        };
        format!("{} {}", words::number(count), if count == 1 { one } else { many })
    }
}

/// What a pass did with files, added one by one.
#[derive(Default)]
pub(crate) struct GatheredFiles {
    count: usize,
    /// While it is the only one.
    only: Option<ChangesReport>,
    outcomes: BTreeMap<FileOutcome, (usize, Vec<FileLine>)>,
    identities: Vec<String>,
    /// Where its readers are listed; empty for administrators.
    listed: String,
}

impl GatheredFiles {
    pub(crate) fn add(&mut self, report: ChangesReport, state: RunState) {
        self.count += 1;
        self.identities.push(report.identity.clone());
        self.listed.clone_from(&report.listed);
        let (count, lines) = self.outcomes.entry(FileOutcome::from_report(&report, state)).or_default();
        *count += 1;
        if lines.len() < LISTED {
            let reason = report.held.as_ref().map(|held| held.reason.clone());
            lines.push(FileLine {
                headline: report.headline.clone(),
                why: reason
                    .or_else(|| first_row(&report))
                    .or_else(|| report.notes.first().cloned())
                    .unwrap_or_default(),
                run: report.run.clone().unwrap_or_default(),
                by: report.by.clone(),
                approve: report.held.as_ref().map(|held| held.approve.clone()).unwrap_or_default(),
                reject: report.held.as_ref().map(|held| held.reject.clone()).unwrap_or_default(),
                until: report.held.as_ref().map(|held| held.until.clone()).unwrap_or_default(),
            });
        }
        self.only = (self.count == 1).then_some(report);
    }

    /// The mail: of one file its own, of several one about all of them.
    pub(crate) fn report(mut self, context: &ReportContext) -> Option<ChangesReport> {
        if self.count < 2 {
            return self.only;
        }
        self.identities.sort();
        let (level, counts): (Vec<Level>, Vec<String>) = self
            .outcomes
            .iter()
            .map(|(outcome, (count, _))| (outcome.level(), outcome.counted(*count)))
            .unzip();
        let headline = format!("{}: {}", words::counted(self.count, "file"), counts.join(", "));
        let subject = self.subject(&headline);
        let is_to_owners = !self.listed.is_empty();
        let has = |outcome| !is_to_owners && self.outcomes.contains_key(&outcome);
        let is_to_fix = has(FileOutcome::Unusable) || has(FileOutcome::NotDone) || has(FileOutcome::Partly);
        let todo = match (has(FileOutcome::Waits), is_to_fix, has(FileOutcome::Stale)) {
            (true, true, _) => {
                "approve or reject what waits, and check what was not done: both are listed below."
            }
            (true, false, _) => "approve or reject what waits: the commands are below.",
            (false, true, _) => {
                "fix the rows that were not applied, as described below, and drop them again."
            }
            (false, false, true) => "check what changed before the stale files were approved.",
            (false, false, false) => "",
        };
        let section = |(outcome, (count, files)): (FileOutcome, (usize, Vec<FileLine>))| FileSection {
            title: format!("{} · {}", outcome.title(), words::number(count)),
            level: outcome.level(),
            more: count - files.len(),
            files,
        };
        let files = self.outcomes.into_iter().map(section).collect();
        Some(ChangesReport {
            title: "Change files".to_owned(),
            subject,
            headline,
            level: level.into_iter().max().unwrap_or(Level::Fine),
            todo: todo.to_owned(),
            run: None,
            by: String::new(),
            notes: Vec::new(),
            held: None,
            sections: Vec::new(),
            files,
            organizations: Vec::new(),
            more_organizations: 0,
            imprint: Footer::from(context),
            identity: format!("files\n{}", self.identities.join("\n")),
            table: String::new(),
            listed: self.listed,
            thread: String::new(),
        })
    }

    /// Few files are named, each with what became of it; many are counted.
    fn subject(&self, headline: &str) -> String {
        let files: Vec<&str> =
            self.outcomes.values().flat_map(|(_, files)| files).map(|file| file.headline.as_str()).collect();
        let named = files.join(" · ");
        let is_short = files.len() == self.count && named.chars().count() <= LONGEST_SUBJECT;
        if is_short { named } else { headline.to_owned() }
    }
}

/// The first row that was not done, and why; or all of them, where one reason is everybody's. The rows that were only not sent with it
/// say nothing of their own.
fn first_row(report: &ChangesReport) -> Option<String> {
    let sections = || report.sections.iter().filter(|section| section.level > Level::Fine);
    let all: Vec<_> = sections().flat_map(|section| &section.rows).collect();
    let is_of_all = |why: &String| all.iter().all(|row| row.why.first() == Some(why));
    if all.len() > 1
        && sections().all(|section| section.more == 0)
        && let Some(why) = all[0].why.first().filter(|why| is_of_all(why))
    {
        return Some(format!("{}: {why}", words::counted(all.len(), "row")));
    }
    let mut rows = sections().flat_map(|section| &section.rows).filter(|row| !row.falls_with_others);
    let (number, why) = rows.find_map(|row| Some((row.row, row.why.first()?)))?;
    let first = number.map_or_else(|| why.clone(), |number| format!("Row {number}: {why}"));
    Some(match rows.count() + sections().map(|section| section.more).sum::<usize>() {
        0 => first,
        1 => format!("{first} And 1 more row."),
        more => format!("{first} And {} more rows.", words::number(more)),
    })
}

#[cfg(test)]
mod tests;
