//! The columns of a snapshot's file: what is written into each and what is read from it stand once.

use chrono::{DateTime, Utc};

use crate::domain::quota::{SnapshotRow, Units};

/// Does something for each column by its number, which the compiler knows. `COLUMNS` has as many lines as there are numbers here.
macro_rules! for_each_column {
    (count: $($column:literal)*) => { [$($column),*].len() };
    ($this:ident.$each:ident $arguments:tt: $($column:literal)*) => {
        $($this.$each::<$column> $arguments;)*
    };
    ($this:ident.$each:ident $arguments:tt ?: $($column:literal)*) => {
        $($this.$each::<$column> $arguments?;)*
    };
    ($($what:tt)+) => {
        for_each_column!($($what)+: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17)
    };
}
pub(super) use for_each_column;

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Cell {
    /// When the snapshot was taken: the same in every row, and in the file's name, which alone counts.
    TakenAt,
    /// What the target is; its ids say the same.
    Level,
    OrgId,
    OrgName,
    Aid,
    AccountGroupName,
    Units(for<'r, 'n> fn(&'r mut SnapshotRow<'n>) -> &'r mut Option<Units>),
    Moment(for<'r, 'n> fn(&'r mut SnapshotRow<'n>) -> &'r mut Option<DateTime<Utc>>),
}

/// In the order of the file.
pub(super) const COLUMNS: [(&str, Cell); for_each_column!(count)] = [
    ("taken_at", Cell::TakenAt),
    ("level", Cell::Level),
    ("org_id", Cell::OrgId),
    ("org_name", Cell::OrgName),
    ("aid", Cell::Aid),
    ("account_group_name", Cell::AccountGroupName),
    ("quota", Cell::Units(|row| &mut row.quota)),
    ("cloud_units_used", Cell::Units(|row| &mut row.usage.cloud_used)),
    ("cloud_units_projected", Cell::Units(|row| &mut row.usage.cloud_projected)),
    ("enterprise_units_used", Cell::Units(|row| &mut row.usage.enterprise_used)),
    ("enterprise_units_projected", Cell::Units(|row| &mut row.usage.enterprise_projected)),
    ("device_units_used", Cell::Units(|row| &mut row.usage.device_used)),
    ("device_units_projected", Cell::Units(|row| &mut row.usage.device_projected)),
    ("period_start", Cell::Moment(|row| &mut row.period_start)),
    ("period_end", Cell::Moment(|row| &mut row.period_end)),
    ("plan_units", Cell::Units(|row| &mut row.plan_units)),
    ("cloud_units_next_period", Cell::Units(|row| &mut row.cloud_next_period)),
    ("enterprise_units_next_period", Cell::Units(|row| &mut row.enterprise_next_period)),
];

/// In which of our columns the ids, the quota, the first figure of usage and the cycle stand.
pub(super) const ORG_ID: usize = place("org_id");
pub(super) const AID: usize = place("aid");
pub(super) const QUOTA: usize = place("quota");
pub(super) const USAGE: usize = place("cloud_units_used");
pub(super) const PERIOD_START: usize = place("period_start");

/// Where a column stands. That there is one of this name, the compiler knows.
const fn place(name: &str) -> usize {
    let mut place = 0;
    while !is_same(COLUMNS[place].0.as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

/// Without these a file says nothing.
pub(super) const NEEDED: [&str; 3] = ["org_id", "aid", "quota"];
