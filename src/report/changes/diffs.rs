//! What changed between snapshots: outside quotakeeper, or all of a period.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::diff::{Change, Diff, MadeBy};
use crate::domain::quota::{Snapshot, Target, UsageRule};
use crate::report::changes::doubts::doubts;
use crate::report::changes::row::rows_of_changes;
use crate::report::changes::row_outcomes::{LISTED, Section, SectionKind, section};
use crate::report::changes::{ChangesReport, NOTES};
use crate::report::shared::level::Level;
use crate::report::shared::{ReportContext, words};
use crate::report::timeline::People;

/// A note names so many targets that vanished, and counts the rest.
const VANISHED: usize = 5;

/// The change file that is attached for administrators.
pub(crate) const RESTORE: &str = "restore.csv";

/// What the rows of diffs are made with.
#[derive(Clone, Copy)]
pub(crate) struct DiffContext<'a> {
    pub latest: &'a Snapshot,
    pub rule: &'a UsageRule,
    /// Who dropped and approved a run.
    pub people: &'a People,
    pub unlisted: Unlisted,
}

/// What a report has of the changes that it does not list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlisted {
    /// How many they are.
    Count,
    /// Their rows, for a table of all.
    Rows,
}

/// The changes of some diffs, each with its diff.
pub(in crate::report) fn changes_of(diffs: &[Diff]) -> impl Iterator<Item = (&Diff, &Change)> {
    diffs.iter().flat_map(|diff| diff.changes.iter().map(move |change| (diff, change)))
}

/// What of a diff was changed outside quotakeeper.
pub(crate) fn outside(diff: &Diff) -> impl Iterator<Item = &Change> {
    diff.changes.iter().filter(|change| change.made_by == MadeBy::Outside)
}

/// What changed outside quotakeeper between two snapshots; none when nothing did and all is visible.
pub(crate) fn drift_report(
    diff: &Diff,
    latest: &Snapshot,
    rule: &UsageRule,
    unlisted: Unlisted,
    context: &ReportContext,
) -> Option<ChangesReport> {
    let count = outside(diff).count();
    if count == 0 && diff.vanished.is_empty() {
        return None;
    }
    let since = outside(diff).map(|change| change.since).min().unwrap_or(diff.from);
    let window = words::between(since, diff.to, context.zone);
    let headline = match count {
        0 => format!("{} no longer visible", vanished_count(&diff.vanished)),
        count => format!("{} changed outside quotakeeper, {window}", words::counted(count, "quota")),
    };
    let mut report = of_diffs(
        ("Drift", headline),
        std::slice::from_ref(diff),
        outside(diff).map(|change| (diff, change)),
        DiffContext { latest, rule, people: &People::new(), unlisted },
        context,
    );
    report.identity = format!("drift {} {}", diff.from.timestamp(), diff.to.timestamp());
    report.level = Level::Warning;
    for row in report.sections.iter_mut().flat_map(|section| &mut section.rows) {
        row.is_explained = true; // the headline says who and when
    }
    if report.sections.iter().any(|section| section.rows.iter().any(|row| row.outside)) {
        let (these, them) = if count == 1 { ("this quota", "it") } else { ("these quotas", "them") };
        report.todo = format!(
            "if this was not intended, drop the attached {RESTORE} into the inbox: it restores {these}, unless somebody changes {them} first."
        );
    }
    Some(report)
}

/// Everything that changed since a moment, by runs and outside of them.
pub(crate) fn period_report(
    diffs: &[Diff],
    since: DateTime<Utc>,
    with: DiffContext<'_>,
    context: &ReportContext,
) -> ChangesReport {
    let count = diffs.iter().map(|diff| diff.changes.len()).sum::<usize>();
    let outside = diffs.iter().flat_map(outside).count();
    let since_day = words::day(since, context.zone);
    let targets: HashSet<&Target> =
        diffs.iter().flat_map(|diff| &diff.changes).map(|change| &change.target).collect();
    let changed = match targets.len() {
        quotas if quotas < count => {
            format!("{} changed {} times", words::counted(quotas, "quota"), words::number(count))
        }
        quotas => format!("{} changed", words::counted(quotas, "quota")),
    };
    let headline = match (count, outside) {
        (0, _) => format!("No quota changed since {since_day}"),
        (_, 0) => format!("{changed} since {since_day}, all by quotakeeper"),
        (1, 1) => format!("{changed} since {since_day}, outside quotakeeper"),
        (count, outside) if count == outside => {
            format!("{changed} since {since_day}, all outside quotakeeper")
        }
        (_, outside) => {
            format!("{changed} since {since_day}, {} outside quotakeeper", words::number(outside))
        }
    };
    let mut report = of_diffs(("Changes", headline), diffs, changes_of(diffs), with, context);
    report.sections = report.sections.into_iter().map(Section::by_maker).collect();
    report.identity = format!("period {} {}", since.timestamp(), context.now.timestamp());
    report
}

/// Of diffs, these changes.
fn of_diffs<'d>(
    (title, headline): (&str, String),
    diffs: &'d [Diff],
    changes: impl Iterator<Item = (&'d Diff, &'d Change)>,
    with: DiffContext<'_>,
    context: &ReportContext,
) -> ChangesReport {
    let DiffContext { latest, rule, people, unlisted } = with;
    let listed = context.at_most(LISTED);
    // There may be tens of thousands.
    let kept = if unlisted == Unlisted::Rows { usize::MAX } else { listed };
    let (outside, by_runs): (Vec<_>, Vec<_>) =
        changes.partition(|(_, change)| change.made_by == MadeBy::Outside);
    let sections =
        [(SectionKind::Outside, outside), (SectionKind::ByRuns, by_runs)].map(|(kind, changes)| {
            let count = changes.len();
            let mut rows = rows_of_changes(changes, kept, latest, rule, context.zone);
            for row in &mut rows {
                if let Some(people) = people.get(&row.run) {
                    row.who += &format!(", {people}");
                }
            }
            let left_out = count - rows.len();
            section(kind, rows, listed).map(|section| section.and_more(left_out))
        });
    ChangesReport {
        title: title.to_owned(),
        subject: headline.clone(),
        headline,
        level: if sections[0].is_some() { Level::Warning } else { Level::Fine },
        todo: String::new(),
        run: None,
        by: String::new(),
        notes: notes(diffs, latest, context),
        held: None,
        sections: sections.into_iter().flatten().collect(),
        files: Vec::new(),
        organizations: Vec::new(),
        more_organizations: 0,
        imprint: context.into(),
        identity: String::new(),
        table: String::new(),
        listed: String::new(),
        thread: String::new(),
    }
}

/// What the snapshots behind the diffs leave open: quotas that were missing.
fn notes(diffs: &[Diff], latest: &Snapshot, context: &ReportContext) -> Vec<String> {
    let mut notes = Vec::new();
    for diff in diffs {
        if diff.suspect {
            notes.push(format!(
                "Over a fifth of all targets were missing {}: the snapshot is suspect, and the token may have lost a \
                 permission. None of them counts as removed.",
                words::between(diff.from, diff.to, context.zone)
            ));
        }
        notes.extend(doubts(diff, latest));
        if !diff.vanished.is_empty() {
            let names: Vec<String> =
                diff.vanished.iter().map(|target| words::clean(&target.to_string(), 80)).collect();
            notes.push(format!(
                "{} no longer visible, which is not the same as removed: {}.",
                vanished_count(&diff.vanished),
                words::listed(&names, context.at_most(VANISHED))
            ));
        }
    }
    let more_notes = notes.len().saturating_sub(context.at_most(NOTES));
    notes.truncate(context.at_most(NOTES));
    if more_notes > 0 {
        notes.push(format!("And {} like these.", words::counted(more_notes, "more note")));
    }
    notes
}

fn vanished_count(vanished: &[Target]) -> String {
    format!("{} {}", words::counted(vanished.len(), "target"), if vanished.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests;
