//! The words of the domain as types: what a quota sits on, how much was used, and what was seen at one moment.
//!
//! Plain data without a clock, a socket or a file: every decision of quotakeeper is a function over these.

pub use super::ids::{Aid, OrgId};
pub use super::snapshot::{AccountGroup, Builder, Organization, OwnFigures, Place, Snapshot, SnapshotRow};
pub use super::target::Target;
pub(crate) use super::target::WithQuota;
pub use super::units::{Units, Usage, sum};

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

    /// Quota less what is needed; negative if the quota is too small. None without a quota or with usage unknown.
    pub fn headroom(&self, quota: Option<Units>, usage: &Usage) -> Option<Units> {
        Some(quota?.saturating_sub(self.needed(usage)?))
    }

    /// Whether quotas and usage of an organization seem to use different units: its plan and its own quota are
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

#[cfg(test)]
mod tests;
