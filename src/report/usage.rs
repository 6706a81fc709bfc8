//! The usage report: what runs out first and when, what is still to hand out, who changed what, what waits.

pub(in crate::report) mod summary;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::change::RunStory;
use crate::config::Alerts;
use crate::domain::diff::Diff;
use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::quota::{self, Snapshot, SnapshotRow, Target, Units, UsageRule, grouped};
use crate::report::changes::held::{Held, held};
use crate::report::changes::row::{ChangeRow, rows_of_diffs};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{Judging, Standing, org_name, standing, standings};
use crate::report::shared::trends::{Picture, Points, Trends};
use crate::report::shared::{Imprint, ReportContext, words};
use crate::report::usage::summary::{Total, headline, missing, others, subject, todo};
use crate::schedule::Missed;

/// So many account groups are always listed, however well they stand.
const ALWAYS_LISTED: usize = 10;
/// No more are listed, however badly they stand: the table has them all, and a mail has to stay small.
const LISTED: usize = 25;
const ORGANIZATIONS: usize = 12;
/// So many organizations and account groups get a picture: a mail has to stay small, and a person looks at few.
const DRAWN_ORGANIZATIONS: usize = 3;
const DRAWN_GROUPS: usize = 3;
const CHANGES: usize = 10;
const HELD: usize = 5;
/// Older data is no longer "the state now": snapshots are hourly, and a few may fail.
const STALE: TimeDelta = TimeDelta::hours(6);

/// What the report is made from.
pub(crate) struct UsageInput<'a> {
    pub latest: &'a Snapshot,
    /// What was used at earlier moments of this cycle and in the latest, for the slope.
    pub points: &'a Points,
    /// What changed since the last report, each diff with its window of time.
    pub diffs: &'a [Diff],
    /// The snapshots that should have been taken since the last report and were not, gap by gap.
    pub missed: &'a [Missed],
    /// The runs that wait for a person.
    pub held: &'a [RunStory],
    pub rule: &'a UsageRule,
    pub alerts: &'a Alerts,
}

/// One organization: its own quota, and what of it its account groups were given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Organization {
    #[serde(flatten)]
    pub own: Standing,
    pub plan: Option<Units>,
    pub account_groups: usize,
    /// The sum of its account groups' quotas.
    pub allocated: Units,
    /// What can still be handed out.
    pub unallocated: Option<Units>,
    pub over_allocated: Option<Units>,
    /// Usage of the next cycle, as tests are configured now.
    pub next_cycle: Option<Units>,
    pub next_cycle_exceeds: bool,
    /// `5 Nov to 5 Dec`.
    pub cycle: String,
    pub days_left: Option<i64>,
    /// What a person must know to read these figures rightly.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub units_mismatch: bool,
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UsageReport {
    pub subject: String,
    pub headline: String,
    pub level: Level,
    /// All organizations in one line; none where nothing is known.
    pub total: Option<Total>,
    /// The one thing to do; empty when there is nothing.
    pub todo: String,
    pub organizations: Vec<Organization>,
    pub more_organizations: String,
    pub many_organizations: bool,
    pub account_groups: usize,
    /// The account groups that are listed, worst first.
    pub worst: Vec<Standing>,
    /// What is to be said of the account groups that are not listed, a sentence each.
    pub others: Vec<String>,
    pub changes: Vec<ChangeRow>,
    pub more_changes: usize,
    /// Why nothing is drawn; empty where something is.
    pub no_pictures: String,
    /// Whether something is drawn.
    pub drawn: bool,
    pub held: Vec<Held>,
    pub more_held: usize,
    /// `07:00`, with its day, in the report's zone.
    pub data_from: String,
    pub data_age: String,
    pub data_is_old: bool,
    /// Which snapshots are missing since the last report; empty where none is.
    pub missing: String,
    pub taken_at: DateTime<Utc>,
    pub slope_days: i64,
    /// The file name of the full table.
    pub table: String,
    pub imprint: Imprint,
    #[serde(skip)]
    pub all: Vec<Standing>,
    #[serde(skip)]
    pub identity: String,
}

pub(crate) fn usage_report(input: &UsageInput, context: &ReportContext) -> UsageReport {
    let judging =
        Judging { taken_at: input.latest.taken_at, rule: input.rule, alerts: input.alerts, context };
    let all: Vec<Standing> = standings(input.latest, input.points, judging).collect();
    let stand = |row: &SnapshotRow<'_>| match all.binary_search_by(|seen| seen.target.cmp(&row.target)) {
        Ok(place) => all[place].clone(),
        Err(_) => standing(row, &[], judging),
    };
    let seen = input.latest.organizations().iter();
    let mut organizations: Vec<Organization> =
        seen.map(|seen| organization(seen, stand(&seen.row()), input.rule, context)).collect();
    let mut groups: Vec<&Standing> = all.iter().filter(|standing| standing.target.aid.is_some()).collect();
    groups.sort_by(|a, b| a.worst_first(b));
    let own: Vec<&Standing> = organizations.iter().map(|organization| &organization.own).collect();
    let headline = format!("{}{}", headline(&groups, &own, context), unknown_organizations(input));
    let level = groups.iter().chain(&own).map(|standing| standing.level).max().unwrap_or(Level::Fine);
    let todo = todo(input, &groups, &organizations, context);
    let total = Total::of(&organizations);
    let subject = subject(&headline, total.as_ref());

    let measured: Vec<&Standing> = groups.iter().copied().filter(|standing| standing.is_measured()).collect();
    let bad = measured.iter().filter(|standing| standing.level > Level::Fine).count();
    let (listed, unlisted) = measured.split_at(bad.clamp(ALWAYS_LISTED, LISTED).min(measured.len()));
    let others = others(&groups, listed.len(), unlisted);
    let worst = listed.iter().copied().cloned().collect();
    let account_groups = groups.len();

    let many_organizations = organizations.len() > 1;
    organizations.sort_by(|a, b| a.own.worst_first(&b.own));
    let more_organizations = match organizations.len().saturating_sub(ORGANIZATIONS) {
        0 => String::new(),
        more => {
            let bad = organizations[ORGANIZATIONS..].iter().filter(|other| other.own.runs_out()).count();
            let state = if bad == 0 {
                "none of them runs out".to_owned()
            } else {
                format!("{} of them run out", words::number(bad))
            };
            format!("{} more: {state}.", words::counted(more, "organization"))
        }
    };
    organizations.truncate(ORGANIZATIONS);

    let mut changes = rows_of_diffs(input.diffs, input.latest, input.rule, context.zone);
    let more_changes = changes.len().saturating_sub(CHANGES);
    changes.truncate(CHANGES);
    let taken_at = input.latest.taken_at;
    let day = context.now.with_timezone(&context.zone).format("%Y-%m-%d");
    UsageReport {
        subject,
        headline,
        level,
        total,
        todo,
        organizations,
        more_organizations,
        many_organizations,
        account_groups,
        worst,
        others,
        changes,
        more_changes,
        no_pictures: String::new(),
        drawn: false,
        held: input.held.iter().take(HELD).map(|story| held(story, context)).collect(),
        more_held: input.held.len().saturating_sub(HELD),
        data_from: format!("{} {}", words::moment(taken_at, context.zone), context.zone),
        data_age: words::age(context.now - taken_at),
        data_is_old: context.now - taken_at > STALE,
        missing: missing(input.missed, context),
        taken_at,
        slope_days: SLOPE_DAYS,
        table: format!("usage-{day}.csv"),
        imprint: context.into(),
        // One report a day of one snapshot: with stale data it comes again tomorrow, and says so.
        identity: format!("{} {day}", taken_at.timestamp()),
        all,
    }
}

impl UsageReport {
    /// What is listed: each gets its trend in words.
    fn listed(&mut self) -> impl Iterator<Item = &mut Standing> {
        let own = self.organizations.iter_mut().map(|organization| &mut organization.own);
        own.chain(self.worst.iter_mut())
    }

    /// What is worth a picture: the worst organizations whose usage is known, and the worst account groups in trouble.
    fn worth_drawing(&mut self) -> impl Iterator<Item = &mut Standing> {
        let own = self.organizations.iter_mut().map(|organization| &mut organization.own);
        let own = own.filter(|own| own.used.is_some()).take(DRAWN_ORGANIZATIONS);
        let groups = self.worst.iter_mut().filter(|group| group.level > Level::Fine).take(DRAWN_GROUPS);
        own.chain(groups)
    }

    /// The targets of [`Self::draw`].
    pub(crate) fn targets_to_draw(&mut self) -> Vec<Target> {
        self.listed().map(|standing| standing.target.clone()).collect()
    }

    /// Says the trend of all that is listed, and draws those few that are looked at first.
    pub(crate) fn draw(&mut self, trends: &Trends) {
        for standing in self.listed() {
            standing.trend = trends.words(standing);
        }
        for (number, standing) in (1..).zip(self.worth_drawing()) {
            standing.picture = trends.picture(standing, number);
        }
        self.drawn = !self.pictures().is_empty();
        if !self.drawn && self.worth_drawing().next().is_some() {
            "No trends are drawn yet: they need two snapshots of this cycle, half a day apart."
                .clone_into(&mut self.no_pictures);
        }
    }

    pub(crate) fn pictures(&self) -> Vec<&Picture> {
        let own = self.organizations.iter().map(|organization| &organization.own);
        own.chain(&self.worst).filter_map(|standing| standing.picture.as_ref()).collect()
    }

    /// Leaves the words, which say the same.
    pub(crate) fn without_pictures(mut self) -> Self {
        self.worth_drawing().for_each(|standing| standing.picture = None);
        self.drawn = false;
        self
    }
}

/// ` · usage of 3 of 6 organizations is unknown`: what the headline cannot speak of. Where all are, it says so itself.
fn unknown_organizations(input: &UsageInput<'_>) -> String {
    let is_unknown = |row: SnapshotRow<'_>| input.rule.needed(&row.usage).is_none();
    let organizations = input.latest.organizations();
    let count = organizations.iter().filter(|seen| seen.rows().all(is_unknown)).count();
    if count == 0 || count == organizations.len() {
        return String::new();
    }
    format!(
        " · usage of {} of {} is unknown",
        words::number(count),
        words::counted(organizations.len(), "organization")
    )
}

pub(super) fn organization(
    seen: &quota::Organization,
    standing: Standing,
    rule: &UsageRule,
    context: &ReportContext,
) -> Organization {
    // Without a row of its own the organization is known by its account groups only.
    let row = seen.row();
    let allocated = seen.allocated();
    let left = row.quota.map(|quota| quota.saturating_sub(allocated));
    let next_cycle = rule.counted(row.cloud_next_period, row.enterprise_next_period);
    let (start, end) = (seen.period_start, seen.period_end);
    let units_mismatch = rule.looks_mismatched(&row);
    let mut notes = Vec::new();
    if units_mismatch {
        let (plan, quota) = (row.plan_units.unwrap_or(0), row.quota.unwrap_or(0));
        notes.push(format!(
            "The plan of {} and the quota of {} seem to count in different units: compare them with the vendor's \
             pages and set usage.units_per_quota_unit (to 1 if they are right as they are).",
            grouped(plan),
            grouped(quota)
        ));
    }
    if rule.needed(&row.usage).is_none() {
        let groups_known = seen.account_groups.iter().any(|group| rule.needed(&group.usage()).is_some());
        let note = if groups_known {
            "Its own usage is unknown; that of its account groups is not."
        } else {
            "Usage is unknown: nothing here says how much is left."
        };
        notes.push(note.to_owned());
    }
    Organization {
        plan: row.plan_units,
        account_groups: seen.account_groups.len(),
        allocated,
        unallocated: left.filter(|left| *left >= 0),
        over_allocated: left.filter(|left| *left < 0).map(Units::saturating_neg),
        next_cycle,
        next_cycle_exceeds: next_cycle.zip(row.quota).is_some_and(|(next, quota)| next > quota),
        cycle: start.zip(end).map_or_else(String::new, |(start, end)| {
            format!("{} to {}", words::short_day(start, context.zone), words::short_day(end, context.zone))
        }),
        days_left: end.map(|end| ((end - context.now).num_hours() + 23).max(0) / 24),
        notes,
        units_mismatch,
        own: Standing { name: org_name(&row), ..standing },
    }
}

#[cfg(test)]
mod tests;
