//! The usage report as a page: every account group with its trend, and what a change file of them needs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::quota::{OrgId, Organization, Snapshot, Target, Units};
use crate::report::shared::curves::{Axis, Curves};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::{ReportContext, words};
use crate::report::usage::UsageReport;

/// More rows no browser shows: the worst are on the page, and the table has all.
pub(crate) const MOST_ROWS: usize = 50_000;

/// The whole page.
pub(crate) struct UsagePage<'a> {
    pub report: UsageReport,
    /// What the page says beside the report.
    pub beside: PageExtras,
    pub rows: Rows<'a>,
    pub data: Data,
}

/// The account groups, worst first. A row is made when it is asked for, so that few of them are in memory.
pub(crate) struct Rows<'a> {
    groups: Groups<'a>,
    /// Of each, see [`Row::owned_by`].
    owned_by: Vec<Box<str>>,
    drawing: Drawing<'a>,
    taken_at: DateTime<Utc>,
}

/// Account groups, worst first.
pub(crate) struct Groups<'a> {
    /// Each with its number in the snapshot.
    pub targets: Vec<(usize, Target)>,
    /// How the one in this place stands.
    pub status: &'a (dyn Fn(usize) -> QuotaStatus + Sync),
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
    /// Since when the quotas changed that it lists: `Mon 23 Nov 2026, 06:00`, `the last report`.
    pub changed_since: String,
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

/// What a page shows beside the report.
pub(crate) struct PageInput<'a> {
    pub latest: &'a Snapshot,
    /// The account groups that are on it.
    pub groups: Groups<'a>,
    /// How many are not.
    pub left_out: usize,
    pub curves: Curves<'a>,
    /// Since when the report lists changes; none for the last report.
    pub since: Option<DateTime<Utc>>,
    /// `guard.headroom_percent`.
    pub headroom_percent: u32,
    pub owners: &'a Owners<'a>,
}

impl<'a> UsagePage<'a> {
    /// Of a report on everything in the latest snapshot.
    pub(crate) fn new(report: UsageReport, input: PageInput<'a>, context: &ReportContext) -> Self {
        let PageInput { latest, groups, left_out, curves, since, headroom_percent, owners } = input;
        let drawing = Drawing::new(&report, latest, curves);
        let mut known = OwnerIndex::default();
        let owned_by = groups.targets.iter().map(|(_, target)| known.indexes_of(owners(target)).into());
        let owned_by = owned_by.collect();
        let organizations = report.organizations.iter().map(|seen| DataOrganization {
            id: seen.own.id.to_string(),
            name: seen.own.name.to_string(),
            quota: seen.own.quota,
            allocated: seen.allocated,
            axis: drawing.axis(&seen.own.target.org_id).cloned(),
        });
        let data = Data {
            day: latest.taken_at.with_timezone(&context.zone).format("%Y-%m-%d").to_string(),
            zone: context.zone.to_string(),
            headroom_percent,
            organizations: organizations.collect(),
            owners: known.owners,
        };
        let beside = PageExtras {
            organization_trends: drawing.of_organizations(&report, latest),
            picture: drawing.picture(&report, latest, context.zone),
            has_trends: groups.targets.iter().any(|group| !drawing.letters(group).is_empty()),
            changed_since: since
                .map_or_else(|| "the last report".to_owned(), |since| words::moment(since, context.zone)),
            left_out,
        };
        let rows = Rows { groups, owned_by, drawing, taken_at: latest.taken_at };
        Self { report, beside, rows, data }
    }
}

impl Rows<'_> {
    pub(crate) fn count(&self) -> usize {
        self.groups.targets.len()
    }

    /// The one in this place.
    pub(crate) fn row(&self, place: usize) -> Row {
        let (group, status) = (&self.groups.targets[place], (self.groups.status)(place));
        let out = if status.ran_out { Some(self.taken_at) } else { status.runs_out_at };
        Row {
            state: state(&status),
            organization: self.drawing.place(&group.1.org_id),
            owned_by: self.owned_by[place].clone(),
            out: out.map(|at| at.timestamp()),
            trend: self.drawing.letters(group),
            status,
        }
    }
}

/// The trends of a page: those of account groups are drawn on the axis of their organization.
struct Drawing<'a> {
    curves: Curves<'a>,
    /// Of each organization, in the order of the snapshot.
    axes: Vec<Option<Axis>>,
    /// Where the report has an organization.
    places: HashMap<OrgId, usize>,
    /// Where the snapshot has it.
    numbers: HashMap<&'a OrgId, usize>,
}

impl<'a> Drawing<'a> {
    fn new(report: &UsageReport, latest: &'a Snapshot, curves: Curves<'a>) -> Self {
        let ids = report.organizations.iter().map(|seen| seen.own.target.org_id.clone());
        let numbers = latest.organizations().iter().enumerate();
        Self {
            axes: (0..latest.organizations().len()).map(|number| curves.axis(number)).collect(),
            curves,
            places: ids.enumerate().map(|(place, id)| (id, place)).collect(),
            numbers: numbers.map(|(number, seen)| (&seen.id, number)).collect(),
        }
    }

    fn place(&self, org_id: &OrgId) -> usize {
        self.places.get(org_id).copied().unwrap_or_default()
    }

    /// The trend of one row of the snapshot; empty where there is none.
    fn letters(&self, (number, target): &(usize, Target)) -> String {
        let axis = self.axis(&target.org_id);
        axis.map(|axis| self.curves.letters(*number, axis)).unwrap_or_default()
    }

    fn axis(&self, org_id: &OrgId) -> Option<&Axis> {
        self.axes.get(*self.numbers.get(org_id)?)?.as_ref()
    }

    /// The trend of each organization.
    fn of_organizations(&self, report: &UsageReport, latest: &Snapshot) -> Vec<String> {
        let mut trends = vec![String::new(); report.organizations.len()];
        let own = latest.places().enumerate().filter(|(_, place)| place.account_group.is_none());
        for (number, place) in own {
            trends[self.place(&place.organization.id)] = self.letters(&(number, place.target()));
        }
        trends
    }

    /// The picture of the only organization; empty where there are several, or nothing to draw.
    fn picture(&self, report: &UsageReport, latest: &Snapshot, zone: Tz) -> String {
        let [Organization { own: Some(_), .. }] = latest.organizations() else { return String::new() };
        let own = report.organizations.first().zip(self.axes[0].as_ref());
        let trend = own.and_then(|(seen, axis)| self.curves.trend(0, axis, &seen.own, zone));
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
