//! The usage report as a page: every account group with its trend, and what a change file of them needs.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::quota::{OrgId, Snapshot, Target, Units};
use crate::report::shared::curves::{Axis, DrawnCurves};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::{ReportContext, words};
use crate::report::usage::UsageReport;

/// More rows no browser shows: the worst are on the page, and the table has all.
pub(crate) const MOST_ROWS: usize = 50_000;

/// The whole page.
pub(crate) struct UsagePage {
    pub report: UsageReport,
    /// What the page says beside the report.
    pub beside: PageExtras,
    /// The account groups, worst first.
    pub rows: Vec<Row>,
    pub data: Data,
}

/// What the page says beside the report.
#[derive(Debug, Serialize)]
pub(crate) struct PageExtras {
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
    pub status: QuotaStatus,
    /// Its level, or why it has none: `uncapped`, `unknown`.
    pub state: &'static str,
    /// The place of its organization in [`Data::organizations`].
    pub organization: usize,
    /// The places of its owners in [`Data::owners`], with spaces between them.
    pub owned_by: Box<str>,
    /// When it runs out, in seconds since 1970; now where it has.
    pub out: Option<i64>,
    /// What was used, as [`Curves::letters`](crate::report::shared::curves::Curves::letters) writes it.
    pub trend: Box<str>,
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

/// What a page shows beside the report.
pub(crate) struct PageInput<'a> {
    pub latest: &'a Snapshot,
    /// How many are not on it.
    pub left_out: usize,
    pub curves: DrawnCurves,
    /// `guard.headroom_percent`.
    pub headroom_percent: u32,
    pub owners: &'a Owners<'a>,
}

impl UsagePage {
    /// Of a report on everything in the latest snapshot. `groups` are the account groups that are on the page, worst first, each with
    /// its number in the snapshot.
    pub(crate) fn new(
        report: UsageReport,
        groups: impl Iterator<Item = (usize, QuotaStatus)>,
        input: PageInput<'_>,
        context: &ReportContext,
    ) -> Self {
        let PageInput { latest, left_out, curves, headroom_percent, owners } = input;
        let mut drawing = Drawing::new(&report, latest, curves);
        let picture = drawing.picture(&report, context.zone);
        let trends = drawing.of_organizations(&report, latest);
        let mut known = OwnerIndex::default();
        let row = |(number, status): (usize, QuotaStatus)| {
            let out = if status.ran_out { Some(latest.taken_at) } else { status.runs_out_at };
            Row {
                state: state(&status),
                organization: drawing.place(&status.target.org_id),
                owned_by: known.indexes_of(owners(&status.target)).into(),
                out: out.map(|at| at.timestamp()),
                trend: drawing.letters(number).into(),
                status,
            }
        };
        let rows: Vec<Row> = groups.map(row).collect();
        let organizations = report.organizations.iter().map(|seen| DataOrganization {
            id: seen.own.id.to_string(),
            name: seen.own.name.to_string(),
            quota: seen.own.quota,
            allocated: seen.allocated,
            axis: drawing.axis(&seen.own.target.org_id),
        });
        Self {
            data: Data {
                day: latest.taken_at.with_timezone(&context.zone).format("%Y-%m-%d").to_string(),
                zone: context.zone.to_string(),
                headroom_percent,
                organizations: organizations.collect(),
                owners: known.owners,
            },
            beside: PageExtras {
                organization_trends: trends,
                picture,
                has_trends: rows.iter().any(|row| !row.trend.is_empty()),
                left_out,
            },
            rows,
            report,
        }
    }
}

/// The trends of a page: those of account groups are drawn on the axis of their organization.
struct Drawing<'a> {
    curves: DrawnCurves,
    /// Where the report has an organization.
    places: HashMap<OrgId, usize>,
    /// Where the snapshot has it.
    numbers: HashMap<&'a OrgId, usize>,
}

impl<'a> Drawing<'a> {
    fn new(report: &UsageReport, latest: &'a Snapshot, curves: DrawnCurves) -> Self {
        let ids = report.organizations.iter().map(|seen| seen.own.target.org_id.clone());
        let numbers = latest.organizations().iter().enumerate();
        Self {
            curves,
            places: ids.enumerate().map(|(place, id)| (id, place)).collect(),
            numbers: numbers.map(|(number, seen)| (&seen.id, number)).collect(),
        }
    }

    fn place(&self, org_id: &OrgId) -> usize {
        self.places.get(org_id).copied().unwrap_or_default()
    }

    /// Takes the trend of one row of the snapshot; empty where there is none.
    fn letters(&mut self, number: usize) -> String {
        self.curves.letters.get_mut(number).map(std::mem::take).unwrap_or_default()
    }

    /// Takes the axis of an organization.
    fn axis(&mut self, org_id: &OrgId) -> Option<Axis> {
        self.curves.axes.get_mut(*self.numbers.get(org_id)?)?.take()
    }

    /// The trend of each organization.
    fn of_organizations(&mut self, report: &UsageReport, latest: &Snapshot) -> Vec<String> {
        let mut trends = vec![String::new(); report.organizations.len()];
        let own = latest.places().enumerate().filter(|(_, place)| place.account_group.is_none());
        for (number, place) in own {
            trends[self.place(&place.organization.id)] = self.letters(number);
        }
        trends
    }

    /// The picture of the only organization.
    fn picture(&mut self, report: &UsageReport, zone: Tz) -> String {
        let own = report.organizations.first();
        let trend = self.curves.only.take().zip(own).and_then(|(only, seen)| only.trend(&seen.own, zone));
        trend.map(|trend| trend.svg()).unwrap_or_default()
    }
}

/// The level, or why there is none.
fn state(status: &QuotaStatus) -> &'static str {
    match status.level {
        _ if status.quota.is_none() => "uncapped",
        _ if status.headroom.is_none() => "unknown",
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

/// The owners that were met.
#[derive(Default)]
struct OwnerIndex {
    owners: Vec<String>,
    places: HashMap<String, usize>,
}

impl OwnerIndex {
    fn indexes_of(&mut self, owners: Vec<String>) -> String {
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
