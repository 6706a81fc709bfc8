//! One target at one moment, flat: a view of the tree while it is looked at, written or read.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::domain::target::Target;
use crate::domain::units::{Units, Usage};

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
    /// A row of which only the target is known.
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
        self.target.name(&self.org_name, &self.account_group_name)
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
