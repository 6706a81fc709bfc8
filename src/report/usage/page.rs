//! The usage report as a page: every account group with its trend, and what a change file of them needs.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::quota::{Snapshot, Target, Units};
use crate::report::shared::curves::{Axis, Curves};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::Standing;
use crate::report::shared::{ReportContext, words};
use crate::report::usage::UsageReport;

/// More rows no browser shows: the worst are on the page, and the table has all.
const ROWS: usize = 50_000;

/// The whole page.
pub(crate) struct UsagePage {
    pub report: UsageReport,
    /// What the page says beside the report.
    pub beside: Beside,
    /// The account groups, worst first.
    pub rows: Vec<Row>,
    pub data: Data,
}

/// What the page says beside the report.
#[derive(Debug, Serialize)]
pub(crate) struct Beside {
    /// The trends of the organizations, in the order of the report; see [`Row::trend`].
    pub organization_trends: Vec<String>,
    /// The picture of the one organization, as SVG; empty where there are several, or nothing to draw.
    pub picture: String,
    /// Whether any account group has a trend.
    pub has_trends: bool,
    /// On how many account groups nothing is on the page.
    pub left_out: usize,
}

/// One account group.
#[derive(Debug)]
pub(crate) struct Row {
    pub standing: Standing,
    /// Its level, or why it has none: `uncapped`, `unknown`.
    pub state: &'static str,
    pub org_id: String,
    /// The place of its organization in [`Data::organizations`].
    pub organization: usize,
    /// The places of its owners in [`Data::owners`], with spaces between them.
    pub owned_by: String,
    /// When it runs out, in seconds since 1970; now where it has.
    pub out: Option<i64>,
    /// What was used, as [`Curves::letters`] writes it.
    pub trend: String,
}

/// What the script of the page knows beside the rows of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Data {
    /// The file names of what is downloaded begin with it: `2026-11-22`.
    pub day: String,
    pub zone: String,
    /// `guard.headroom_percent`: what a quota should allow beyond what is needed.
    pub headroom_percent: u32,
    pub organizations: Vec<DataOrganization>,
    /// As `mail.routes_file` writes them.
    pub owners: Vec<String>,
}

/// What is to be shared out among the account groups of one organization.
#[derive(Debug, Serialize)]
pub(crate) struct DataOrganization {
    pub id: String,
    pub name: String,
    pub quota: Option<Units>,
    pub allocated: Units,
    pub axis: Option<Axis>,
}

/// Who owns a target.
pub(crate) type Owners<'a> = dyn Fn(&Target) -> Vec<String> + 'a;

impl UsagePage {
    /// Of a report on everything in the latest snapshot.
    pub(crate) fn new(
        mut report: UsageReport,
        latest: &Snapshot,
        curves: &Curves<'_>,
        headroom_percent: u32,
        owners: &Owners<'_>,
        context: &ReportContext,
    ) -> Self {
        let numbers =
            latest.organizations().iter().enumerate().map(|(number, seen)| (seen.id.clone(), number));
        let numbers: HashMap<_, _> = numbers.collect();
        let axis_of = |standing: &Standing| curves.axis(*numbers.get(&standing.target.org_id)?);
        let all_axes: Vec<Option<Axis>> =
            report.organizations.iter().map(|seen| axis_of(&seen.own)).collect();
        let of_report = report.organizations.iter().enumerate();
        let places: HashMap<_, _> =
            of_report.map(|(place, seen)| (seen.own.target.org_id.clone(), place)).collect();
        let place = |standing: &Standing| places.get(&standing.target.org_id).copied().unwrap_or_default();
        let letters = |number: usize, place: usize| match all_axes.get(place) {
            Some(Some(axis)) => curves.letters(number, axis),
            _ => String::new(),
        };

        let mut known = Known::default();
        let mut organization_trends = vec![String::new(); report.organizations.len()];
        let (mut picture, mut rows) = (String::new(), Vec::new());
        for (number, standing) in std::mem::take(&mut report.all).into_iter().enumerate() {
            let organization = place(&standing);
            if standing.target.aid.is_none() {
                organization_trends[organization] = letters(number, organization);
                if let [Some(axis)] = all_axes.as_slice() {
                    let trend = curves.trend(number, axis, &standing, context.zone);
                    picture = trend.map(|trend| trend.svg()).unwrap_or_default();
                }
                continue;
            }
            rows.push((number, organization, standing));
        }
        rows.sort_by(|(.., a), (.., b)| a.worst_first(b));
        let left_out = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(number, organization, standing)| Row {
                state: state(&standing),
                org_id: standing.target.org_id.to_string(),
                organization,
                owned_by: known.places(owners(&standing.target)),
                out: if standing.ran_out { Some(latest.taken_at) } else { standing.runs_out_at }
                    .map(|at| at.timestamp()),
                trend: letters(number, organization),
                standing,
            })
            .collect();
        let organizations = report.organizations.iter().zip(all_axes).map(|(seen, axis)| DataOrganization {
            id: seen.own.id.clone(),
            name: seen.own.name.clone(),
            quota: seen.own.quota,
            allocated: seen.allocated,
            axis,
        });
        Self {
            data: Data {
                day: latest.taken_at.with_timezone(&context.zone).format("%Y-%m-%d").to_string(),
                zone: context.zone.to_string(),
                headroom_percent,
                organizations: organizations.collect(),
                owners: known.owners,
            },
            beside: Beside {
                organization_trends,
                picture,
                has_trends: rows.iter().any(|row| !row.trend.is_empty()),
                left_out,
            },
            rows,
            report,
        }
    }
}

/// The level, or why there is none.
fn state(standing: &Standing) -> &'static str {
    match standing.level {
        _ if standing.quota.is_none() => "uncapped",
        _ if standing.headroom.is_none() => "unknown",
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

/// The owners that were met.
#[derive(Default)]
struct Known {
    owners: Vec<String>,
    places: HashMap<String, usize>,
}

impl Known {
    fn places(&mut self, owners: Vec<String>) -> String {
        let mut place = |owner: String| {
            let owner = words::clean(&owner, 120);
            let place = *self.places.entry(owner.clone()).or_insert(self.owners.len());
            if place == self.owners.len() {
                self.owners.push(owner);
            }
            place.to_string()
        };
        owners.into_iter().map(&mut place).collect::<Vec<_>>().join(" ")
    }
}
