//! One target as a page: its current cycle, its alerts, and the history of its quota.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::change::{PlanRow, RunState, RunSummary};
use crate::config::Mute;
use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::quota::{Organization, Snapshot, Target, Units};
use crate::domain::top_consumers::TopConsumer;
use crate::report::alerts::crossings::Record;
use crate::report::shared::curves::Curves;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::{Footer, ReportContext, words};
use crate::report::timeline::{QuotaChange, Timeline};

/// So many moments are listed: those at which the quota changed, and the rest evenly.
const MOMENTS: usize = 40;

/// What the page is made from.
pub(crate) struct TargetParts<'a> {
    pub timeline: &'a Timeline,
    /// None where the latest snapshot does not show it.
    pub status: Option<QuotaStatus>,
    /// Of a snapshot that shows it alone.
    pub curves: &'a Curves<'a>,
    pub record: Option<&'a Record>,
    pub mute: Option<&'a Mute>,
    pub latest: &'a Snapshot,
    /// The runs that wait for a person, or for their time.
    pub waiting: &'a [RunSummary],
}

/// The whole page.
#[derive(Debug, Serialize)]
pub(crate) struct TargetPage {
    pub name: String,
    pub id: String,
    pub org_id: String,
    pub org_name: String,
    /// As a command names it: `10452/204117`.
    pub target: String,
    pub status: Option<QuotaStatus>,
    /// `5 Nov to 5 Dec`; empty where it is not known.
    pub cycle: String,
    /// The cycle with both forecasts and the previous cycle, as SVG; empty where there is no line to draw.
    pub picture: String,
    /// When it runs out by either forecast: `Fri 4 Dec`; empty where it does not.
    pub by_projection: String,
    pub by_slope: String,
    pub slope_days: i64,
    /// What was reported of it, and whether it is muted, a sentence each.
    pub alerts: Vec<String>,
    /// What uses most of it; empty where nothing was wrong with it lately.
    pub largest: Vec<TopConsumer>,
    /// Who gets mail about it; empty until somebody says who.
    pub owners: Vec<String>,
    /// What is to become of its quota.
    pub waiting: Vec<WaitingChange>,
    /// How its quota changed, the latest first.
    pub steps: Vec<Step>,
    pub first_seen: String,
    /// The latest first.
    pub moments: Vec<Line>,
    pub data_age: String,
    pub imprint: Footer,
}

/// One change of the quota.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub at: String,
    #[serde(flatten)]
    pub change: QuotaChange,
}

/// A change of the quota that waits.
#[derive(Debug, Serialize)]
pub(crate) struct WaitingChange {
    pub run: String,
    pub file: String,
    pub before: Option<Units>,
    pub after: Option<Units>,
    /// `waits for approval until Sun 29 Nov 2026, 07:55`, or `takes effect Tue 1 Dec 2026, 00:00`.
    pub what: String,
}

/// What one snapshot shows.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub at: String,
    pub is_visible: bool,
    pub quota: Option<Units>,
    pub used: Option<Units>,
    pub projected: Option<Units>,
    pub percent_used: Option<Units>,
}

/// The page of one target.
pub(crate) fn target_page(parts: TargetParts<'_>, context: &ReportContext) -> TargetPage {
    let TargetParts { timeline, status, curves, record, mute, latest, waiting } = parts;
    let target = &timeline.target;
    let at = |at: DateTime<Utc>| words::moment(at, context.zone);
    let day = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| words::day(at, context.zone));
    let axis = curves.axis_of_first();
    let number = usize::from(target.aid.is_some() && latest.row_count() > 1);
    let trend = status
        .as_ref()
        .zip(axis.as_ref())
        .and_then(|(status, axis)| curves.trend(number, axis, status, context.zone));
    let cycle = latest.organizations().first().and_then(Organization::cycle);
    let mut alerts: Vec<String> = record.map_or_else(Vec::new, |record| record.reports_of(target));
    alerts.extend(mute.map(|mute| format!("Muted: {}", words::clean(&mute.reason, 200))));
    let changes = timeline.moments.iter().rev();
    let steps = changes.flat_map(|moment| {
        moment
            .changes
            .iter()
            .rev()
            .map(move |change| Step { at: at(moment.taken_at), change: change.clone() })
    });
    let moments = timeline.listed_moments(MOMENTS).into_iter().rev().map(|moment| Line {
        at: at(moment.taken_at),
        is_visible: moment.is_visible,
        quota: moment.quota,
        used: moment.used,
        projected: moment.projected,
        percent_used: moment.percent_used,
    });
    let id = target.aid.as_ref().map_or(target.org_id.as_str(), |aid| aid.as_str());
    let name = |name: &str, id: &str| if name.is_empty() { id.to_owned() } else { name.to_owned() };
    TargetPage {
        name: name(&timeline.name, id),
        id: id.to_owned(),
        org_id: target.org_id.to_string(),
        org_name: name(&timeline.org_name, target.org_id.as_str()),
        target: target.aid.as_ref().map_or_else(|| id.to_owned(), |aid| format!("{}/{aid}", target.org_id)),
        cycle: cycle.map_or_else(String::new, |(start, end)| {
            format!("{} to {}", words::short_day(start, context.zone), words::short_day(end, context.zone))
        }),
        picture: trend.map(|trend| trend.with_slope(status.as_ref()).svg()).unwrap_or_default(),
        by_projection: day(status.as_ref().and_then(|status| status.runs_out_by_projection)),
        by_slope: day(status.as_ref().and_then(|status| status.runs_out_by_slope)),
        slope_days: SLOPE_DAYS,
        largest: record.map_or_else(Vec::new, |record| record.largest(target).to_vec()),
        alerts,
        owners: Vec::new(),
        waiting: waiting.iter().flat_map(|summary| waiting_in(summary, target, context)).collect(),
        steps: steps.collect(),
        first_seen: timeline.moments.first().map(|moment| at(moment.taken_at)).unwrap_or_default(),
        moments: moments.collect(),
        data_age: words::age(context.now - latest.taken_at),
        status,
        imprint: context.into(),
    }
}

/// The rows of a run that change this target's quota.
fn waiting_in<'s>(
    summary: &'s RunSummary,
    target: &'s Target,
    context: &'s ReportContext,
) -> impl Iterator<Item = WaitingChange> + 's {
    let its = |row: &&PlanRow| row.is_pending() && row.target.as_ref() == Some(target);
    summary.plan.rows.iter().filter(its).map(|row| WaitingChange {
        run: summary.id.clone(),
        file: words::clean(&summary.file, 60),
        before: row.before,
        after: row.after,
        what: match (summary.state, row.due) {
            (RunState::Scheduled, Some(due)) => format!("takes effect {}", words::moment(due, context.zone)),
            _ => format!("waits for approval until {}", context.until(summary.at)),
        },
    })
}

impl Record {
    /// What was reported of a target in the cycles that are remembered, a sentence each.
    fn reports_of(&self, target: &Target) -> Vec<String> {
        let word = |level| match level {
            Level::Fine => "within its quota again",
            Level::Warning => "a warning",
            Level::Critical => "critical",
        };
        self.reported(target)
            .map(|(began, levels)| {
                let levels: Vec<&str> = levels.iter().map(|level| word(*level)).collect();
                let began =
                    began.parse().map_or(began.to_owned(), |day: NaiveDate| day.format("%-d %b").to_string());
                format!("In the cycle that began on {began}: reported as {}.", levels.join(", then "))
            })
            .collect()
    }
}
