//! What a plan depends on besides the file and the live quotas.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::set_by::SetByRuns;
use super::vanished::VanishedQuotas;
use crate::config::{Guards, Mode};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::UsageRule;
use crate::domain::top_consumers::TopConsumers;

/// What a plan is made with, besides the file and what is live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanContext<'a> {
    pub guards: &'a Guards,
    pub mode: Mode,
    pub rule: &'a UsageRule,
    /// The file restores what a run changed: exempt from the guards for share and sum, and from no other.
    pub undo: bool,
    /// The zone in which the days of `effective` begin.
    pub zone: Tz,
    /// Where the units of the targets go, to name in what holds a row.
    pub largest: &'a TopConsumers,
    /// What the targets had used when their last billing cycle ended.
    pub last_cycle: &'a LastCycle,
    /// What runs set, to say who changed a quota that is not what the editor saw.
    pub set_by: &'a SetByRuns,
    /// The organizations whose quotas went from the API's answer.
    pub vanished: &'a VanishedQuotas,
    /// When a run that waits for its time is due, whatever its rows say: `next_cycle` would move on with the cycles.
    pub due: Option<DateTime<Utc>>,
}

impl<'a> PlanContext<'a> {
    /// Of an ordinary file, with its days in UTC, and nothing known of single tests.
    pub(crate) fn new(guards: &'a Guards, mode: Mode, rule: &'a UsageRule) -> Self {
        Self {
            guards,
            mode,
            rule,
            undo: false,
            zone: Tz::UTC,
            largest: TopConsumers::empty(),
            last_cycle: LastCycle::empty(),
            set_by: SetByRuns::empty(),
            vanished: VanishedQuotas::empty(),
            due: None,
        }
    }
}
