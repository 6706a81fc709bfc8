//! The closing report: what organizations used in a billing cycle that ended, and the year so far.
//!
//! The API forgets a cycle after a month, so this is where its end result is read. It looks back: nothing in it is to be done.
//! The year is the calendar year in the report's zone, because the API does not say when a contract began; a cycle belongs to
//! the month and the year of its middle.

pub(in crate::report) mod cycle_lookup;
pub(in crate::report) mod cycle_tracker;
pub(in crate::report) mod cycle_usage;
#[cfg(test)]
pub(crate) mod fixtures;
pub(in crate::report) mod lines;
mod names;
mod section;
mod totals;
pub(in crate::report) mod wording;

use std::cmp::Reverse;

use serde::Serialize;

use self::lines::lines;
use self::names::names;
use self::totals::{began_late, last_partial_reading, total, year};
use crate::domain::diff::Diff;
use crate::domain::quota::{Snapshot, SnapshotRow, UsageRule};
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use crate::report::closing::cycle_usage::{CycleUsage, cycle_usage, spent_by};
use crate::report::closing::section::Section;
use crate::report::closing::wording::{
    TOO_MANY, as_of, changes, compared, cycle_dates, fine_sentence, headline, largest_sentence, more,
    projection, year_total,
};
use crate::report::shared::level::Level;
use crate::report::shared::{Extent, Footer, ReportContext, words};
use crate::report::table::{Table, attached_closing_table};
use crate::report::usage::page::MOST_ROWS;
use crate::text::words::grouped;

/// So many organizations are shown in full, the worst first; then so many in a line; the table has them all.
const DETAILED: usize = 3;
const BRIEF: usize = 8;
/// Account groups of one organization that are listed because they ran out.
const RAN_OUT: usize = 6;

/// What the report is made from.
#[derive(Clone, Copy)]
pub(crate) struct ClosingInput<'a> {
    pub closed: &'a [ClosedCycles],
    /// What changed since the earliest of these cycles began.
    pub diffs: &'a [Diff],
    pub latest: &'a Snapshot,
    pub rule: &'a UsageRule,
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClosingReport {
    pub subject: String,
    pub headline: String,
    pub level: Level,
    /// Those that are shown in full, worst first.
    pub sections: Vec<Section>,
    /// Those that get a line.
    pub brief: Vec<Section>,
    /// What is to be said of the others, in a sentence; empty where there are none.
    pub more: String,
    pub many_organizations: bool,
    /// How many rows the full table has.
    pub rows: usize,
    /// The file name of the attached table.
    pub table: String,
    /// How many rows it has: the first. Only of a report that is mailed.
    pub in_table: usize,
    pub data_from: String,
    pub data_age: String,
    pub imprint: Footer,
    /// What is attached.
    #[serde(skip)]
    pub attached: Vec<u8>,
    /// Where its readers are listed; empty for those under `mail.to`.
    #[serde(skip)]
    pub listed: String,
    #[serde(skip)]
    pub identity: String,
}

impl ClosingReport {
    /// A warning where account groups ran out, however their organizations stand.
    pub(in crate::report) fn worst_of_groups(&self) -> Level {
        let mut shown = self.sections.iter().chain(&self.brief);
        if shown.any(|section| section.groups_out > 0) { Level::Warning } else { Level::Fine }
    }
}

/// `closed` must not be empty.
pub(crate) fn closing_report(input: &ClosingInput<'_>, context: &ReportContext) -> ClosingReport {
    let listed = Listed::new(input.closed, context.extent);
    let mut sections: Vec<Section> =
        input.closed.iter().map(|closed| section(closed, input, &listed, context)).collect();
    sections.sort_by_key(Section::worst_first);
    let headline = headline(&sections);
    let level = sections.iter().map(|section| section.spent.level).max().unwrap_or(Level::Fine);
    let many_organizations = sections.len() > 1;
    let mut brief = sections.split_off(context.at_most(DETAILED).min(sections.len()));
    let rest = brief.split_off(BRIEF.min(brief.len()));
    let attached = match context.extent {
        Extent::Mail => attached_closing_table(input),
        Extent::Whole => Table::default(),
    };
    let ended = |closed: &ClosedCycles| format!("{} {}", closed.org_id, closed.cycles[0].end.timestamp());
    ClosingReport {
        subject: headline.clone(),
        headline,
        level,
        more: more(&rest),
        sections,
        brief,
        many_organizations,
        rows: lines(input).count(),
        in_table: attached.rows,
        table: format!("closing-{}.csv", context.now.with_timezone(&context.zone).format("%Y-%m-%d")),
        data_from: format!("{} {}", words::moment(input.latest.taken_at, context.zone), context.zone),
        data_age: words::age(context.now - input.latest.taken_at),
        imprint: context.into(),
        attached: attached.bytes,
        listed: String::new(),
        // What closed: reported again, from whatever snapshots, it is the same mail.
        identity: input.closed.iter().map(ended).collect::<Vec<_>>().join("\n"),
    }
}

/// How many account groups of one organization are listed.
struct Listed {
    ran_out: usize,
    /// With the others, those that did not run out.
    groups: usize,
}

impl Listed {
    /// A file lists all of them; so many that no browser would show them are shared out among the organizations.
    fn new(closed: &[ClosedCycles], extent: Extent) -> Self {
        let seen = closed.iter().filter_map(|closed| closed.cycles[0].last_seen.as_ref());
        let groups = seen.flat_map(LastSeen::places).filter(|place| place.account_group.is_some()).count();
        match extent {
            Extent::Mail => Self { ran_out: RAN_OUT, groups: 0 },
            Extent::Whole if groups <= MOST_ROWS => Self { ran_out: usize::MAX, groups: usize::MAX },
            Extent::Whole => {
                let share = (MOST_ROWS / closed.len()).max(1);
                Self { ran_out: share, groups: share }
            }
        }
    }
}

fn section(
    closed: &ClosedCycles,
    input: &ClosingInput<'_>,
    listed: &Listed,
    context: &ReportContext,
) -> Section {
    let rule = input.rule;
    let last = &closed.cycles[0];
    let seen = || closed.cycles.iter().filter_map(|cycle| cycle.last_seen.as_ref());
    let partial = seen().next().is_some()
        && seen().flat_map(LastSeen::places).all(|place| place.account_group.is_some());
    let rows: Vec<SnapshotRow<'_>> = last.last_seen.iter().flat_map(LastSeen::rows).collect();
    let (name, id, org_name) = names(closed, input.latest, partial);
    let of = |cycle: &Cycle| total(cycle.last_seen.as_ref(), partial, rule);
    let now = of(last);
    let mismatched = rows.first().filter(|row| rule.looks_mismatched(row));
    let over_plan = now.plan.zip(now.used).map(|(plan, used)| used.saturating_sub(plan));
    let over_plan = over_plan.filter(|over| *over > 0 && mismatched.is_none());
    let mut spent = cycle_usage(name, id, now.used, now.quota);
    let several = partial && rows.len() > 1;
    if several && spent.used.is_some() && spent.quota.is_none() {
        "not all have a quota".clone_into(&mut spent.status);
    }
    if over_plan.is_some() {
        spent.level = spent.level.max(Level::Warning);
    }

    let groups: Vec<CycleUsage> =
        rows.iter().filter(|row| row.target.aid.is_some()).map(|row| spent_by(row, rule)).collect();
    let mut ran_out: Vec<CycleUsage> = groups.iter().filter(|group| group.ran_out()).cloned().collect();
    ran_out.sort_by_key(|group| Reverse((group.over, group.percent)));
    let others: Vec<&CycleUsage> = groups.iter().filter(|group| !group.ran_out()).collect();
    let alone = partial && groups.len() == 1;
    if alone {
        // It is what the section is about.
        ran_out.clear();
    }
    let result = now.used.filter(|_| last_partial_reading(last).is_none());
    let before = closed.cycles.get(1).filter(|cycle| last_partial_reading(cycle).is_none());
    let before = before.map(|cycle| (cycle_dates(cycle, context.zone), of(cycle).used));
    let middle = closed.middle.as_ref().map(|seen| (seen.at, total(Some(seen), partial, rule).projected));
    let mut sentences =
        vec![as_of(last, context.zone), compared(result, before), projection(result, middle, context.zone)];
    if !alone {
        sentences.extend([
            largest_sentence(&groups, now.used.filter(|_| !partial)),
            fine_sentence(&others, ran_out.is_empty()),
        ]);
    }
    sentences.push(changes(input.diffs, last, |target| {
        target.org_id == closed.org_id && (!partial || rows.iter().any(|row| row.target == *target))
    }));
    sentences.retain(|sentence| !sentence.is_empty());
    let year = year(closed, partial, rule, context);
    let groups_out = ran_out.len();
    ran_out.truncate(listed.ran_out);
    let mut others = if alone { Vec::new() } else { others };
    others.sort_by_key(|group| Reverse((group.percent, group.used)));
    let groups: Vec<CycleUsage> =
        others.iter().take(listed.groups.saturating_sub(ran_out.len())).copied().cloned().collect();
    Section {
        spent,
        of: if alone { org_name.clone() } else { String::new() },
        org_name,
        partial,
        cycle: format!(
            "{} {}",
            cycle_dates(last, context.zone),
            last.end.with_timezone(&context.zone).format("%Y")
        ),
        plan: now.plan,
        over_plan,
        sentences,
        notes: notes(closed, mismatched, rule),
        more_ran_out: groups_out - ran_out.len(),
        ran_out,
        more_groups: others.len() - groups.len(),
        groups,
        year_title: format!("{} so far", last.year(context.zone)),
        year_total: year_total(&year, began_late(closed, context), closed.cut),
        year,
        month: last.middle().with_timezone(&context.zone).format("%b").to_string(),
        several,
        groups_out,
    }
}

impl Section {
    /// What ran out, then what is unknown; then by what stands beside the name: units over, else the share of the quota.
    fn worst_first(&self) -> impl Ord + use<> {
        let unknown = self.spent.used.is_none();
        Reverse((
            self.spent.level,
            self.groups_out > 0,
            unknown,
            self.spent.over,
            self.spent.percent,
            self.groups_out,
        ))
    }
}

fn notes(closed: &ClosedCycles, mismatched: Option<&SnapshotRow<'_>>, rule: &UsageRule) -> Vec<String> {
    let last = &closed.cycles[0];
    let mut notes = Vec::new();
    match &last.last_seen {
        None if closed.cut => notes.push(format!("Its usage was not looked up: {TOO_MANY}.")),
        None => notes.push("No snapshot shows its usage in this cycle.".to_owned()),
        Some(seen) if last_partial_reading(last).is_some() => notes.push(format!(
            "Its usage was last seen {} before the end; these figures do not include later usage.",
            words::age(last.end - seen.at)
        )),
        Some(_) => {}
    }
    if let Some(row) = mismatched {
        notes.push(format!(
            "The plan of {} and the quota of {} seem to use different units: compare them with the vendor's pages and set \
             usage.units_per_quota_unit.",
            grouped(row.plan_units.unwrap_or(0)),
            grouped(row.quota.unwrap_or(0))
        ));
    }
    let unknown = |seen: &LastSeen| seen.places().all(|place| rule.used(&place.usage()).is_none());
    if last.last_seen.as_ref().is_some_and(unknown) {
        notes.push("Usage is unknown, so this report cannot say how much was left.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests;
