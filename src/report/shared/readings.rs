//! One earlier snapshot's figures for the targets of the latest: only those that levels and charts need.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::domain::merge::merge;
use crate::domain::quota::{OrgId, Organization, Snapshot, Units, UsageRule};
use crate::domain::usage_rows::UsageRows;

/// The figures stand by the places of the rows in the latest snapshot, and of its organizations.
pub(crate) struct Readings {
    pub(crate) at: DateTime<Utc>,
    /// The cycle that the usage of each organization belongs to.
    pub(in crate::report) cycles: Vec<Option<DateTime<Utc>>>,
    /// What each row used.
    pub(in crate::report) rows: Vec<RowUsage>,
}

/// What a row used, in eight bytes: a page is drawn from forty of these for each target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowUsage(Units);

impl RowUsage {
    /// The row was not there.
    const ABSENT: Self = Self(Units::MIN);
    /// It was there, and what it used is not known.
    const UNKNOWN: Self = Self(Units::MIN + 1);

    fn new(used: Option<Units>) -> Self {
        used.map_or(Self::UNKNOWN, Self)
    }

    pub(in crate::report) fn used(self) -> Option<Units> {
        (self.is_shown() && self != Self::UNKNOWN).then_some(self.0)
    }

    pub(in crate::report) fn is_shown(self) -> bool {
        self != Self::ABSENT
    }
}

/// The same of one organization.
pub(crate) struct OrganizationReadings {
    id: OrgId,
    cycle: Option<DateTime<Utc>>,
    rows: Vec<RowUsage>,
}

impl OrganizationReadings {
    /// Of what was shown then of an organization of the latest snapshot.
    pub(crate) fn new(then: UsageRows, rule: &UsageRule) -> Self {
        let UsageRows { id, period_start: cycle, rows } = then;
        let of = |usage| RowUsage::new(rule.used(usage));
        Self {
            id,
            cycle,
            rows: rows.iter().map(|usage| usage.as_ref().map_or(RowUsage::ABSENT, of)).collect(),
        }
    }
}

impl Readings {
    /// Of a snapshot that comes organization by organization, in the order of their ids, and those alone that the latest shows too.
    pub(crate) fn from_snapshot<E>(
        at: DateTime<Utc>,
        organizations: impl IntoIterator<Item = Result<OrganizationReadings, E>>,
        latest: &Snapshot,
    ) -> Result<Self, E> {
        let cycles = Vec::with_capacity(latest.organizations().len());
        let mut seen = Self { at, cycles, rows: Vec::with_capacity(latest.row_count()) };
        let in_order = |now: &&Organization, then: &Result<OrganizationReadings, E>| match then {
            Ok(then) => now.id.cmp(&then.id),
            Err(_) => Ordering::Equal, // it ends all, whatever stands beside it
        };
        let mut until = 0;
        for (now, then) in merge(latest.organizations(), organizations, in_order) {
            let (then, Some(now)) = (then.transpose()?, now) else { continue };
            until += now.row_count();
            seen.cycles.push(then.as_ref().and_then(|then| then.cycle));
            seen.rows.extend(then.into_iter().flat_map(|then| then.rows));
            seen.rows.resize(until, RowUsage::ABSENT);
        }
        Ok(seen)
    }

    /// Of the latest snapshot itself.
    pub(in crate::report) fn of_latest(latest: &Snapshot, rule: &UsageRule) -> Self {
        Self {
            at: latest.taken_at,
            cycles: latest.organizations().iter().map(|seen| seen.period_start).collect(),
            rows: latest.places().map(|place| RowUsage::new(rule.used(&place.usage()))).collect(),
        }
    }
}
