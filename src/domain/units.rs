//! Units, and what was used of them.

/// `ThousandEyes` units, the API's `int64`. A quota, what was used, and a projection all count in them.
pub type Units = i64;

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

/// The sum of many units; stops at the type's end instead of wrapping.
pub fn sum(units: impl IntoIterator<Item = Units>) -> Units {
    units.into_iter().fold(0, Units::saturating_add)
}
