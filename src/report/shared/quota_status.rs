//! One target's usage against its quota: the figures, the bar, the day it runs out, and how bad that is.

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::cmp::Ordering;

use crate::config::Alerts;
use crate::domain::forecast::{CycleProgress, RunOut, SLOPE_DAYS, run_out};
use crate::domain::quota::{OrgId, Snapshot, SnapshotRow, Target, Units, UsageRule};
use crate::report::shared::context::ReportContext;
use crate::report::shared::level::{Figures, JudgedLevel, Level, judge, level};
use crate::report::shared::picture::Picture;
use crate::report::shared::week::Slopes;
use crate::text::words;
use crate::text::words::grouped;

/// The widths of a bar's parts in per cent of the larger of quota and need; they add up to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bar {
    pub used: f64,
    pub projected: f64,
    /// Beyond the quota.
    pub over: f64,
    /// Not needed.
    pub rest: f64,
}

/// One target as reports show it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct QuotaStatus {
    #[serde(skip)]
    pub target: Target,
    /// Its own name, made safe to show; the id where it has none.
    pub name: Box<str>,
    pub id: Box<str>,
    pub org_name: Box<str>,
    /// Both names as they are, where that is not what is shown.
    #[serde(skip)]
    pub(in crate::report) whole_names: Option<Box<[String; 2]>>,
    pub quota: Option<Units>,
    pub used: Option<Units>,
    pub projected: Option<Units>,
    /// What is needed beyond the quota.
    pub over: Option<Units>,
    pub headroom: Option<Units>,
    pub percent_used: Option<Units>,
    pub percent_projected: Option<Units>,
    pub level: Level,
    /// Why it is not fine, with figures; empty where it is.
    pub why: Box<str>,
    /// The limit of `[alerts]` that was passed: `warning: above 100 %`; empty where none was.
    pub limit: Box<str>,
    pub ran_out: bool,
    pub runs_out_at: Option<DateTime<Utc>>,
    pub runs_out_by_projection: Option<DateTime<Utc>>,
    pub runs_out_by_slope: Option<DateTime<Utc>>,
    /// `runs out Fri 27 Nov`, `94 % projected`, `usage unknown`.
    pub status: Box<str>,
    /// `±1 day`, and other words on how sure that is.
    pub sureness: Box<str>,
    /// Both estimates of that day by name: `Sat 5 Dec by projection, Fri 4 Dec by the 7-day trend`; empty where there is none.
    pub estimates: Box<str>,
    /// `+12 % on the previous cycle`, for the listed ones; empty where the history does not say.
    pub trend: Box<str>,
    pub bar: Option<Bar>,
    /// The trend, for the few that are drawn: the others have no room for one.
    pub picture: Option<Box<Picture>>,
}

impl QuotaStatus {
    /// Has a quota that its usage can be compared with.
    pub(crate) fn is_measured(&self) -> bool {
        self.quota.is_some() && self.headroom.is_some()
    }

    pub(crate) fn runs_out(&self) -> bool {
        self.ran_out || self.runs_out_at.is_some()
    }

    /// Its own name and its organization's, not cut, and empty where there is none: for tables that programs read.
    pub(crate) fn whole_names(&self) -> [&str; 2] {
        match &self.whole_names {
            Some(whole) => whole.each_ref().map(String::as_str),
            None => [&self.name, &self.org_name],
        }
    }

    /// `EMEA Branches 204117`.
    pub(crate) fn label(&self) -> String {
        if self.name == self.id { self.id.to_string() } else { format!("{} {}", self.name, self.id) }
    }

    /// `Team 1015 (Acme)`: a name alone is not unique where there are many organizations.
    pub(in crate::report) fn name_among(&self, many_organizations: bool) -> String {
        if many_organizations && self.target.aid.is_some() {
            format!("{} ({})", self.name, self.org_name)
        } else {
            self.name.to_string()
        }
    }

    /// Worst first: by level, what ran out, the day, the share of the quota that is needed.
    pub(crate) fn worst_first(&self, other: &Self) -> Ordering {
        self.rank().worst_first(&other.rank()).then_with(|| self.target.cmp(&other.target))
    }

    /// What it lacks, and in whose organization.
    pub(in crate::report) fn shortage(&self) -> Shortage<'_> {
        Shortage { org_id: &self.target.org_id, over: self.over }
    }

    fn rank(&self) -> Rank {
        let needed = self.used.zip(self.projected).map(|(used, projected)| used.max(projected));
        Rank {
            level: self.level,
            ran_out: self.ran_out,
            runs_out_at: self.runs_out_at,
            share_needed: share_needed(self.quota, needed),
        }
    }
}

/// What a target in trouble lacks.
#[derive(Clone, Copy)]
pub(in crate::report) struct Shortage<'a> {
    pub org_id: &'a OrgId,
    /// What it needs beyond its quota.
    pub over: Option<Units>,
}

/// What says how targets of the latest snapshot stand.
#[derive(Clone, Copy)]
pub(crate) struct JudgingContext<'a> {
    /// When the snapshot was taken.
    pub taken_at: DateTime<Utc>,
    pub rule: &'a UsageRule,
    pub alerts: &'a Alerts,
    pub context: &'a ReportContext,
}

/// What decides how bad one target stands beside others, without any text: there may be a million of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rank {
    pub(in crate::report) level: Level,
    pub(in crate::report) ran_out: bool,
    pub(in crate::report) runs_out_at: Option<DateTime<Utc>>,
    /// Of the quota; 0 where nothing is known of it.
    share_needed: f64,
}

impl Rank {
    /// Of one row of the latest snapshot. `slope` is how fast it used units in the last days, per second.
    pub(crate) fn new(row: &SnapshotRow<'_>, slope: Option<f64>, judging: JudgingContext<'_>) -> Self {
        let figures = figures(row, slope, judging);
        Self {
            level: level(figures, judging.alerts.limits(&row.target), judging.context.now),
            ran_out: figures.ran_out,
            runs_out_at: figures.out.map(|out| out.at),
            share_needed: share_needed(figures.quota, figures.needed),
        }
    }

    pub(in crate::report) fn runs_out(&self) -> bool {
        self.ran_out || self.runs_out_at.is_some()
    }

    pub(crate) fn worst_first(&self, other: &Self) -> Ordering {
        let day = |rank: &Self| rank.runs_out_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
        (other.level.cmp(&self.level))
            .then_with(|| other.ran_out.cmp(&self.ran_out))
            .then_with(|| day(self).cmp(&day(other)))
            .then_with(|| other.share_needed.total_cmp(&self.share_needed))
    }
}

/// What is needed beyond the quota.
pub(in crate::report) fn over(quota: Option<Units>, needed: Option<Units>) -> Option<Units> {
    let (quota, needed) = quota.zip(needed)?;
    Some(needed.saturating_sub(quota)).filter(|over| *over > 0)
}

fn share_needed(quota: Option<Units>, needed: Option<Units>) -> f64 {
    quota.zip(needed).map_or(0.0, |(quota, needed)| share(needed, quota))
}

/// What says how bad a row of the latest snapshot is. `slope` is how fast it used units in the last days, per second.
fn figures(
    row: &SnapshotRow<'_>,
    slope: Option<f64>,
    JudgingContext { taken_at, rule, .. }: JudgingContext<'_>,
) -> Figures {
    let (used, projected) = (rule.used(&row.usage), rule.projected(&row.usage));
    let needed = used.zip(projected).map(|(used, projected)| used.max(projected));
    let ran_out = matches!((used, row.quota), (Some(used), Some(quota)) if used > 0 && used >= quota);
    let out = (|| {
        run_out(&CycleProgress {
            quota: row.quota?,
            used: used?,
            projected: projected?,
            taken_at,
            cycle_end: row.period_end?,
            slope,
        })
    })();
    Figures { quota: row.quota, used, needed, ran_out, out }
}

/// How bad it is alone: of a million rows few need more than that. None where that is not known.
pub(in crate::report) fn level_of(
    row: &SnapshotRow<'_>,
    slope: Option<f64>,
    judging: JudgingContext<'_>,
) -> Option<Level> {
    let figures = figures(row, slope, judging);
    figures.quota.zip(figures.needed)?;
    Some(level(figures, judging.alerts.limits(&row.target), judging.context.now))
}

/// How one row of the latest snapshot stands. `slope` is how fast it used units in the last days, per second.
pub(crate) fn quota_status(
    row: &SnapshotRow,
    slope: Option<f64>,
    judging: JudgingContext<'_>,
) -> QuotaStatus {
    let JudgingContext { rule, alerts, context, .. } = judging;
    let figures = figures(row, slope, judging);
    let Figures { used, needed, ran_out, out, .. } = figures;
    let projected = rule.projected(&row.usage);
    let of_quota = |units: Option<Units>| words::percent(units?, row.quota?);
    let (percent_used, percent_projected) = (of_quota(used), of_quota(needed));
    let JudgedLevel { level, why, limit } = judge(figures, alerts.limits(&row.target), context);
    let (name, id) = name_and_id(row);
    let org_name = org_name(row);
    let whole_names = [row.name(), &row.org_name].map(|name| words::clean(name, usize::MAX));
    let whole_names = (whole_names != [&*name, &*org_name]).then(|| Box::new(whole_names));
    QuotaStatus {
        target: row.target.clone(),
        name: name.into(),
        id: id.into(),
        org_name: org_name.into(),
        whole_names,
        quota: row.quota,
        used,
        projected,
        over: over(row.quota, needed),
        headroom: rule.headroom(row.quota, &row.usage),
        percent_used,
        percent_projected,
        level,
        why: why.into(),
        limit: limit.into(),
        ran_out,
        runs_out_at: out.map(|out| out.at),
        runs_out_by_projection: out.and_then(|out| out.by_projection),
        runs_out_by_slope: out.and_then(|out| out.by_slope),
        status: status(figures, percent_projected, context).into(),
        sureness: out.map(|out| out.sureness().into()).unwrap_or_default(),
        estimates: out.map(|out| estimates(out, context).into()).unwrap_or_default(),
        trend: Box::default(),
        bar: bar(row.quota, used, needed),
        picture: None,
    }
}

/// How every row of a snapshot stands, in its order: one by one, because each has many texts.
pub(crate) fn quota_statuses<'s>(
    latest: &'s Snapshot,
    slopes: &'s Slopes,
    judging: JudgingContext<'s>,
) -> impl Iterator<Item = QuotaStatus> + use<'s> {
    let stand = move |(place, row): (usize, SnapshotRow<'_>)| quota_status(&row, slopes.at(place), judging);
    latest.rows().enumerate().map(stand)
}

/// The name that is shown, safe and of bounded length, and the id.
pub(crate) fn name_and_id(row: &SnapshotRow) -> (String, String) {
    let id = row.target.aid.as_ref().map_or(row.target.org_id.as_str(), |aid| aid.as_str());
    let name = words::clean(row.name(), 60);
    (if name.is_empty() { id.to_owned() } else { name }, words::clean(id, 30))
}

pub(crate) fn org_name(row: &SnapshotRow) -> String {
    let name = words::clean(&row.org_name, 60);
    if name.is_empty() {
        format!("organization {}", words::clean(row.target.org_id.as_str(), 30))
    } else {
        name
    }
}

fn status(figures: Figures, percent_projected: Option<Units>, context: &ReportContext) -> String {
    let Figures { quota, needed, ran_out, out, .. } = figures;
    if quota.is_none() {
        return "no quota".to_owned();
    }
    if needed.is_none() {
        return "usage unknown".to_owned();
    }
    if ran_out {
        return "has run out".to_owned();
    }
    match (out, percent_projected) {
        (Some(out), _) if out.at <= context.now => "runs out now".to_owned(),
        (Some(out), _) => {
            let day = || words::day(out.at, context.zone);
            format!("runs out {}", words::today_or(out.at, context.now, context.zone, day))
        }
        (None, Some(percent)) => format!("{} % projected", grouped(percent)),
        (None, None) => "nothing allowed".to_owned(),
    }
}

/// Whose estimate says what: one alone may be wrong, and people trust them differently.
fn estimates(out: RunOut, context: &ReportContext) -> String {
    let day = |at| words::day(at, context.zone);
    match (out.by_projection, out.by_slope) {
        (Some(projected), Some(slope)) if day(projected) == day(slope) => {
            format!("projection and {SLOPE_DAYS}-day trend agree")
        }
        (Some(projected), Some(slope)) => {
            format!("{} by projection, {} by the {SLOPE_DAYS}-day trend", day(projected), day(slope))
        }
        (Some(projected), None) if out.slope_known => {
            format!("{} by projection, not in this cycle by the {SLOPE_DAYS}-day trend", day(projected))
        }
        (None, Some(slope)) => {
            format!("{} by the {SLOPE_DAYS}-day trend, not in this cycle by projection", day(slope))
        }
        // Our own history is too short: the one estimate stands beside the day.
        (Some(_) | None, None) => String::new(),
    }
}

pub(in crate::report) fn bar(
    quota: Option<Units>,
    used: Option<Units>,
    needed: Option<Units>,
) -> Option<Bar> {
    let (quota, used, needed) = (quota?.max(0), used?.max(0), needed?.max(0));
    let whole = quota.max(needed);
    if whole == 0 {
        return Some(Bar { used: 0.0, projected: 0.0, over: 0.0, rest: 100.0 });
    }
    let tenths = |units: Units| (share(units, whole) * 1000.0).round() / 10.0;
    let until_used = tenths(used.min(quota));
    let until_needed = tenths(needed.min(quota));
    let until_quota = tenths(quota);
    let round = |width: f64| (width * 10.0).round() / 10.0;
    Some(Bar {
        used: until_used,
        projected: round(until_needed - until_used),
        over: round(100.0 - until_quota),
        rest: round(until_quota - until_needed),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no 53rd bit")]
fn share(part: Units, whole: Units) -> f64 {
    if part <= 0 { 0.0 } else { part as f64 / whole.max(0) as f64 }
}

#[cfg(test)]
mod tests;
