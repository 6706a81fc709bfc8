//! Of an organization what was used alone, which is all that judging and drawing takes of earlier snapshots.

use chrono::{DateTime, Utc};

use super::quota::{Aid, OrgId, Organization, Place, Usage};

/// What an organization and its account groups used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageRows {
    pub id: OrgId,
    /// Start of the billing cycle that the usage belongs to.
    pub period_start: Option<DateTime<Utc>>,
    /// The organization's own row, then those of its account groups, sorted by id as numbers.
    pub rows: Vec<(Option<Aid>, Usage)>,
}

impl From<&Organization> for UsageRows {
    fn from(organization: &Organization) -> Self {
        let row = |place: Place<'_>| (place.aid().cloned(), place.usage());
        Self {
            id: organization.id.clone(),
            period_start: organization.period_start,
            rows: organization.places().map(row).collect(),
        }
    }
}
