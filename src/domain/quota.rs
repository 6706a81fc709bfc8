//! The words of the domain as types: what a quota sits on, how much was used, and what was seen at one moment.
//!
//! Plain data without a clock, a socket or a file: every decision of quotakeeper is a function over these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::ids::{Aid, OrgId};
pub use super::snapshot::{AccountGroup, Builder, Organization, OwnFigures, Place, Snapshot, SnapshotRow};

/// `ThousandEyes` units, the API's `int64`. A quota, what was used, and a projection all count in them.
pub type Units = i64;

/// What a quota sits on: an organization (`aid` is none), or one account group of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The organization.
    pub org_id: OrgId,
    /// The account group; none for the organization's own quota.
    pub aid: Option<Aid>,
}

/// Of organizations, the targets that have a quota; none is the organization itself.
pub(crate) type WithQuota = BTreeMap<OrgId, BTreeSet<Option<Aid>>>;

impl Target {
    /// The organization's own quota.
    pub fn organization(org_id: impl Into<OrgId>) -> Self {
        Self { org_id: org_id.into(), aid: None }
    }

    /// The quota of one account group.
    pub fn account_group(org_id: impl Into<OrgId>, aid: impl Into<Aid>) -> Self {
        Self { org_id: org_id.into(), aid: Some(aid.into()) }
    }

    /// The name that a person knows it by, of those of its organization and its account group: its own, else its id.
    pub(crate) fn name<'n>(&'n self, org_name: &'n str, account_group_name: &'n str) -> &'n str {
        let (name, id) = match &self.aid {
            Some(aid) => (account_group_name, aid.as_str()),
            None => (org_name, self.org_id.as_str()),
        };
        if name.is_empty() { id } else { name }
    }

    /// The `level` column of the files.
    pub fn level(&self) -> &'static str {
        if self.aid.is_some() { "account_group" } else { "organization" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.aid {
            Some(aid) => write!(f, "account group {aid} of organization {}", self.org_id),
            None => write!(f, "organization {}", self.org_id),
        }
    }
}

/// What one target used in the current billing cycle. `None` is "unknown", which is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Cloud agent units used so far.
    pub cloud_used: Option<Units>,
    /// Cloud agent units by the end of the cycle.
    pub cloud_projected: Option<Units>,
    /// Enterprise agent units used so far.
    pub enterprise_used: Option<Units>,
    /// Enterprise agent units by the end of the cycle.
    pub enterprise_projected: Option<Units>,
    /// Connected device units used so far; the organization's alone.
    pub device_used: Option<Units>,
    /// Connected device units by the end of the cycle; the organization's alone.
    pub device_projected: Option<Units>,
}

/// How usage is compared with a quota: which kinds of units count, and how many of them make one quota unit.
///
/// Whether quotas and usage count in the same units is not documented by the vendor, hence the divisor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsageRule {
    /// Cloud agent units count.
    pub cloud: bool,
    /// Enterprise agent units count.
    pub enterprise: bool,
    /// Usage is divided by this, rounded up; 1 unless configured.
    pub units_per_quota_unit: Option<f64>,
}

impl Default for UsageRule {
    fn default() -> Self {
        Self { cloud: true, enterprise: true, units_per_quota_unit: None }
    }
}

impl UsageRule {
    /// Quota units used so far; none when any counted part is unknown.
    pub fn used(&self, usage: &Usage) -> Option<Units> {
        self.counted(usage.cloud_used, usage.enterprise_used)
    }

    /// Quota units by the end of the cycle; none when any counted part is unknown.
    pub fn projected(&self, usage: &Usage) -> Option<Units> {
        self.counted(usage.cloud_projected, usage.enterprise_projected)
    }

    /// What a quota must at least allow: the larger of used and projected.
    pub fn needed(&self, usage: &Usage) -> Option<Units> {
        Some(self.used(usage)?.max(self.projected(usage)?))
    }

    /// Quota less what is needed; negative when it will not do. None without a quota or with usage unknown.
    pub fn headroom(&self, quota: Option<Units>, usage: &Usage) -> Option<Units> {
        Some(quota?.saturating_sub(self.needed(usage)?))
    }

    /// Whether quotas and usage of an organization look counted in different units: its plan and its own quota are
    /// about a power of 1000 apart, and nobody has said how they compare.
    pub fn looks_mismatched(&self, organization: &SnapshotRow<'_>) -> bool {
        let (Some(plan), Some(quota)) = (organization.plan_units, organization.quota) else { return false };
        if self.units_per_quota_unit.is_some() || plan <= 0 || quota <= 0 {
            return false;
        }
        #[expect(clippy::cast_precision_loss, reason = "only the magnitude of the ratio counts")]
        let power = (plan.max(quota) as f64 / plan.min(quota) as f64).log10() / 3.0;
        power.round() >= 1.0 && (power - power.round()).abs() < 0.1
    }

    /// The contracted plan in quota units: it is one of cloud units, whichever kinds are compared with a quota.
    pub(crate) fn plan(&self, plan_units: Option<Units>) -> Option<Units> {
        Self { cloud: true, enterprise: false, ..*self }.counted(plan_units, None)
    }

    /// The units of an organization that none of its account groups has, by kind where they are over a tenth of those: each of them
    /// may be any group's.
    pub(crate) fn unattributed(&self, seen: &Organization) -> Units {
        let Some(own) = seen.own.as_ref().map(|own| own.usage) else { return 0 };
        let rest = |of: fn(&Usage) -> Option<Units>| {
            let whole = of(&own)?;
            let rest = whole.saturating_sub(sum(seen.groups().filter_map(|group| of(&group.usage()))));
            (rest > whole / 10).then_some(rest)
        };
        let units = |cloud: Option<Units>, enterprise: Option<Units>| {
            self.counted(Some(cloud.unwrap_or(0)), Some(enterprise.unwrap_or(0))).unwrap_or(0)
        };
        let used = units(rest(|usage| usage.cloud_used), rest(|usage| usage.enterprise_used));
        used.max(units(rest(|usage| usage.cloud_projected), rest(|usage| usage.enterprise_projected)))
    }

    /// Any number of usage units, such as the next cycle's projection, in quota units.
    pub fn counted(&self, cloud: Option<Units>, enterprise: Option<Units>) -> Option<Units> {
        let cloud = if self.cloud { cloud? } else { 0 };
        let enterprise = if self.enterprise { enterprise? } else { 0 };
        let sum = cloud.saturating_add(enterprise);
        Some(match self.units_per_quota_unit {
            None => sum,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "a float cast saturates, and a divided sum needs no 53rd bit"
            )]
            Some(divisor) => (sum as f64 / divisor).ceil() as Units,
        })
    }
}

/// Whether so many of an organization's quotas are missing, beside those that are there, that the answer is to be doubted: people
/// rarely remove most of them at once.
pub(crate) fn are_most_missing(missing: usize, there: usize) -> bool {
    missing > there
}

/// The sum of many units; stops at the type's end instead of wrapping.
pub fn sum(units: impl IntoIterator<Item = Units>) -> Units {
    units.into_iter().fold(0, Units::saturating_add)
}

#[cfg(test)]
mod tests;
