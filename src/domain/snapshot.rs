//! What was seen at one moment, as a tree: organizations in order, each with what belongs to it once and its account groups.
//!
//! There may be millions of account groups, so that one takes few bytes. A flat row exists only as a view of the tree, while it is
//! looked at, written or read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::quota::{Aid, OrgId, Target, Units, Usage};

/// One target at the moment of a snapshot. Empty names are names that the API did not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow<'a> {
    /// What the quota sits on.
    pub target: Target,
    /// The organization's name.
    pub org_name: Cow<'a, str>,
    /// The account group's name; empty on an organization's own row.
    pub account_group_name: Cow<'a, str>,
    /// The cap; none when no quota is assigned.
    pub quota: Option<Units>,
    /// What was used.
    pub usage: Usage,
    /// Start of the billing cycle that the usage belongs to: the organization's.
    pub period_start: Option<DateTime<Utc>>,
    /// End of that cycle.
    pub period_end: Option<DateTime<Utc>>,
    /// The contracted plan (`quota.cloudUnitsIncluded`); the organization's alone.
    pub plan_units: Option<Units>,
    /// Cloud units projected for the next cycle; the organization's alone.
    pub cloud_next_period: Option<Units>,
    /// Enterprise units projected for the next cycle; the organization's alone.
    pub enterprise_next_period: Option<Units>,
}

impl SnapshotRow<'_> {
    /// A row of which nothing is known but that the target exists.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            org_name: Cow::default(),
            account_group_name: Cow::default(),
            quota: None,
            usage: Usage::default(),
            period_start: None,
            period_end: None,
            plan_units: None,
            cloud_next_period: None,
            enterprise_next_period: None,
        }
    }

    /// The name that a person knows the target by: its own, else its id.
    pub fn name(&self) -> &str {
        let (name, id) = match &self.target.aid {
            Some(aid) => (&self.account_group_name, aid.as_str()),
            None => (&self.org_name, self.target.org_id.as_str()),
        };
        if name.is_empty() { id } else { name }
    }

    /// The same row with names of its own, for those who keep it longer than what it is a view of.
    pub fn into_owned(self) -> SnapshotRow<'static> {
        SnapshotRow {
            org_name: Cow::Owned(self.org_name.into_owned()),
            account_group_name: Cow::Owned(self.account_group_name.into_owned()),
            ..self
        }
    }
}

/// One organization at the moment of a snapshot. Empty names are names that the API did not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: Box<str>,
    /// Start of the billing cycle that the usage belongs to.
    pub period_start: Option<DateTime<Utc>>,
    /// End of that cycle.
    pub period_end: Option<DateTime<Utc>>,
    /// Its own quota and usage; none where only account groups of it were visible.
    pub own: Option<OwnFigures>,
    /// Sorted by id as numbers, each once.
    pub account_groups: Vec<AccountGroup>,
}

/// What an organization's own row says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFigures {
    /// The cap; none when no quota is assigned.
    pub quota: Option<Units>,
    /// The totals of what was used.
    pub usage: Usage,
    /// The contracted plan (`quota.cloudUnitsIncluded`).
    pub plan_units: Option<Units>,
    /// Cloud units projected for the next cycle.
    pub cloud_next_period: Option<Units>,
    /// Enterprise units projected for the next cycle.
    pub enterprise_next_period: Option<Units>,
}

/// One account group at the moment of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountGroup {
    /// Its id.
    pub aid: Aid,
    /// Its name; empty if the API gave none.
    pub name: Box<str>,
    /// The cap; none when no quota is assigned.
    pub quota: Option<Units>,
    /// What was used; none where nothing of it is known, which takes no memory then.
    usage: Option<Box<Usage>>,
}

impl AccountGroup {
    /// One of which this quota is known.
    pub fn new(aid: Aid, name: Box<str>, quota: Option<Units>) -> Self {
        Self { aid, name, quota, usage: None }
    }

    /// What was used.
    pub fn usage(&self) -> Usage {
        self.usage.as_deref().copied().unwrap_or_default()
    }

    /// With what was used.
    pub fn set_usage(&mut self, usage: Usage) {
        self.usage = (usage != Usage::default()).then(|| Box::new(usage));
    }
}

impl Organization {
    /// One of which nothing is known but that it exists.
    pub fn new(id: OrgId) -> Self {
        Self {
            id,
            name: Box::default(),
            period_start: None,
            period_end: None,
            own: None,
            account_groups: Vec::new(),
        }
    }

    /// The row of its own quota, where that was visible.
    pub fn own_row(&self) -> Option<SnapshotRow<'_>> {
        let own = self.own.as_ref()?;
        Some(SnapshotRow {
            quota: own.quota,
            usage: own.usage,
            plan_units: own.plan_units,
            cloud_next_period: own.cloud_next_period,
            enterprise_next_period: own.enterprise_next_period,
            ..self.row_of(None)
        })
    }

    /// The rows of its account groups, in order.
    pub fn group_rows(&self) -> impl ExactSizeIterator<Item = SnapshotRow<'_>> + Clone {
        self.account_groups.iter().map(|group| self.row_of_group(group))
    }

    /// Where one of its rows is, if it was visible: its own, or that of an account group.
    pub fn place(&self, aid: Option<&Aid>) -> Option<Place<'_>> {
        let account_group = match aid {
            None if self.own.is_none() => return None,
            None => None,
            Some(aid) => Some(self.group(aid)?),
        };
        Some(Place { organization: self, account_group })
    }

    /// The places of its rows, in their order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> + Clone {
        let own = self.own.is_some().then_some(Place { organization: self, account_group: None });
        own.into_iter().chain(self.groups())
    }

    /// The places of its account groups, in order.
    pub fn groups(&self) -> impl Iterator<Item = Place<'_>> + Clone {
        let groups = self.account_groups.iter();
        groups.map(move |group| Place { organization: self, account_group: Some(group) })
    }

    /// Its own row, then those of its account groups.
    pub fn rows(&self) -> impl Iterator<Item = SnapshotRow<'_>> + Clone {
        self.own_row().into_iter().chain(self.group_rows())
    }

    /// Its own row; where only account groups of it were visible, one of which little is known.
    pub fn row(&self) -> SnapshotRow<'_> {
        self.own_row().unwrap_or_else(|| SnapshotRow {
            period_start: None,
            period_end: None,
            ..self.row_of(None)
        })
    }

    /// One of its account groups, if it was visible.
    pub fn group(&self, aid: &Aid) -> Option<&AccountGroup> {
        let index = self.account_groups.binary_search_by(|group| group.aid.cmp(aid)).ok()?;
        Some(&self.account_groups[index])
    }

    /// How many rows it has.
    pub fn row_count(&self) -> usize {
        usize::from(self.own.is_some()) + self.account_groups.len()
    }

    /// Its own target.
    pub fn target(&self) -> Target {
        Target { org_id: self.id.clone(), aid: None }
    }

    /// What its account groups may use in all, as far as they have a quota.
    pub fn allocated(&self) -> Units {
        super::quota::sum(self.account_groups.iter().filter_map(|group| group.quota))
    }

    /// Whether anything in it has a quota.
    pub fn has_quota(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.quota.is_some())
            || self.account_groups.iter().any(|group| group.quota.is_some())
    }

    /// The billing cycle that its usage belongs to; none where that is unknown, or ends before it begins.
    pub fn cycle(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.period_start.zip(self.period_end).filter(|(start, end)| start < end)
    }

    /// Those of its rows alone that are to be kept; none where nothing is left.
    pub(crate) fn only(mut self, is_kept: &mut impl FnMut(&SnapshotRow<'_>) -> bool) -> Option<Self> {
        if self.own_row().is_some_and(|own| !is_kept(&own)) {
            self.own = None;
        }
        let kept: Vec<bool> = self.group_rows().map(|group| is_kept(&group)).collect();
        let mut kept = kept.into_iter();
        self.account_groups.retain(|_| kept.next().unwrap_or_default());
        (self.row_count() > 0).then_some(self)
    }

    fn row_of_group<'s>(&'s self, group: &'s AccountGroup) -> SnapshotRow<'s> {
        SnapshotRow {
            account_group_name: Cow::Borrowed(&group.name),
            quota: group.quota,
            usage: group.usage(),
            ..self.row_of(Some(group.aid.clone()))
        }
    }

    fn row_of(&self, aid: Option<Aid>) -> SnapshotRow<'_> {
        SnapshotRow {
            org_name: Cow::Borrowed(&self.name),
            period_start: self.period_start,
            period_end: self.period_end,
            ..SnapshotRow::new(Target { org_id: self.id.clone(), aid })
        }
    }

    /// Takes a row of it over. What is known already stands.
    pub(crate) fn add(&mut self, row: SnapshotRow<'_>) {
        if self.name.is_empty() {
            self.name = row.org_name.into();
        }
        if self.period_start.is_none() && self.period_end.is_none() {
            (self.period_start, self.period_end) = (row.period_start, row.period_end);
        }
        let Some(aid) = row.target.aid else {
            self.own.get_or_insert(OwnFigures {
                quota: row.quota,
                usage: row.usage,
                plan_units: row.plan_units,
                cloud_next_period: row.cloud_next_period,
                enterprise_next_period: row.enterprise_next_period,
            });
            return;
        };
        let mut group = AccountGroup::new(aid, row.account_group_name.into(), row.quota);
        group.set_usage(row.usage);
        self.account_groups.push(group);
    }

    /// Takes over what another entry of the same organization says.
    fn merge(&mut self, later: &mut Self) {
        if self.name.is_empty() {
            self.name = std::mem::take(&mut later.name);
        }
        if self.period_start.is_none() && self.period_end.is_none() {
            (self.period_start, self.period_end) = (later.period_start, later.period_end);
        }
        self.own = self.own.take().or(later.own.take());
        self.account_groups.append(&mut later.account_groups);
    }

    /// With its account groups sorted, each once.
    pub(crate) fn sorted(mut self) -> Self {
        self.sort();
        self
    }

    fn sort(&mut self) {
        if !self.account_groups.is_sorted_by(|a, b| a.aid < b.aid) {
            self.account_groups.sort_by(|a, b| a.aid.cmp(&b.aid));
            self.account_groups.dedup_by(|later, first| later.aid == first.aid);
        }
        self.account_groups.shrink_to_fit();
    }
}

/// One target of a snapshot, as a place in its tree: small, for those who keep many of them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its organization.
    pub organization: &'a Organization,
    /// The account group; none for the organization itself.
    pub account_group: Option<&'a AccountGroup>,
}

impl<'a> Place<'a> {
    /// What the quota sits on.
    pub fn target(self) -> Target {
        let aid = self.account_group.map(|group| group.aid.clone());
        Target { org_id: self.organization.id.clone(), aid }
    }

    /// The organization's name; empty if the API gave none.
    pub fn org_name(self) -> &'a str {
        &self.organization.name
    }

    /// The account group's name; empty if the API gave none, and for an organization.
    pub fn account_group_name(self) -> &'a str {
        self.account_group.map_or("", |group| &group.name)
    }

    /// The account group's id; none for an organization.
    pub fn aid(self) -> Option<&'a Aid> {
        self.account_group.map(|group| &group.aid)
    }

    /// The cap; none when no quota is assigned.
    pub fn quota(self) -> Option<Units> {
        match self.account_group {
            Some(group) => group.quota,
            None => self.organization.own.as_ref().and_then(|own| own.quota),
        }
    }

    /// What was used.
    pub fn usage(self) -> Usage {
        match self.account_group {
            Some(group) => group.usage(),
            None => self.organization.own.as_ref().map(|own| own.usage).unwrap_or_default(),
        }
    }

    /// The row of it, if it was visible.
    pub fn row(self) -> Option<SnapshotRow<'a>> {
        match self.account_group {
            Some(group) => Some(self.organization.row_of_group(group)),
            None => self.organization.own_row(),
        }
    }
}

/// Makes a snapshot of rows that come one by one, best in their order.
#[derive(Default)]
pub struct Builder {
    organizations: Vec<Organization>,
}

impl Builder {
    /// Takes a row over. Where a target comes twice, the first stands.
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

    /// The snapshot of all that was added.
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
    /// Sorts the rows. Where a target comes twice, the first stands.
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
        self.only(|row| !unreadable.contains_key(&row.target))
    }

    /// Those rows alone that are to be kept.
    pub(crate) fn only(self, mut is_kept: impl FnMut(&SnapshotRow<'_>) -> bool) -> Self {
        let organizations = self.organizations.into_iter();
        let organizations =
            organizations.filter_map(|organization| organization.only(&mut is_kept)).collect();
        Self { organizations, ..self }
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
mod tests {
    use super::*;

    #[test]
    fn an_organization_comes_before_its_account_groups() {
        let snapshot = Snapshot::new(
            DateTime::UNIX_EPOCH,
            [Target::account_group("7", "1"), Target::organization("7"), Target::account_group("12", "3")]
                .map(SnapshotRow::new),
        );
        let seen: Vec<_> = (snapshot.organizations().iter())
            .map(|organization| (organization.own.is_some(), organization.account_groups.len()))
            .collect();
        assert_eq!(seen, [(true, 1), (false, 1)]);
        assert!(snapshot.row(&Target::account_group("7", "1")).is_some());
        assert!(snapshot.row(&Target::account_group("7", "2")).is_none());
        let rows = |org_id: &str| snapshot.organization(&org_id.into()).map_or(0, Organization::row_count);
        assert_eq!(["7", "8", "12"].map(rows), [2, 0, 1]);
    }

    #[test]
    fn rows_in_any_order_make_the_same_snapshot_and_of_two_of_one_target_the_first_stands() {
        let row = |org_id: &str, aid: Option<&str>, quota| SnapshotRow {
            quota: Some(quota),
            org_name: "Acme".into(),
            ..SnapshotRow::new(Target { org_id: org_id.into(), aid: aid.map(Aid::from) })
        };
        let rows = [
            row("9", Some("2"), 1),
            row("10", None, 2),
            row("9", None, 3),
            row("9", Some("1"), 4),
            row("9", Some("2"), 5),
        ];
        let snapshot = Snapshot::new(DateTime::UNIX_EPOCH, rows);
        let seen: Vec<_> = snapshot.rows().map(|row| (row.target.to_string(), row.quota.unwrap())).collect();
        let of = |text: &str| text.to_owned();
        assert_eq!(
            seen,
            [
                (of("organization 9"), 3),
                (of("account group 1 of organization 9"), 4),
                (of("account group 2 of organization 9"), 1),
                (of("organization 10"), 2)
            ]
        );
        let again = snapshot.rows().collect::<Vec<_>>().into_iter().rev();
        assert_eq!(Snapshot::new(DateTime::UNIX_EPOCH, again), snapshot);
    }

    #[test]
    fn an_account_group_without_usage_takes_few_bytes() {
        assert!(size_of::<AccountGroup>() <= 56, "{}", size_of::<AccountGroup>());
    }

    #[test]
    fn what_is_taken_out_takes_its_organization_along_when_nothing_of_it_is_left() {
        let targets =
            [Target::organization("1"), Target::account_group("1", "2"), Target::account_group("3", "4")];
        let snapshot = Snapshot::new(DateTime::UNIX_EPOCH, targets.clone().map(SnapshotRow::new));
        let left = snapshot.only(|row| row.target == targets[1]);
        assert_eq!(left.rows().map(|row| row.target).collect::<Vec<_>>(), [targets[1].clone()]);
        assert_eq!((left.organizations().len(), left.row_count()), (1, 1));
    }
}
