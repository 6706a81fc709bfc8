//! An organization's usage without anything else, which is all that levels and charts need from earlier snapshots.

use chrono::{DateTime, Utc};

use super::merge::merge;
use super::quota::{OrgId, Organization, Place, Usage};

/// What an organization and its account groups used, beside another snapshot's organization.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageRows {
    pub id: OrgId,
    /// Start of the billing cycle that the usage belongs to.
    pub period_start: Option<DateTime<Utc>>,
    /// By the rows of the other snapshot's organization; none where there was no such row.
    pub rows: Vec<Option<Usage>>,
}

impl UsageRows {
    /// What `then` shows of the rows of `now`.
    pub(crate) fn beside(then: &Organization, now: &Organization) -> Self {
        let aid = |now: &Place<'_>, then: &Place<'_>| now.aid().cmp(&then.aid());
        let rows = merge(now.places(), then.places(), aid);
        Self {
            id: then.id.clone(),
            period_start: then.period_start,
            rows: rows.filter_map(|(now, then)| now.map(|_| Some(then?.usage()))).collect(),
        }
    }
}
