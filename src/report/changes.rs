//! The change report: who or what changed which quota, from what to what, and what that does to headroom.
//!
//! One model describes a run, drift (changes made outside quotakeeper), and all changes of a period.

mod cause;
pub(in crate::report) mod diffs;
mod doubts;
pub(in crate::report) mod files;
pub(in crate::report) mod held;
mod reasons;
pub(in crate::report) mod row;
pub(in crate::report) mod row_outcomes;
pub(in crate::report) mod run_notice;

use std::collections::HashMap;

use serde::Serialize;

use crate::change::run::id::root_of;
use crate::change::{Code, Outcome, RowResult, RunState, RunSummary};
use crate::domain::quota::Units;
use crate::report::changes::files::section::FileSection;
use crate::report::changes::held::{HeldRun, held};
use crate::report::changes::row_outcomes::{LISTED, RowOutcomes, Section, SectionKind};
use crate::report::shared::level::Level;
use crate::report::shared::planned::{self, CommonReasons, OrganizationView};
use crate::report::shared::{Footer, ReportContext, words};

/// A report holds so many notes, and counts the rest.
const NOTES: usize = 20;
const ORGANIZATIONS: usize = 10;

/// What a plan does to one organization.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OrganizationEffect {
    pub name: String,
    pub id: String,
    pub quota: Option<Units>,
    pub allocated_before: Units,
    pub allocated_after: Units,
    pub over_allocated: Option<Units>,
    /// `over-allocated by 1 000, as before`; empty where it is not and was not.
    pub over: String,
    /// Rows that are held: the sum afterwards is the one with them.
    pub held: usize,
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChangesReport {
    /// `Change file q4.csv`, `Drift`, `Changes`.
    pub title: String,
    pub subject: String,
    pub headline: String,
    pub level: Level,
    /// The one thing to do; empty when there is nothing.
    pub todo: String,
    pub run: Option<String>,
    /// `dropped by ann (uid 1004), approved by …`; empty where that is not known, and for owners.
    pub by: String,
    pub notes: Vec<String>,
    pub held: Option<HeldRun>,
    pub sections: Vec<Section>,
    /// The files of a pass by what became of them, where it is about several.
    pub files: Vec<FileSection>,
    pub organizations: Vec<OrganizationEffect>,
    pub more_organizations: usize,
    pub imprint: Footer,
    #[serde(skip)]
    pub identity: String,
    /// The file name of the table with the rows that are not listed; empty where none is attached.
    pub table: String,
    /// Where its readers are listed; empty for those under `mail.to`.
    #[serde(skip)]
    pub listed: String,
    /// What the mails of one file have in common, so that a mail program shows them together; empty where nothing follows.
    #[serde(skip)]
    pub thread: String,
}

impl ChangesReport {
    /// Something waits for a person.
    pub(in crate::report) fn waits(&self) -> bool {
        let mut files = self.files.iter().flat_map(|section| &section.files);
        self.held.is_some() || files.any(|file| !file.approve.is_empty())
    }

    /// There is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.sections.is_empty() && self.notes.is_empty() && self.held.is_none()
    }
}

/// What a run did, or would do. `held` is the run that its held rows were split off into, where there is one.
pub(crate) fn run_report(
    summary: &RunSummary,
    split_off: Option<&RunSummary>,
    context: &ReportContext,
) -> ChangesReport {
    // Of what is only planned the plan says what it would do; the results say only that it was not done.
    let state = summary.shown_state();
    let results = if summary.planned_only { &[][..] } else { summary.results.as_slice() };
    let results: HashMap<usize, &Outcome> =
        results.iter().map(|RowResult { row, outcome }| (*row, outcome)).collect();
    let mut outcomes =
        RowOutcomes::new(context.zone, &summary.carried, CommonReasons::new(&summary.plan.rows));
    for row in &summary.plan.rows {
        outcomes.add(row, results.get(&row.row).copied(), state);
    }
    let waiting = if state == RunState::Held { Some(summary) } else { split_off };
    let held = waiting.map(|summary| held(summary, context));
    let file = words::clean(&summary.file, 60);
    let headline = headline(&file, summary, &outcomes);
    let (organizations, more_organizations) = organizations(summary);
    let mut notes: Vec<String> =
        summary.notes.iter().take(NOTES).map(|note| words::clean(note, 400)).collect();
    if let (Some(run), None) = (&summary.held_as, split_off) {
        // By now somebody may have decided on it.
        notes.push(format!("The held rows wait in a separate run: quotakeeper runs {run}"));
    }
    if state == RunState::Scheduled {
        notes.push(format!(
            "It is then planned and checked again. To reject it before that: quotakeeper reject {}",
            summary.id
        ));
    }
    if held.is_some() {
        notes.push(sent_so_far(&outcomes, state));
    }
    if outcomes.unchanged > 0 {
        notes.push(format!(
            "{} changed nothing and {} not sent.",
            words::counted(outcomes.unchanged, "row"),
            if outcomes.unchanged == 1 { "was" } else { "were" }
        ));
    }
    let level = match state {
        RunState::Rejected if !summary.expired => Level::Fine, // somebody wanted it so
        _ => outcomes.level(state),
    };
    let held_as = held.as_ref().map(|held| held.run.as_str());
    ChangesReport {
        title: format!("Change file {file}"),
        subject: headline.clone(),
        headline,
        level,
        todo: todo(summary, held.as_ref(), &outcomes, state),
        run: Some(summary.id.clone()),
        by: String::new(),
        notes,
        sections: outcomes.sections(state, held_as, context.at_most(LISTED)),
        held,
        files: Vec::new(),
        organizations,
        more_organizations,
        imprint: context.into(),
        // Not the time: a state that is reported again after a crash is the same mail.
        identity: match summary.decided {
            0 => format!("{} {} {}", summary.id, state, summary.plan.sha256),
            // Held or stale once more, also with the same plan, is news.
            decided => format!("{} {} {} {decided}", summary.id, state, summary.plan.sha256),
        },
        table: String::new(),
        listed: String::new(),
        thread: root_of(&summary.id).to_owned(),
    }
}

fn headline(file: &str, summary: &RunSummary, outcomes: &RowOutcomes) -> String {
    if summary.expired {
        return format!("{file} was not approved in time: nothing was sent");
    }
    outcomes.headline(file, summary.shown_state())
}

/// The one thing that a person does about a run in this state; empty where there is nothing to do.
fn todo(summary: &RunSummary, held: Option<&HeldRun>, outcomes: &RowOutcomes, state: RunState) -> String {
    match (held, state) {
        (Some(held), _) => {
            let decide =
                format!("approve or reject the held rows by {}: the commands are below.", held.until);
            let rest = outcomes.todo(state).filter(|_| state == RunState::Done);
            rest.map_or(decide.clone(), |rest| format!("{decide} {}", words::capitalized(&rest)))
        }
        (None, RunState::Stale) => {
            format!("check what changed. To plan and hold it again: quotakeeper approve {}", summary.id)
        }
        (None, RunState::Failed) => "fix the file as described below and drop it again.".to_owned(),
        (None, RunState::Rejected) if summary.expired => {
            "drop the file again if you still want it.".to_owned()
        }
        (None, RunState::Rejected) => String::new(),
        (None, _) => outcomes.todo(state).unwrap_or_default(),
    }
}

/// What of a file with held rows has been sent, which a person who decides on the rest has to know.
fn sent_so_far(outcomes: &RowOutcomes, state: RunState) -> String {
    match (state, outcomes.sent.len()) {
        (RunState::Done, 0) if outcomes.count(SectionKind::NotConfirmed) > 0 => {
            "No other row is known to be applied; what was sent and not confirmed is listed below.".to_owned()
        }
        (RunState::Done, 0) => "No other row was applied.".to_owned(),
        (RunState::Done, 1) => "1 other row has already been applied; it is listed below.".to_owned(),
        (RunState::Done, sent) => {
            format!("{} have already been applied; they are listed below.", words::counted(sent, "other row"))
        }
        _ => "Nothing was sent.".to_owned(),
    }
}

/// The organizations whose sum the run moves, or would move once it is approved.
fn organizations(summary: &RunSummary) -> (Vec<OrganizationEffect>, usize) {
    let counts = !matches!(summary.state, RunState::Failed | RunState::Rejected | RunState::Stale);
    let is_held = |result: &RowResult| matches!(&result.outcome, Outcome::Failed(problem) if problem.code == Code::Held);
    let waits = summary.results.is_empty() || summary.results.iter().any(is_held);
    let is_moved = |view: &OrganizationView<'_>| view.totals.allocated_before != view.totals.allocated_after;
    let moved: Vec<_> =
        planned::organizations(&summary.plan).into_iter().filter(|view| counts && is_moved(view)).collect();
    let more = moved.len().saturating_sub(ORGANIZATIONS);
    let effects = moved.into_iter().take(ORGANIZATIONS).map(|view| {
        let organization = view.totals;
        let id = words::clean(organization.org_id.as_str(), 30);
        let name = words::clean(&organization.name, 60);
        OrganizationEffect {
            name: if name.is_empty() { id.clone() } else { name },
            id,
            quota: organization.quota,
            allocated_before: organization.allocated_before,
            allocated_after: organization.allocated_after,
            over_allocated: organization
                .quota
                .map(|quota| organization.allocated_after.saturating_sub(quota))
                .filter(|over| *over > 0),
            over: view.over_allocation(),
            held: if waits { view.held } else { 0 }, // or approved, and sent
        }
    });
    (effects.collect(), more)
}

#[cfg(test)]
mod tests;
