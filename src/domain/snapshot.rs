//! What was seen at one moment, as a tree: organizations in order, each with what belongs to it once and its account groups.
//!
//! There may be millions of account groups, so that one takes few bytes. A flat row exists only as a view of the tree, while it is
//! looked at, written or read.

mod organization;
mod row;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use self::organization::{AccountGroup, Organization, OwnFigures, Place};
pub use self::row::SnapshotRow;
use super::ids::OrgId;
use super::target::Target;
use super::units::Units;

/// Makes a snapshot of rows that come one by one, best in their order.
#[derive(Default)]
pub struct Builder {
    organizations: Vec<Organization>,
}

impl Builder {
    /// Adds a row. If a target comes twice, the first one counts.
    pub fn add(&mut self, row: SnapshotRow<'_>) {
        match self.organizations.last_mut() {
            Some(organization) if organization.id == row.target.org_id => organization.add(row),
            _ => {
                let mut organization = Organization::new(row.target.org_id.clone());
                organization.add(row);
                self.organizations.push(organization);
            }
        }
    }

    /// The snapshot of all rows that were added.
    pub fn finish(self, taken_at: DateTime<Utc>) -> Snapshot {
        Snapshot::of_organizations(taken_at, self.organizations)
    }
}

/// Everything seen at one moment, sorted by organization and account group as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When the reading began.
    pub taken_at: DateTime<Utc>,
    /// Sorted by id, each once and with at least one row.
    organizations: Vec<Organization>,
    /// Targets whose quota the API gave in a form that cannot be read, and what is wrong with it. Their rows have no
    /// quota, which does not mean that there is none.
    unreadable: BTreeMap<Target, String>,
}

impl Snapshot {
    /// Sorts the rows. If a target comes twice, the first one counts.
    pub fn new<'r>(taken_at: DateTime<Utc>, rows: impl IntoIterator<Item = SnapshotRow<'r>>) -> Self {
        let mut builder = Builder::default();
        rows.into_iter().for_each(|row| builder.add(row));
        builder.finish(taken_at)
    }

    /// Of organizations in any order, each with at least one row, and of their account groups in any order.
    pub fn of_organizations(taken_at: DateTime<Utc>, mut organizations: Vec<Organization>) -> Self {
        if !organizations.is_sorted_by(|a, b| a.id < b.id) {
            organizations.sort_by(|a, b| a.id.cmp(&b.id));
            organizations.dedup_by(|later, first| {
                let same = later.id == first.id;
                if same {
                    first.merge(later);
                }
                same
            });
        }
        organizations.iter_mut().for_each(Organization::sort);
        Self::of_sorted(taken_at, organizations)
    }

    /// The same of organizations in order, each once, with their account groups in order, each once, and without spare room: for those
    /// who made them so.
    pub(crate) fn of_sorted(taken_at: DateTime<Utc>, organizations: Vec<Organization>) -> Self {
        debug_assert!(organizations.is_sorted_by(|a, b| a.id < b.id));
        debug_assert!(organizations.iter().all(Organization::is_sorted));
        Self { taken_at, organizations, unreadable: BTreeMap::new() }
    }

    /// With what is known of the quotas that cannot be read.
    pub(crate) fn with_unreadable(self, unreadable: BTreeMap<Target, String>) -> Self {
        Self { unreadable, ..self }
    }

    /// What is wrong with the quota that the API gave of a target, where it cannot be read.
    pub(crate) fn unreadable(&self, target: &Target) -> Option<&str> {
        self.unreadable.get(target).map(String::as_str)
    }

    /// An account group of an organization whose quota cannot be read, and why, if there is one.
    pub(crate) fn unreadable_group(&self, org_id: &OrgId) -> Option<(&Target, &str)> {
        let of_it = self.unreadable.range(Target { org_id: org_id.clone(), aid: None }..);
        let mut of_it = of_it.take_while(|(target, _)| target.org_id == *org_id);
        of_it.find(|(target, _)| target.aid.is_some()).map(|(target, why)| (target, why.as_str()))
    }

    /// Whether the quota of every target can be read.
    pub(crate) fn is_all_readable(&self) -> bool {
        self.unreadable.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn all_unreadable(&self) -> &BTreeMap<Target, String> {
        &self.unreadable
    }

    /// Without the targets whose quota cannot be read: in a file an empty quota would say that there is none.
    pub(crate) fn readable(mut self) -> Self {
        let unreadable = std::mem::take(&mut self.unreadable);
        if unreadable.is_empty() {
            return self;
        }
        self.filtered(|place| !unreadable.contains_key(&place.target()))
    }

    /// Those rows alone that are to be kept.
    pub(crate) fn filtered(self, mut is_kept: impl FnMut(Place<'_>) -> bool) -> Self {
        let organizations = self.organizations.into_iter();
        let organizations =
            organizations.filter_map(|organization| organization.filtered(&mut is_kept)).collect();
        Self { organizations, ..self }
    }

    /// Those targets alone, as far as they were visible.
    pub(crate) fn restricted_to(&self, targets: &[Target]) -> Self {
        Self::new(self.taken_at, targets.iter().filter_map(|target| self.row(target)))
    }

    /// Takes over what another snapshot says of the usage of its targets, and the cycles that it belongs to.
    pub(crate) fn take_usage_of(&mut self, other: &Self) {
        for organization in &mut self.organizations {
            if let Some(other) = other.organization(&organization.id) {
                organization.take_usage_of(other);
            }
        }
    }

    /// Gives a target another quota, if it has a row.
    pub(crate) fn set_quota(&mut self, target: &Target, quota: Option<Units>) {
        let Some(organization) = self.organization_mut(&target.org_id) else { return };
        match &target.aid {
            None => {
                if let Some(own) = &mut organization.own {
                    own.quota = quota;
                }
            }
            Some(aid) => {
                let groups = &mut organization.account_groups;
                if let Ok(index) = groups.binary_search_by(|group| group.aid.cmp(aid)) {
                    groups[index].quota = quota;
                }
            }
        }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = SnapshotRow<'_>> + Clone {
        self.organizations.iter().flat_map(Organization::rows)
    }

    #[cfg(test)]
    pub(crate) fn owned_rows(&self) -> Vec<SnapshotRow<'static>> {
        self.rows().map(SnapshotRow::into_owned).collect()
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.organizations.iter().map(Organization::row_count).sum()
    }

    /// The row of one target, if it was visible.
    pub fn row(&self, target: &Target) -> Option<SnapshotRow<'_>> {
        self.place(target)?.row()
    }

    /// Where one target is, if it was visible.
    pub fn place(&self, target: &Target) -> Option<Place<'_>> {
        self.organization(&target.org_id)?.place(target.aid.as_ref())
    }

    /// One organization, if anything of it was visible.
    pub fn organization(&self, org_id: &OrgId) -> Option<&Organization> {
        self.index(org_id).map(|index| &self.organizations[index])
    }

    pub(crate) fn organization_mut(&mut self, org_id: &OrgId) -> Option<&mut Organization> {
        self.index(org_id).map(|index| &mut self.organizations[index])
    }

    /// The organizations in order.
    pub fn organizations(&self) -> &[Organization] {
        &self.organizations
    }

    /// The places of all rows, in order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> + Clone {
        self.organizations.iter().flat_map(Organization::places)
    }

    /// The places of all account groups, in order.
    pub fn groups(&self) -> impl Iterator<Item = Place<'_>> + Clone {
        self.organizations.iter().flat_map(Organization::groups)
    }

    fn index(&self, org_id: &OrgId) -> Option<usize> {
        self.organizations.binary_search_by(|organization| organization.id.cmp(org_id)).ok()
    }
}

#[cfg(test)]
mod tests;
