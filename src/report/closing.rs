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
mod section;
mod totals;
pub(in crate::report) mod wording;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use self::totals::{began_late, last_partial_reading, total, year};
use crate::domain::diff::Diff;
use crate::domain::quota::{Aid, Organization, Snapshot, SnapshotRow, Target, Units, UsageRule};
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use crate::report::closing::cycle_usage::{CycleUsage, cycle_usage, spent_by};
use crate::report::closing::section::Section;
use crate::report::closing::wording::{
    TOO_MANY, as_of, changes, compared, cycle_dates, fine_sentence, headline, largest_sentence, more,
    projection, year_total,
};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{name_and_id, org_name};
use crate::report::shared::{Extent, Footer, ReportContext, words};
use crate::text::words::grouped;

/// So many organizations are shown in full, the worst first; then so many in a line; the table has them all.
const DETAILED: usize = 3;
const BRIEF: usize = 8;
/// Account groups of one organization that are listed because they ran out.
const RAN_OUT: usize = 6;

/// What the report is made from.
pub(crate) struct ClosingInput<'a> {
    pub closed: &'a [ClosedCycles],
    /// What changed since the earliest of these cycles began.
    pub diffs: &'a [Diff],
    pub latest: &'a Snapshot,
    pub rule: &'a UsageRule,
}

/// A line of the full table.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub target: Target,
    pub org_name: String,
    pub spent: CycleUsage,
    pub plan: Option<Units>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub seen_at: Option<DateTime<Utc>>,
    /// What the API projected in the middle of the cycle, for the one that closed.
    pub projected: Option<Units>,
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
    /// How many rows it has.
    pub in_table: usize,
    pub data_from: String,
    pub data_age: String,
    pub imprint: Footer,
    #[serde(skip)]
    pub all: Vec<Line>,
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
    let mut sections: Vec<Section> =
        input.closed.iter().map(|closed| section(closed, input, context)).collect();
    sections.sort_by_key(Section::worst_first);
    let headline = headline(&sections);
    let level = sections.iter().map(|section| section.spent.level).max().unwrap_or(Level::Fine);
    let many_organizations = sections.len() > 1;
    let mut brief = sections.split_off(context.at_most(DETAILED).min(sections.len()));
    let rest = brief.split_off(BRIEF.min(brief.len()));
    let all: Vec<Line> = input.closed.iter().flat_map(|closed| lines(closed, input)).collect();
    let ended = |closed: &ClosedCycles| format!("{} {}", closed.org_id, closed.cycles[0].end.timestamp());
    ClosingReport {
        subject: headline.clone(),
        headline,
        level,
        more: more(&rest),
        sections,
        brief,
        many_organizations,
        rows: all.len(),
        in_table: all.len(),
        table: format!("closing-{}.csv", context.now.with_timezone(&context.zone).format("%Y-%m-%d")),
        data_from: format!("{} {}", words::moment(input.latest.taken_at, context.zone), context.zone),
        data_age: words::age(context.now - input.latest.taken_at),
        imprint: context.into(),
        all,
        listed: String::new(),
        // What closed: reported again, from whatever snapshots, it is the same mail.
        identity: input.closed.iter().map(ended).collect::<Vec<_>>().join("\n"),
    }
}

fn section(closed: &ClosedCycles, input: &ClosingInput<'_>, context: &ReportContext) -> Section {
    let rule = input.rule;
    let last = &closed.cycles[0];
    let seen = || closed.cycles.iter().filter_map(|cycle| cycle.last_seen.as_ref());
    let partial = seen().next().is_some()
        && seen().flat_map(LastSeen::places).all(|place| place.account_group.is_some());
    let rows: Vec<SnapshotRow<'_>> = last.last_seen.iter().flat_map(LastSeen::rows).collect();
    let (name, id, org_name) = names(closed, &rows_with_names(closed, input.latest), partial);
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
    ran_out.truncate(context.at_most(RAN_OUT));
    let mut groups: Vec<CycleUsage> = match context.extent {
        Extent::Whole if !alone => others.into_iter().cloned().collect(),
        Extent::Whole | Extent::Mail => Vec::new(),
    };
    groups.sort_by_key(|group| Reverse((group.percent, group.used)));
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
        groups,
        year_title: format!("{} so far", last.year(context.zone)),
        year_total: year_total(&year, began_late(closed, context), closed.cut),
        year,
        month: last.middle().with_timezone(&context.zone).format("%b").to_string(),
        several,
        groups_out,
    }
}

/// The rows that give the names: of the last cycle that was seen, else of the latest snapshot.
fn rows_with_names<'a>(closed: &'a ClosedCycles, latest: &'a Snapshot) -> Vec<SnapshotRow<'a>> {
    let seen = closed
        .cycles
        .iter()
        .filter_map(|cycle| cycle.last_seen.as_ref())
        .find(|seen| seen.places().next().is_some());
    match seen {
        Some(seen) => seen.rows().collect(),
        None => latest.organization(&closed.org_id).into_iter().flat_map(Organization::rows).collect(),
    }
}

/// Name, id and the organization's name, of whatever the section is about.
fn names(closed: &ClosedCycles, rows: &[SnapshotRow<'_>], partial: bool) -> (String, String, String) {
    let unknown = SnapshotRow::new(Target { org_id: closed.org_id.clone(), aid: None });
    let first = rows.first().unwrap_or(&unknown);
    let (org_name, org_id) = (org_name(first), words::clean(closed.org_id.as_str(), 30));
    match rows {
        _ if !partial => (org_name.clone(), org_id, org_name),
        [one] => {
            let (name, id) = name_and_id(one);
            (name, id, org_name)
        }
        several => {
            let groups = words::counted(several.len(), "account group");
            (format!("{groups} of {org_name}"), org_id, org_name)
        }
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

/// Every target in the cycle that closed, and those that the year is about in the cycles before.
fn lines(closed: &ClosedCycles, input: &ClosingInput<'_>) -> Vec<Line> {
    let rule = input.rule;
    let unseen = SnapshotRow {
        org_name: rows_with_names(closed, input.latest)
            .first()
            .map(|row| row.org_name.clone())
            .unwrap_or_default(),
        ..SnapshotRow::new(Target { org_id: closed.org_id.clone(), aid: None })
    };
    let seen = || closed.cycles.iter().filter_map(|cycle| cycle.last_seen.as_ref());
    let has_own = seen().flat_map(LastSeen::places).any(|place| place.account_group.is_none());
    let middle = closed.middle.iter().flat_map(LastSeen::places);
    let projected: BTreeMap<Option<&Aid>, Units> =
        middle.filter_map(|place| Some((place.aid(), rule.projected(&place.usage())?))).collect();
    let mut lines = Vec::new();
    for (index, cycle) in closed.cycles.iter().enumerate() {
        let line = |row: &SnapshotRow<'_>, seen_at| Line {
            target: row.target.clone(),
            org_name: org_name(row),
            spent: spent_by(row, rule),
            plan: rule.plan(row.plan_units).filter(|_| row.target.aid.is_none()),
            start: cycle.start,
            end: cycle.end,
            seen_at,
            projected: projected.get(&row.target.aid.as_ref()).copied().filter(|_| index == 0),
        };
        match &cycle.last_seen {
            Some(seen) => {
                let shown = seen.rows().filter(|row| index == 0 || !has_own || row.target.aid.is_none());
                lines.extend(shown.map(|row| line(&row, Some(seen.at))));
            }
            None => lines.push(line(&unseen, None)),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
