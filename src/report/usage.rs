//! The usage report: what runs out first and when, what is left to allocate, who changed what, and which runs wait.

mod headline;
pub(in crate::report) mod input;
pub(in crate::report) mod organization;
mod others;
pub(in crate::report) mod page;
pub(in crate::report) mod summary;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::change::missing_quotas::AbsentOrganizations;
use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::quota::{self, OrgId, Target};
use crate::report::changes::diffs::changes_of;
use crate::report::changes::held::{HeldRun, held};
use crate::report::changes::row::{ChangeRow, rows_of_changes};
use crate::report::ranking::Ranking;
use crate::report::shared::level::Level;
use crate::report::shared::picture::Picture;
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, quota_status};
use crate::report::shared::rebalance::Rebalance;
use crate::report::shared::trends::Trends;
use crate::report::shared::{Extent, Footer, ReportContext, words};
use crate::report::table::{Table, attached_usage_table};
use crate::report::usage::headline::headline;
use crate::report::usage::input::UsageInput;
use crate::report::usage::organization::{Organization, organization};
use crate::report::usage::others::unlisted_sentences;
use crate::report::usage::summary::{Total, missing_snapshots_sentence, subject, todo};

/// So many account groups are listed, however well they stand; fewer where all is well, so that the mail fits a screen.
const ALWAYS_LISTED: usize = 10;
const LISTED_WHEN_WELL: usize = 3;
/// No more are listed, however badly they stand: the table has them all, and a mail has to stay small.
const LISTED: usize = 25;
const ORGANIZATIONS: usize = 12;
const ORGANIZATIONS_WHEN_WELL: usize = 3;
/// So many organizations and account groups get a picture: a mail has to stay small, and a person looks at few.
const DRAWN_ORGANIZATIONS: usize = 3;
const DRAWN_GROUPS: usize = 3;
const CHANGES: usize = 10;
const HELD: usize = 5;
/// Older data is no longer "the state now": snapshots are hourly, and a few may fail.
const STALE: TimeDelta = TimeDelta::hours(6);

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UsageReport {
    pub subject: String,
    pub headline: String,
    pub level: Level,
    /// The one organization in one line; none where there are several, or where nothing is known.
    pub total: Option<Total>,
    /// The one thing to do; empty when there is nothing.
    pub todo: String,
    pub organizations: Vec<Organization>,
    pub more_organizations: String,
    pub many_organizations: bool,
    pub account_groups: usize,
    /// The account groups that are listed, worst first.
    pub worst: Vec<QuotaStatus>,
    /// What is to be said of the account groups that are not listed, a sentence each.
    pub others: Vec<String>,
    pub changes: Vec<ChangeRow>,
    pub more_changes: usize,
    /// Why nothing is drawn; empty where something is.
    pub no_pictures: String,
    /// Whether something is drawn.
    pub drawn: bool,
    pub held: Vec<HeldRun>,
    pub more_held: usize,
    /// `07:00`, with its day, in the report's zone.
    pub data_from: String,
    pub data_age: String,
    pub data_is_old: bool,
    /// Which snapshots are missing since the last report; empty where none is.
    pub missing: String,
    /// Which organizations the API's answer lacked; empty where none is.
    pub absent: String,
    pub taken_at: DateTime<Utc>,
    pub slope_days: i64,
    /// The file name of the attached table.
    pub table: String,
    /// How many of the account groups the attached table has: the worst. Only of a report that is mailed.
    pub in_table: usize,
    pub imprint: Footer,
    /// The change file that is proposed to those who run out.
    #[serde(skip)]
    pub rebalance: Rebalance,
    /// What is attached.
    #[serde(skip)]
    pub attached: Vec<u8>,
    #[serde(skip)]
    pub identity: String,
}

pub(crate) fn usage_report(input: &UsageInput, context: &ReportContext) -> UsageReport {
    let taken_at = input.latest.taken_at;
    let judging = JudgingContext { taken_at, rule: input.rule, alerts: input.alerts, context };
    let ranking = Ranking::new(input.latest.places().enumerate(), usize::MAX, input.slopes, judging);
    let mut organizations = organizations(input, &ranking, judging);
    let own: Vec<&QuotaStatus> = organizations.iter().map(|organization| &organization.own).collect();
    let mut headline =
        format!("{}{}", headline(&ranking, &own, context), unknown_organizations(&organizations));
    let mut level = level_of_all(&ranking, &organizations);
    if let Some(absent) = input.absent {
        headline += &format!(" · {} missing", words::counted(absent.count, "organization"));
        level = level.max(Level::Warning);
    }
    let out = ranking.groups().filter(|group| group.rank.runs_out());
    let out = out.filter_map(|group| Some((&group.place.organization.id, group.place.aid()?)));
    let rebalance = input.terms.map(|terms| Rebalance::new(out, input.latest, terms));
    let todo = todo(input, &ranking, &organizations, rebalance.as_ref(), context);
    let total = Total::of_only(&organizations);
    let subject = subject(&headline, total.as_ref());
    let is_well = level == Level::Fine;
    let worst = worst(&ranking, is_well);
    let attached = match context.extent {
        Extent::Mail => attached_usage_table(&ranking),
        Extent::Whole => Table::default(),
    };

    let many_organizations = organizations.len() > 1;
    let at_most = context.at_most(if is_well { ORGANIZATIONS_WHEN_WELL } else { ORGANIZATIONS });
    let more_organizations = keep_worst(&mut organizations, at_most);

    let at_most = context.at_most(CHANGES);
    let changes = rows_of_changes(changes_of(input.diffs), at_most, input.latest, input.rule, context.zone);
    let more_changes = changes_of(input.diffs).count() - changes.len();
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
        account_groups: ranking.groups().count(),
        others: unlisted_sentences(&ranking, worst.len()),
        worst,
        changes,
        more_changes,
        no_pictures: String::new(),
        drawn: false,
        held: input.held.iter().take(context.at_most(HELD)).map(|summary| held(summary, context)).collect(),
        more_held: input.held.len().saturating_sub(context.at_most(HELD)),
        data_from: format!("{} {}", words::moment(taken_at, context.zone), context.zone),
        data_age: words::age(context.now - taken_at),
        data_is_old: context.now - taken_at > STALE,
        missing: missing_snapshots_sentence(input.missed, context),
        absent: input.absent.map(absent_sentence).unwrap_or_default(),
        taken_at,
        slope_days: SLOPE_DAYS,
        table: format!("usage-{day}.csv"),
        in_table: ranking.groups_among(attached.rows),
        attached: attached.bytes,
        imprint: context.into(),
        // One report a day of one snapshot: with stale data it comes again tomorrow, and says so.
        identity: format!("{} {day}", taken_at.timestamp()),
        rebalance: rebalance.unwrap_or_default(),
    }
}

/// All of them, in the order of the snapshot.
fn organizations(
    input: &UsageInput,
    ranking: &Ranking<'_>,
    judging: JudgingContext<'_>,
) -> Vec<Organization> {
    let numbers = input.latest.places().enumerate().filter(|(_, place)| place.account_group.is_none());
    let numbers: HashMap<&OrgId, usize> =
        numbers.map(|(number, place)| (&place.organization.id, number)).collect();
    let of_level = groups_by_level(ranking);
    let counted = |seen: &quota::Organization| {
        let slope = numbers.get(&seen.id).and_then(|number| input.slopes.at(*number));
        let (critical, warnings) = of_level.get(&seen.id).copied().unwrap_or_default();
        let status = quota_status(&seen.row(), slope, judging);
        organization(seen, status, input.rule, judging.context).with_groups(critical, warnings)
    };
    input.latest.organizations().iter().map(counted).collect()
}

/// The account groups that are listed: the worst of those of which it is known how they stand.
fn worst(ranking: &Ranking<'_>, is_well: bool) -> Vec<QuotaStatus> {
    let measured = || ranking.groups().filter(|group| ranking.is_measured(group));
    let bad = measured().filter(|group| group.rank.level > Level::Fine).count();
    let least = if is_well { LISTED_WHEN_WELL } else { ALWAYS_LISTED };
    measured().take(bad.clamp(least, LISTED)).map(|group| ranking.status(group)).collect()
}

/// The worst level of all; nobody is well of whom nothing is known, and to see nobody is not well either.
fn level_of_all(ranking: &Ranking<'_>, organizations: &[Organization]) -> Level {
    let own = organizations.iter().map(|organization| organization.own.level);
    let level = ranking.groups().map(|group| group.rank.level).chain(own).max().unwrap_or(Level::Fine);
    let is_blind =
        organizations.is_empty() || organizations.iter().any(|organization| organization.usage_is_unknown);
    if is_blind { level.max(Level::Warning) } else { level }
}

impl UsageReport {
    /// What is listed: each gets its trend in words.
    fn listed_mut(&mut self) -> impl Iterator<Item = &mut QuotaStatus> {
        let own = self.organizations.iter_mut().map(|organization| &mut organization.own);
        own.chain(self.worst.iter_mut())
    }

    /// What is worth a picture: the worst organizations whose usage is known, and the worst account groups in trouble.
    fn worth_drawing(&mut self) -> impl Iterator<Item = &mut QuotaStatus> {
        let own = self.organizations.iter_mut().map(|organization| &mut organization.own);
        // Of many organizations that are well none needs a picture.
        let most = if self.level == Level::Fine && self.many_organizations { 0 } else { DRAWN_ORGANIZATIONS };
        let own = own.filter(|own| own.used.is_some()).take(most);
        let groups = self.worst.iter_mut().filter(|group| group.level > Level::Fine).take(DRAWN_GROUPS);
        own.chain(groups)
    }

    /// The targets of [`Self::draw`].
    pub(crate) fn targets_to_draw(&mut self) -> Vec<Target> {
        self.listed_mut().map(|status| status.target.clone()).collect()
    }

    /// Says the trend of all that is listed, and draws those few that are looked at first.
    pub(crate) fn draw(&mut self, trends: &Trends) {
        for status in self.listed_mut() {
            status.trend = trends.words(status).into();
        }
        for (number, status) in (1..).zip(self.worth_drawing()) {
            status.picture = trends.picture(status, number).map(Box::new);
        }
        self.drawn = !self.pictures().is_empty();
        if !self.drawn && self.worth_drawing().next().is_some() {
            "No trends are drawn yet: they need two snapshots of this cycle, half a day apart."
                .clone_into(&mut self.no_pictures);
        }
    }

    pub(crate) fn pictures(&self) -> Vec<&Picture> {
        let own = self.organizations.iter().map(|organization| &organization.own);
        own.chain(&self.worst).filter_map(|status| status.picture.as_deref()).collect()
    }

    /// Leaves the words, which say the same.
    pub(crate) fn without_pictures(mut self) -> Self {
        self.worth_drawing().for_each(|status| status.picture = None);
        self.drawn = false;
        self
    }
}

/// ` · usage of 3 of 6 organizations is unknown`: what the headline cannot speak of. Where all are, it says so itself.
fn unknown_organizations(organizations: &[Organization]) -> String {
    let count = organizations.iter().filter(|organization| organization.usage_is_unknown).count();
    if count == 0 || count == organizations.len() {
        return String::new();
    }
    format!(
        " · usage of {} of {} is unknown",
        words::number(count),
        words::counted(organizations.len(), "organization")
    )
}

fn absent_sentence(absent: &AbsentOrganizations) -> String {
    let (whose, count, lack) =
        if absent.count == 1 { ("Its", "It counts", "it") } else { ("Their", "They count", "them") };
    format!(
        "{}. {whose} account groups are not in this report. {count} as removed once the snapshots of a whole day lack {lack}.",
        absent.what
    )
}

/// How many account groups of each organization are critical, and how many are warned of.
fn groups_by_level<'a>(ranking: &Ranking<'a>) -> HashMap<&'a OrgId, (usize, usize)> {
    let mut counts: HashMap<&OrgId, (usize, usize)> = HashMap::new();
    for group in ranking.groups().filter(|group| group.rank.level > Level::Fine) {
        let (critical, warnings) = counts.entry(&group.place.organization.id).or_default();
        *(if group.rank.level == Level::Critical { critical } else { warnings }) += 1;
    }
    counts
}

/// Those that are listed, worst first, and a sentence on the others.
fn keep_worst(organizations: &mut Vec<Organization>, at_most: usize) -> String {
    organizations.sort_by(Organization::worst_first);
    let unlisted = organizations.split_off(at_most.min(organizations.len()));
    match unlisted.len() {
        0 => String::new(),
        more => format!("{} more: {}.", words::counted(more, "organization"), state_of(&unlisted)),
    }
}

/// How those stand that are not listed.
fn state_of(others: &[Organization]) -> String {
    let in_trouble = others.iter().filter(|other| !other.trouble.is_empty()).count();
    if in_trouble > 0 {
        return format!("account groups of {} of them need attention", words::number(in_trouble));
    }
    let bad = others.iter().filter(|other| other.own.runs_out()).count();
    let unknown = others.iter().filter(|other| other.usage_is_unknown).count();
    match (bad, unknown) {
        (0, 0) => "none of them runs out".to_owned(),
        (0, unknown) if unknown == others.len() => "usage unknown".to_owned(),
        (0, unknown) => format!(
            "none of them is known to run out, and the usage of {} is unknown",
            words::number(unknown)
        ),
        (1, _) => "one of them runs out".to_owned(),
        (bad, _) => format!("{} of them run out", words::number(bad)),
    }
}

#[cfg(test)]
mod tests;
