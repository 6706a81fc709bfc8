//! The same reports for the owners of some targets: their own targets, and no others.
//!
//! What a report is made of is cut down before it is made, so that its counts and sentences speak of their targets alone.
//! A sentence that may name others, or their organization's figures, gives way to one that does not; figures of an
//! organization are shown to who owns it. No command is shown: owners have no access to quotakeeper.

use std::collections::BTreeSet;

use crate::change::plan::guards::Scope;
use crate::change::{
    Code, GuardHit, Outcome, Plan, PlanRow, Problem, RowResult, RunState, RunSummary, Verdict,
};
use crate::domain::diff::Diff;
use crate::domain::quota::{OrgId, Place, Snapshot, SnapshotRow, Target, UsageRule};
use crate::report::alerts::crossings::AlertEvent;
use crate::report::alerts::{AlertInput, AlertReport, alert_report};
use crate::report::changes::diffs::{Unlisted, drift_report};
use crate::report::changes::held::HeldRun;
use crate::report::changes::row_outcomes::{Section, SectionKind};
use crate::report::changes::{ChangesReport, run_report};
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use crate::report::closing::{ClosingInput, ClosingReport, closing_report};
use crate::report::shared::{Audience, ReportContext, words};
use crate::text::words::quota_text;

/// The file name of the table with the rows that a mail does not list.
const TABLE: &str = "changes.csv";

/// One message: some owners, and the targets that all of them own and that there is something to report about.
pub(crate) struct Share {
    pub targets: BTreeSet<Target>,
    /// `Ann <ann@example.com>`, as written.
    pub recipients: Vec<String>,
    /// Why they get it: `mail.routes_file, row 3 (10452, 2041*)`.
    pub listed: String,
}

/// The targets that a run changes, or was to change; one that stays as it is is not reported.
pub(crate) fn changed_targets(summary: &RunSummary) -> impl Iterator<Item = &Target> {
    let is_unchanged = |result: &&RowResult| matches!(result.outcome, Outcome::Unchanged { .. });
    let unchanged: BTreeSet<usize> =
        summary.results.iter().filter(is_unchanged).map(|result| result.row).collect();
    let rows = summary.plan.rows.iter().filter(|row| !matches!(row.verdict, Verdict::Unchanged(_)));
    rows.filter(move |row| !unchanged.contains(&row.row)).filter_map(|row| row.target.as_ref())
}

/// What became of their rows of a run, if it has any of theirs.
pub(crate) fn run_report_to_owners(
    summary: &RunSummary,
    split_off: Option<&RunSummary>,
    share: &Share,
    context: &ReportContext,
) -> Option<ChangesReport> {
    let part = of_run(summary, &share.targets);
    changed_targets(&part).next()?;
    let split_off =
        split_off.map(|summary| of_run(summary, &share.targets)).filter(|part| !part.plan.rows.is_empty());
    let report = run_report(&part, split_off.as_ref(), context);
    let notes = notes(
        &part,
        report.held.as_ref(),
        report.sections.iter().any(|section| section.kind == SectionKind::Refused),
    );
    Some(ChangesReport { held: None, notes, ..to_owners(report, share) })
}

/// What somebody changed of theirs outside quotakeeper.
pub(crate) fn drift_report_to_owners(
    diff: &Diff,
    latest: &Snapshot,
    rule: &UsageRule,
    share: &Share,
    context: &ReportContext,
) -> Option<ChangesReport> {
    let changes =
        diff.changes.iter().filter(|change| share.targets.contains(&change.target)).cloned().collect();
    // What the token sees no more is the administrators' to look into.
    let part = Diff { from: diff.from, to: diff.to, changes, vanished: Vec::new(), suspect: false };
    drift_report(&part, latest, rule, Unlisted::Rows, context).map(|report| to_owners(report, share))
}

/// What of theirs crossed a limit, or is back to normal.
pub(crate) fn alert_report_to_owners(
    input: &AlertInput<'_>,
    share: &Share,
    context: &ReportContext,
) -> Option<AlertReport> {
    let theirs = &share.targets;
    let news: Vec<AlertEvent> =
        input.news.iter().filter(|news| theirs.contains(&news.target)).cloned().collect();
    let rows = input.latest.rows().enumerate().filter(|(_, row)| theirs.contains(&row.target));
    let (places, rows): (Vec<usize>, Vec<SnapshotRow<'_>>) = rows.unzip();
    let latest = Snapshot::new(input.latest.taken_at, rows);
    let slopes = input.slopes.at_places(&places);
    let input =
        AlertInput { news: &news, latest: &latest, slopes: &slopes, audience: Audience::Owners, ..*input };
    let report = alert_report(&input, context)?;
    Some(AlertReport { listed: share.listed.clone(), ..report })
}

/// What was used of theirs in the billing cycles that closed.
pub(crate) fn closing_report_to_owners(
    input: &ClosingInput<'_>,
    share: &Share,
    context: &ReportContext,
) -> Option<ClosingReport> {
    let theirs = &share.targets;
    let is_theirs = |row: &SnapshotRow<'_>| theirs.contains(&row.target);
    let of_seen = |seen: &LastSeen| seen.filtered(|place| theirs.contains(&place.target()));
    let of_cycle =
        |cycle: &Cycle| Cycle { last_seen: cycle.last_seen.as_ref().map(of_seen), ..cycle.clone() };
    let has_theirs = |closed: &&ClosedCycles| seen_targets(closed).any(|target| theirs.contains(&target));
    let part: Vec<ClosedCycles> = input
        .closed
        .iter()
        .filter(has_theirs)
        .map(|closed| ClosedCycles {
            cycles: closed.cycles.iter().map(of_cycle).collect(),
            middle: closed.middle.as_ref().map(of_seen),
            ..closed.clone()
        })
        .collect();
    if part.is_empty() {
        return None;
    }
    let latest = Snapshot::new(input.latest.taken_at, input.latest.rows().filter(is_theirs));
    let report = closing_report(&ClosingInput { closed: &part, latest: &latest, ..*input }, context);
    let identity = format!("to owners {}", report.identity);
    Some(ClosingReport { listed: share.listed.clone(), identity, ..report })
}

/// The targets that a closed cycle is about, as it was last seen.
pub(crate) fn seen_targets(closed: &ClosedCycles) -> impl Iterator<Item = Target> {
    let last = closed.cycles.first().and_then(|cycle| cycle.last_seen.as_ref());
    last.into_iter().flat_map(LastSeen::places).map(Place::target)
}

fn to_owners(mut report: ChangesReport, share: &Share) -> ChangesReport {
    let ChangesReport {
        subject,
        headline,
        todo,
        sections,
        identity,
        table,
        listed,
        title: _,
        level: _,
        run: _,
        by: _,
        notes: _,
        held: _,
        files: _,
        organizations: _,
        more_organizations: _,
        imprint: _,
        thread: _,
    } = &mut report;
    if let Some(of_one) = headline_of_one(sections) {
        *headline = of_one;
        for row in sections.iter_mut().flat_map(|section| &mut section.rows) {
            row.is_explained = false; // it does not say when
        }
    }
    subject.clone_from(headline);
    todo.clear();
    *identity = format!("to owners {identity}");
    let is_cut = sections.iter().any(|section| section.more > 0);
    *table = if is_cut { TABLE.to_owned() } else { String::new() };
    listed.clone_from(&share.listed);
    report
}

/// `Trading Floor (Acme Bank): 15 000 → 18 000, applied`: most owners have one row, and know its name better than the file's.
/// Two organizations may have groups of the same name.
fn headline_of_one(sections: &[Section]) -> Option<String> {
    let [Section { kind, rows, .. }] = sections else { return None };
    let [row] = rows.as_slice() else { return None };
    let outcome = match kind {
        SectionKind::Held => "waits for approval".to_owned(),
        SectionKind::NotSentWithRefused => SectionKind::NotSent.title().to_lowercase(),
        SectionKind::RefusedByServer => "refused by ThousandEyes".to_owned(),
        SectionKind::Applied if row.falls_short => "applied, still too low".to_owned(),
        kind => kind.title().to_lowercase(),
    };
    let (before, after) = (quota_text(row.before), quota_text(row.after));
    let organization = match row.org_name.as_str() {
        name if name.is_empty() || name == row.name => String::new(),
        name => format!(" ({name})"),
    };
    row.is_change.then(|| format!("{}{organization}: {before} → {after}, {outcome}", row.name))
}

/// What is to be known besides: who decides, and when.
fn notes(summary: &RunSummary, held: Option<&HeldRun>, is_refused: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(held) = held {
        let (waits, it, is) =
            if held.rows == 1 { ("waits", "it", "it is") } else { ("wait", "them", "they are") };
        notes.push(format!(
            "{} {waits} for quotakeeper’s administrators, who can approve {it} until {}; otherwise {is} rejected.",
            words::counted(held.rows, "change"),
            held.until
        ));
    }
    match summary.state {
        RunState::Scheduled => notes.push("It is then planned and checked again.".to_owned()),
        RunState::Stale => {
            notes.push("Quotakeeper’s administrators decide whether it is planned again.".to_owned());
        }
        _ if is_refused => notes.push("The person who dropped the file received the reasons.".to_owned()),
        _ => {}
    }
    notes
}

/// Their rows, as their owners may read them.
fn of_run(summary: &RunSummary, theirs: &BTreeSet<Target>) -> RunSummary {
    let is_theirs = |row: &&PlanRow| row.target.as_ref().is_some_and(|target| theirs.contains(target));
    let rows: Vec<PlanRow> =
        summary.plan.rows.iter().filter(is_theirs).map(|row| of_row(row, theirs)).collect();
    let numbers: BTreeSet<usize> = rows.iter().map(|row| row.row).collect();
    let own = |org_id: &OrgId| theirs.contains(&Target { org_id: org_id.clone(), aid: None });
    let organizations = summary.plan.organizations.iter().filter(|organization| own(&organization.org_id));
    let results = summary.results.iter().filter(|result| numbers.contains(&result.row));
    RunSummary {
        plan: Plan {
            rows,
            organizations: organizations.cloned().collect(),
            sha256: summary.plan.sha256.clone(),
        },
        results: results.map(of_result).collect(),
        notes: Vec::new(),
        ..summary.clone()
    }
}

fn of_row(row: &PlanRow, theirs: &BTreeSet<Target>) -> PlanRow {
    let has_organization = row
        .target
        .as_ref()
        .is_some_and(|target| theirs.contains(&Target { org_id: target.org_id.clone(), aid: None }));
    let verdict = match &row.verdict {
        Verdict::Held(tripped) => {
            Verdict::Held(tripped.iter().map(|tripped| of_guard(tripped, has_organization)).collect())
        }
        Verdict::Refused(problem) => Verdict::Refused(of_problem(problem)),
        other => other.clone(),
    };
    let mut row = PlanRow { verdict, ..row.clone() };
    if !has_organization {
        row.warnings.clear(); // on the sum of the organization
        row.written.clear(); // a share of its plan
    }
    row
}

fn of_guard(tripped: &GuardHit, has_organization: bool) -> GuardHit {
    let guard = tripped.guard;
    if guard.is_for_owners() || has_organization && guard.scope() != Scope::Binding {
        return tripped.clone();
    }
    GuardHit { guard, message: guard.summary().to_owned() }
}

fn of_result(result: &RowResult) -> RowResult {
    let outcome = match &result.outcome {
        Outcome::Failed(problem) => Outcome::Failed(of_problem(problem)),
        other => other.clone(),
    };
    RowResult { row: result.row, outcome }
}

/// Why a row was not sent: the words of the file, of other rows and of the server are for who dropped it.
fn of_problem(problem: &Problem) -> Problem {
    let message = match problem.code {
        // The row's own figures, and who decided.
        Code::ChangedMeanwhile | Code::Rejected => return problem.clone(),
        Code::BadRow => "not sent: the row could not be understood",
        Code::Duplicate => "not sent: the file has several rows for it",
        Code::UnknownTarget | Code::AmbiguousTarget => {
            "not sent: the file does not clearly identify the target"
        }
        Code::Stale => "not sent: a quota changed in the meantime",
        Code::NotSent => "not sent: rows that belong together with it were refused",
        Code::Held => "not sent: a guard held it back",
        Code::Refused => "ThousandEyes refused it",
        Code::NotConfirmed => "ThousandEyes does not show it",
    };
    Problem { code: problem.code, message: message.to_owned() }
}
