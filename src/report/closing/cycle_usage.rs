//! Usage against quota in a whole closed billing cycle, without projections.

use serde::Serialize;

use crate::domain::quota::{SnapshotRow, Units, UsageRule};
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{Bar, bar, name_and_id};
use crate::report::shared::words;
use crate::text::words::grouped;

/// What one target, or several together, used of a quota in a whole cycle.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CycleUsage {
    pub name: String,
    pub id: String,
    pub used: Option<Units>,
    pub quota: Option<Units>,
    pub percent: Option<Units>,
    /// What was used beyond the quota.
    pub over: Option<Units>,
    pub level: Level,
    /// `93 % used`, `1 200 over`, `usage unknown`.
    pub status: String,
    pub bar: Option<Bar>,
}

pub(in crate::report) fn spent_by(row: &SnapshotRow, rule: &UsageRule) -> CycleUsage {
    let (name, id) = name_and_id(row);
    cycle_usage(name, id, rule.used(&row.usage), row.quota)
}

pub(in crate::report) fn cycle_usage(
    name: String,
    id: String,
    used: Option<Units>,
    quota: Option<Units>,
) -> CycleUsage {
    let percent = used.zip(quota).and_then(|(used, quota)| words::percent(used, quota));
    let over = used.zip(quota).map(|(used, quota)| used.saturating_sub(quota)).filter(|over| *over > 0);
    let status = match (used, quota, over, percent) {
        (None, ..) => "usage unknown".to_owned(),
        (_, None, ..) => "no quota".to_owned(),
        (.., Some(over), _) => format!("{} over", grouped(over)),
        (.., Some(percent)) if percent >= 100 => "used up".to_owned(),
        (.., Some(percent)) => format!("{} % used", grouped(percent)),
        (.., None) => "nothing allowed".to_owned(),
    };
    let mut spent = CycleUsage {
        name,
        id,
        used,
        quota,
        percent,
        over,
        level: Level::Fine,
        status,
        bar: bar(quota, used, used),
    };
    if spent.ran_out() {
        spent.level = Level::Critical;
    }
    spent
}

impl CycleUsage {
    /// All of the quota was used, or more.
    pub(in crate::report) fn ran_out(&self) -> bool {
        self.over.is_some() || self.percent.is_some_and(|percent| percent >= 100)
    }

    /// `EMEA Branches 204117`.
    pub(in crate::report) fn label(&self) -> String {
        if self.name == self.id { self.id.clone() } else { format!("{} {}", self.name, self.id) }
    }
}
