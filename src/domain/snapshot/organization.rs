//! What was seen of one organization and its account groups, and where in it one target is.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::domain::ids::{Aid, OrgId};
use crate::domain::quota::UsageRule;
use crate::domain::snapshot::row::SnapshotRow;
use crate::domain::target::Target;
use crate::domain::units::{self, Units, Usage};

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
    /// An account group of which only the id, the name and the quota are known.
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
    /// An organization of which only the id is known.
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
        let &OwnFigures { quota, usage, plan_units, cloud_next_period, enterprise_next_period } =
            self.own.as_ref()?;
        Some(SnapshotRow {
            quota,
            usage,
            plan_units,
            cloud_next_period,
            enterprise_next_period,
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

    /// Hands out its own row, then those of its account groups, in one place: for those who look at a million of them.
    pub(crate) fn for_each_row<E>(
        &self,
        mut each: impl FnMut(&mut SnapshotRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(mut own) = self.own_row() {
            each(&mut own)?;
        }
        let mut row = self.row_of(None);
        for group in &self.account_groups {
            let AccountGroup { aid, name, quota, usage: _ } = group;
            row.target.aid = Some(aid.clone());
            row.account_group_name = Cow::Borrowed(name);
            row.quota = *quota;
            row.usage = group.usage();
            each(&mut row)?;
        }
        Ok(())
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
        self.groups_from(aid)?.first()
    }

    /// That one and those behind it, if it was visible.
    pub(crate) fn groups_from(&self, aid: &Aid) -> Option<&[AccountGroup]> {
        let index = self.account_groups.binary_search_by(|group| group.aid.cmp(aid)).ok()?;
        Some(&self.account_groups[index..])
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
        units::sum(self.account_groups.iter().filter_map(|group| group.quota))
    }

    /// Whether anything in it has a quota.
    pub fn has_quota(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.quota.is_some())
            || self.account_groups.iter().any(|group| group.quota.is_some())
    }

    /// How many quotas are visible of it: its own, and those of account groups.
    pub(crate) fn quota_count(&self) -> usize {
        self.places().filter(|place| place.quota().is_some()).count()
    }

    /// The billing cycle that its usage belongs to; none where that is unknown, or ends before it begins.
    pub fn cycle(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.period_start.zip(self.period_end).filter(|(start, end)| start < end)
    }

    /// Those of its rows alone that are to be kept; none where nothing is left.
    pub(crate) fn filtered(mut self, mut is_kept: impl FnMut(Place<'_>) -> bool) -> Option<Self> {
        let is_own_kept = self.place(None).is_some_and(&mut is_kept);
        let kept: Vec<bool> = self.groups().map(is_kept).collect();
        let mut kept = kept.into_iter();
        self.account_groups.retain(|_| kept.next().unwrap_or_default());
        self.account_groups.shrink_to_fit();
        self.own = self.own.filter(|_| is_own_kept);
        (self.row_count() > 0).then_some(self)
    }

    fn row_of_group<'s>(&'s self, group: &'s AccountGroup) -> SnapshotRow<'s> {
        let AccountGroup { aid, name, quota, usage: _ } = group;
        SnapshotRow {
            account_group_name: Cow::Borrowed(name),
            quota: *quota,
            usage: group.usage(),
            ..self.row_of(Some(aid.clone()))
        }
    }

    /// Field by field, because there are millions of rows: nothing is made first and replaced then.
    fn row_of(&self, aid: Option<Aid>) -> SnapshotRow<'_> {
        SnapshotRow {
            target: Target { org_id: self.id.clone(), aid },
            org_name: Cow::Borrowed(&self.name),
            account_group_name: Cow::Borrowed(""),
            quota: None,
            usage: Usage::default(),
            period_start: self.period_start,
            period_end: self.period_end,
            plan_units: None,
            cloud_next_period: None,
            enterprise_next_period: None,
        }
    }

    /// Takes over what a row of it says of it as a whole. What is known already stands.
    pub(crate) fn describe(&mut self, row: &SnapshotRow<'_>) {
        if self.name.is_empty() {
            self.name = (&*row.org_name).into();
        }
        if self.period_start.is_none() && self.period_end.is_none() {
            (self.period_start, self.period_end) = (row.period_start, row.period_end);
        }
    }

    /// Takes a row of it over. What is known already stands.
    pub(crate) fn add(&mut self, row: SnapshotRow<'_>) {
        self.describe(&row);
        // Field by field: the compiler asks where a new one goes.
        let SnapshotRow {
            target,
            org_name: _,
            account_group_name,
            quota,
            usage,
            period_start: _,
            period_end: _,
            plan_units,
            cloud_next_period,
            enterprise_next_period,
        } = row;
        let Some(aid) = target.aid else {
            self.own.get_or_insert(OwnFigures {
                quota,
                usage,
                plan_units,
                cloud_next_period,
                enterprise_next_period,
            });
            return;
        };
        let mut group = AccountGroup::new(aid, account_group_name.into(), quota);
        group.set_usage(usage);
        self.account_groups.push(group);
    }

    /// Takes over what another entry of the same organization says.
    pub(super) fn merge(&mut self, later: &mut Self) {
        if self.name.is_empty() {
            self.name = std::mem::take(&mut later.name);
        }
        if self.period_start.is_none() && self.period_end.is_none() {
            (self.period_start, self.period_end) = (later.period_start, later.period_end);
        }
        self.own = self.own.take().or(later.own.take());
        self.account_groups.append(&mut later.account_groups);
    }

    pub(super) fn take_usage_of(&mut self, other: &Self) {
        (self.period_start, self.period_end) = (other.period_start, other.period_end);
        if let (Some(own), Some(other)) = (&mut self.own, &other.own) {
            *own = OwnFigures { quota: own.quota, ..other.clone() };
        }
        for group in &mut self.account_groups {
            if let Some(other) = other.group(&group.aid) {
                group.usage.clone_from(&other.usage);
            }
        }
    }

    /// With its account groups sorted, each once.
    pub(crate) fn sorted(mut self) -> Self {
        self.sort();
        self
    }

    pub(super) fn is_sorted(&self) -> bool {
        self.account_groups.is_sorted_by(|a, b| a.aid < b.aid)
    }

    pub(super) fn sort(&mut self) {
        if !self.is_sorted() {
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
        self.known_usage().copied().unwrap_or_default()
    }

    fn known_usage(self) -> Option<&'a Usage> {
        match self.account_group {
            Some(group) => group.usage.as_deref(),
            None => self.organization.own.as_ref().map(|own| &own.usage),
        }
    }

    /// Its quota less what is needed, as [`UsageRule::headroom`] says.
    pub(crate) fn headroom(self, rule: &UsageRule) -> Option<Units> {
        rule.headroom(self.quota(), self.known_usage()?)
    }

    /// The row of it, if it was visible.
    pub fn row(self) -> Option<SnapshotRow<'a>> {
        match self.account_group {
            Some(group) => Some(self.organization.row_of_group(group)),
            None => self.organization.own_row(),
        }
    }
}
