//! The mail of alerts: what crossed a limit and why, what is back to normal, what to do, and what is muted.

pub(in crate::report) mod crossings;
mod input;
mod muted;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

pub(crate) use self::input::AlertInput;
use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::quota::{OrgId, SnapshotRow, Target};
use crate::domain::top_consumers::TopConsumer;
use crate::report::alerts::crossings::{AlertEvent, AlertTiming};
use crate::report::alerts::muted::muted_sentences;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{
    JudgingContext, QuotaStatus, Shortage, level_of, name_and_id, org_name, quota_status,
};
use crate::report::shared::rebalance::{Rebalance, RebalanceRow};
use crate::report::shared::{Audience, Footer, ReportContext, page_of, words};
use crate::report::usage::organization::organization;
use crate::report::usage::summary::{Others, followed_by, needs_sentence, sources_sentence};
use crate::text::words::grouped;

/// No more are listed of a kind, however many there are: a mail has to stay small.
const LISTED: usize = 15;

/// One target that crossed a limit, as it stands now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertRow {
    #[serde(flatten)]
    pub status: QuotaStatus,
    /// `previously fine`, `previously a warning`.
    pub was: &'static str,
    /// When it was first seen so.
    pub since: String,
    /// `portal (Page Load) 1 900 · VPN (Agent to Server) 800`: what to cut first; empty where that is not known.
    pub largest: String,
    /// Where its own page is, below that of the daemon.
    pub page: String,
}

/// One target that is back to normal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecoveredTarget {
    pub name: String,
    pub id: String,
    pub org_name: String,
    /// `previously critical`.
    pub was: &'static str,
    pub why: String,
    pub page: String,
}

impl RecoveredTarget {
    fn name_among(&self, many_organizations: bool) -> String {
        if many_organizations && self.org_name != self.name {
            format!("{} ({})", self.name, self.org_name)
        } else {
            self.name.clone()
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertReport {
    pub subject: String,
    pub headline: String,
    pub title: &'static str,
    pub level: Level,
    /// The one thing to do; empty when there is nothing.
    pub todo: String,
    pub critical: Vec<AlertRow>,
    pub more_critical: usize,
    pub warnings: Vec<AlertRow>,
    pub more_warnings: usize,
    pub recovered: Vec<RecoveredTarget>,
    pub more_recovered: usize,
    /// The rows of a change file that gives each account group what it needs; empty where there is nothing to give.
    pub proposed: Vec<RebalanceRow>,
    /// How many of its rows are in the attached file alone.
    pub more_proposed: usize,
    /// What it moves, and who will still lack something, a sentence each.
    pub proposal_notes: Vec<String>,
    #[serde(skip)]
    pub rebalance: Rebalance,
    /// What is over its limits and muted, and why, a sentence each.
    pub muted: Vec<String>,
    pub many_organizations: bool,
    /// Its readers have no access to quotakeeper: no command is named.
    pub to_owners: bool,
    pub data_from: String,
    pub data_age: String,
    pub slope_days: i64,
    pub imprint: Footer,
    /// Where its readers are listed; empty for those under `mail.to`.
    #[serde(skip)]
    pub listed: String,
    #[serde(skip)]
    pub identity: String,
}

impl AlertReport {
    /// Where the page of what it is about is, and what leads there: that of one target, or the list of the worst; none for
    /// owners.
    pub(in crate::report) fn page(&self) -> Option<(String, &'static str)> {
        let more = self.more_critical + self.more_warnings + self.more_recovered;
        let reported = || self.critical.iter().chain(&self.warnings).map(|row| &row.page);
        let all: Vec<&String> = reported().chain(self.recovered.iter().map(|row| &row.page)).collect();
        let has_both = !self.critical.is_empty() && !self.warnings.is_empty();
        Some(match (all.as_slice(), self.level) {
            _ if self.to_owners => return None,
            ([one], _) if more == 0 => ((*one).clone(), "Open it"),
            (_, Level::Critical) if has_both => {
                ("/groups#state=critical".to_owned(), "Open all that are critical")
            }
            (_, Level::Critical) => ("/groups#state=critical".to_owned(), "Open them all"),
            (_, Level::Warning) => ("/groups#state=warning".to_owned(), "Open them all"),
            (_, Level::Fine) => ("/groups".to_owned(), "Open the account groups"),
        })
    }
}

/// None when there is nothing to report that is not muted.
pub(crate) fn alert_report(input: &AlertInput<'_>, context: &ReportContext) -> Option<AlertReport> {
    let reported = visible_news(input, context);
    let to_owners = input.audience == Audience::Owners;
    let is_due = match input.occasion {
        // What is back to normal goes along with what is reported as critical.
        _ if to_owners => !reported.is_empty(),
        AlertTiming::Snapshot => reported.iter().any(|(news, _)| news.level == Level::Critical),
        AlertTiming::Digest => !reported.is_empty(),
    };
    if !is_due {
        return None;
    }
    let statuses = quota_statuses(input, &reported, context);
    let of_level = |level| rows(level, &reported, &statuses, context);
    let (mut critical, mut warnings) = (of_level(Level::Critical), of_level(Level::Warning));
    let mut recovered = recovered_rows(&reported);

    // Owners see their own targets alone, and two organizations may have groups of the same name.
    let many_organizations = to_owners || input.latest.organizations().len() > 1;
    let headline = headline(&critical, &warnings, &recovered, many_organizations, context);
    let in_trouble: Vec<&QuotaStatus> = critical.iter().chain(&warnings).map(|row| &row.status).collect();
    let rebalance = match input.audience {
        Audience::Administrators => {
            let groups = in_trouble
                .iter()
                .filter_map(|status| Some((&status.target.org_id, status.target.aid.as_ref()?)));
            Rebalance::new(groups, input.latest, input.terms)
        }
        Audience::Owners => Rebalance::default(),
    };
    let todo = todo(&in_trouble, input, &statuses, &rebalance, context);
    let level = match (critical.is_empty(), warnings.is_empty()) {
        (false, _) => Level::Critical,
        (true, false) => Level::Warning,
        (true, true) => Level::Fine,
    };
    let more = |count: usize| count.saturating_sub(LISTED);
    let (more_critical, more_warnings, more_recovered) =
        (more(critical.len()), more(warnings.len()), more(recovered.len()));
    critical.truncate(LISTED);
    warnings.truncate(LISTED);
    recovered.truncate(LISTED);
    let taken_at = input.latest.taken_at;
    Some(AlertReport {
        subject: headline.clone(),
        headline,
        title: match input.occasion {
            AlertTiming::Snapshot => "Alert",
            AlertTiming::Digest => "Daily digest of alerts",
        },
        level,
        todo,
        critical,
        more_critical,
        warnings,
        more_warnings,
        recovered,
        more_recovered,
        more_proposed: rebalance.rows() - rebalance.shown().len(),
        proposed: rebalance.shown(),
        proposal_notes: rebalance.notes(),
        rebalance,
        muted: muted_sentences(input, &statuses, context),
        many_organizations,
        to_owners,
        data_from: format!("{} {}", words::moment(taken_at, context.zone), context.zone),
        data_age: words::age(context.now - taken_at),
        slope_days: SLOPE_DAYS,
        imprint: context.into(),
        listed: String::new(),
        identity: identity(&reported, input.audience),
    })
}

/// What is to be reported, with the row that shows it now.
type ReportedNews<'a> = Vec<(&'a AlertEvent, SnapshotRow<'a>)>;

/// Without what is muted, and what is no longer visible.
fn visible_news<'a>(input: &AlertInput<'a>, context: &ReportContext) -> ReportedNews<'a> {
    let is_muted = |row: &SnapshotRow<'_>| input.alerts.active_mute(row, context.now, context.zone).is_some();
    let visible = input.news.iter().filter_map(|news| Some((news, input.latest.row(&news.target)?)));
    visible.filter(|(_, row)| !is_muted(row)).collect()
}

/// How those stand that the mail speaks of: what is said of a target depends on the others of its organization, and on what is in
/// trouble and muted.
fn quota_statuses(
    input: &AlertInput<'_>,
    reported: &ReportedNews<'_>,
    context: &ReportContext,
) -> BTreeMap<Target, QuotaStatus> {
    let organizations: HashSet<&OrgId> = reported.iter().map(|(_, row)| &row.target.org_id).collect();
    let taken_at = input.latest.taken_at;
    let judging = JudgingContext { taken_at, rule: input.terms.rule, alerts: input.alerts, context };
    let rows = input.latest.rows().enumerate().filter_map(|(place, row)| {
        let slope = input.slopes.at(place);
        let is_told =
            organizations.contains(&row.target.org_id) || level_of(&row, slope, judging) > Some(Level::Fine);
        is_told.then(|| (row.target.clone(), quota_status(&row, slope, judging)))
    });
    rows.collect()
}

/// Those of a level, the worst first.
fn rows(
    level: Level,
    reported: &ReportedNews<'_>,
    statuses: &BTreeMap<Target, QuotaStatus>,
    context: &ReportContext,
) -> Vec<AlertRow> {
    let of_level = reported.iter().filter(|(news, _)| news.level == level);
    let row = |(news, row): &(&AlertEvent, SnapshotRow<'_>)| {
        let mut status = statuses.get(&row.target)?.clone();
        if status.why.is_empty() {
            // Its usage is unknown by now: what was seen stands.
            status.why = news.why.clone().into();
        }
        let since = words::moment(news.at, context.zone);
        let test = |test: &TopConsumer| format!("{} {}", test.label, grouped(test.projected));
        let largest = news.largest.iter().map(test).collect::<Vec<_>>().join(", ");
        Some(AlertRow { status, was: previous_level(news.was), since, largest, page: page_of(&row.target) })
    };
    let mut rows: Vec<AlertRow> = of_level.filter_map(row).collect();
    rows.sort_by(|a, b| a.status.worst_first(&b.status));
    rows
}

fn recovered_rows(reported: &ReportedNews<'_>) -> Vec<RecoveredTarget> {
    let row = |(news, row): &(&AlertEvent, SnapshotRow<'_>)| {
        let (name, id) = match &row.target.aid {
            Some(_) => name_and_id(row),
            None => (org_name(row), name_and_id(row).1),
        };
        let why = words::clean(&news.why, 200);
        RecoveredTarget {
            name,
            id,
            org_name: org_name(row),
            was: previous_level(news.was),
            why,
            page: page_of(&row.target),
        }
    };
    reported.iter().filter(|(news, _)| news.level == Level::Fine).map(row).collect()
}

/// What is reported, and the snapshots that showed it: made again after a crash, it is the same mail.
fn identity(reported: &[(&AlertEvent, SnapshotRow<'_>)], audience: Audience) -> String {
    let one = |(news, _): &(&AlertEvent, SnapshotRow<'_>)| {
        format!("{} {} {:?} {}", news.target, news.cycle, news.level, news.at.timestamp())
    };
    let reported = reported.iter().map(one).collect::<Vec<_>>().join("\n");
    match audience {
        Audience::Administrators => reported,
        Audience::Owners => format!("to owners\n{reported}"),
    }
}

fn previous_level(level: Level) -> &'static str {
    match level {
        Level::Fine => "previously fine",
        Level::Warning => "previously a warning",
        Level::Critical => "previously critical",
    }
}

/// `EMEA Branches runs out on 27 Nov · 2 more critical · 1 back to normal`.
fn headline(
    critical: &[AlertRow],
    warnings: &[AlertRow],
    recovered: &[RecoveredTarget],
    many_organizations: bool,
    context: &ReportContext,
) -> String {
    let mut parts = Vec::new();
    let mut counted = |count: usize, first: bool, kind: &str| {
        let count = count - usize::from(first);
        if count > 0 {
            parts.push(format!("{}{} {kind}", words::number(count), if first { " more" } else { "" }));
        }
    };
    let lead = critical.first().or(warnings.first());
    counted(critical.len(), !critical.is_empty(), "critical");
    let first_is_warning = critical.is_empty() && !warnings.is_empty();
    let plural = warnings.len() - usize::from(first_is_warning) != 1;
    counted(warnings.len(), first_is_warning, if plural { "warnings" } else { "warning" });
    counted(recovered.len(), lead.is_none(), "back to normal");
    let first = match (lead, recovered.first()) {
        (Some(row), _) => forecast_sentence(&row.status, many_organizations, context),
        (None, Some(one)) => format!("{} is back to normal", one.name_among(many_organizations)),
        (None, None) => String::new(),
    };
    std::iter::once(first).chain(parts).collect::<Vec<_>>().join(" · ")
}

fn forecast_sentence(status: &QuotaStatus, many_organizations: bool, context: &ReportContext) -> String {
    let name = status.name_among(many_organizations);
    match (status.runs_out_at, status.percent_used, status.percent_projected) {
        _ if status.ran_out => format!("{name} has run out"),
        (Some(at), ..) => {
            let day = || format!("on {}", words::short_day(at, context.zone));
            format!("{name} runs out {}", words::today_or(at, context.now, context.zone, day))
        }
        (None, Some(used), _) if status.level == Level::Critical => {
            format!("{name} has used {} % of its quota", grouped(used))
        }
        (None, _, Some(projected)) => {
            format!("{name} is projected at {} % of its quota", grouped(projected))
        }
        _ => format!("{name} needs more than its quota"),
    }
}

/// What those in trouble need, the worst first, and where it could come from.
fn todo(
    in_trouble: &[&QuotaStatus],
    input: &AlertInput<'_>,
    statuses: &BTreeMap<Target, QuotaStatus>,
    rebalance: &Rebalance,
    context: &ReportContext,
) -> String {
    let [worst, others @ ..] = in_trouble else { return String::new() };
    let of = |org_id: &OrgId| {
        let seen = input.latest.organization(org_id)?;
        let status = statuses.get(&seen.row().target).unwrap_or(worst).clone();
        Some(organization(seen, status, input.terms.rule, context))
    };
    let own = of(&worst.target.org_id);
    if let Some(own) = own.as_ref().filter(|own| own.units_mismatch) {
        return format!(
            "check the units of {}: its plan and its quota seem to use different units. Set usage.units_per_quota_unit.",
            own.own.name
        );
    }
    let needs = if worst.runs_out() {
        let of_same_kind = |other: &&&QuotaStatus| {
            worst.target.aid.is_some() && other.runs_out() && other.target.aid.is_some()
        };
        let others = others.iter().filter(of_same_kind);
        let others = Others { count: others.clone().count(), worst_first: others.copied().cloned() };
        let many_organizations = input.latest.organizations().len() > 1;
        needs_sentence(worst, others, many_organizations, context)
    } else {
        match (worst.over, worst.quota.zip(worst.used)) {
            (Some(over), _) => format!("{} needs {} more.", worst.name, grouped(over)),
            (None, Some((quota, used))) => {
                let left = grouped(quota.saturating_sub(used));
                format!("{} has {left} left until its cycle ends.", worst.name)
            }
            (None, None) => return String::new(),
        }
    };
    if input.audience == Audience::Owners {
        let advice = "Reduce what its tests use, or ask quotakeeper’s administrators for more.";
        return followed_by(&needs, advice);
    }
    if worst.target.aid.is_none() {
        return format!("{needs} Raise its quota, or reduce what its tests use.");
    }
    let of_groups = in_trouble.iter().filter(|status| status.target.aid.is_some());
    let short: Vec<Shortage<'_>> = of_groups.map(|status| status.shortage()).collect();
    let ids: BTreeSet<&OrgId> = short.iter().map(|short| short.org_id).collect();
    let organizations: Vec<_> = ids.into_iter().filter_map(of).collect();
    followed_by(&needs, &sources_sentence(&short, &organizations, Some(rebalance)))
}

#[cfg(test)]
mod tests;
