//! One earlier snapshot's figures for the targets of the latest: only those that levels and charts need.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::domain::merge::merge;
use crate::domain::quota::{OrgId, Organization, Snapshot, Units, UsageRule};
use crate::domain::usage_rows::UsageRows;

/// The figures stand by the places of the rows in the latest snapshot, and of its organizations.
pub(crate) struct Readings {
    pub(in crate::report) at: DateTime<Utc>,
    /// The cycle that the usage of each organization belongs to.
    pub(in crate::report) cycles: Vec<Option<DateTime<Utc>>>,
    /// What each row used.
    pub(in crate::report) used: Vec<Option<Units>>,
    /// The rows that were there, whether or not it is known what they used.
    pub(in crate::report) showed: Vec<bool>,
}

/// The same of one organization.
pub(crate) struct OrganizationReadings {
    id: OrgId,
    cycle: Option<DateTime<Utc>>,
    used: Vec<Option<Units>>,
    showed: Vec<bool>,
}

impl OrganizationReadings {
    /// Of what was shown then of an organization of the latest snapshot.
    pub(crate) fn new(then: UsageRows, rule: &UsageRule) -> Self {
        let UsageRows { id, period_start: cycle, rows } = then;
        let used = rows.iter().map(|usage| rule.used(usage.as_ref()?)).collect();
        Self { id, cycle, used, showed: rows.iter().map(Option::is_some).collect() }
    }
}

impl Readings {
    /// Of a snapshot that comes organization by organization, in the order of their ids, and those alone that the latest shows too.
    pub(crate) fn from_snapshot<E>(
        at: DateTime<Utc>,
        organizations: impl IntoIterator<Item = Result<OrganizationReadings, E>>,
        latest: &Snapshot,
    ) -> Result<Self, E> {
        let rows = latest.row_count();
        let cycles = Vec::with_capacity(latest.organizations().len());
        let mut seen = Self { at, cycles, used: Vec::with_capacity(rows), showed: Vec::with_capacity(rows) };
        let in_order = |now: &&Organization, then: &Result<OrganizationReadings, E>| match then {
            Ok(then) => now.id.cmp(&then.id),
            Err(_) => Ordering::Equal, // it ends all, whatever stands beside it
        };
        let mut until = 0;
        for (now, then) in merge(latest.organizations(), organizations, in_order) {
            let (then, Some(now)) = (then.transpose()?, now) else { continue };
            until += now.row_count();
            seen.cycles.push(then.as_ref().and_then(|then| then.cycle));
            if let Some(then) = then {
                seen.used.extend(then.used);
                seen.showed.extend(then.showed);
            }
            seen.used.resize(until, None);
            seen.showed.resize(until, false);
        }
        Ok(seen)
    }

    /// Of the latest snapshot itself.
    pub(in crate::report) fn of_latest(latest: &Snapshot, rule: &UsageRule) -> Self {
        Self {
            at: latest.taken_at,
            cycles: latest.organizations().iter().map(|seen| seen.period_start).collect(),
            used: latest.places().map(|place| rule.used(&place.usage())).collect(),
            showed: vec![true; latest.row_count()],
        }
    }
}
