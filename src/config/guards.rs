//! `[guard]`: the limits of the rules that hold a plan back, and other limits for single targets.

use std::time::Duration;

use serde::Deserialize;

use super::types::duration;
use crate::quota::{Aid, OrgId, Target};

/// Whether every plan waits for a person, or only those that a guard holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    #[default]
    Guards,
    Always,
}

/// What a guard that can be eased does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Allow,
    Warn,
    Hold,
}

/// `[guard]`: the rules that hold a plan back until a person approves it. Percentages are whole numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Guards {
    pub approval: Approval,
    /// A held run that nobody decided on for so long is rejected.
    #[serde(deserialize_with = "duration")]
    pub expire: Duration,
    pub headroom_percent: u32,
    pub max_lowered_percent: u32,
    pub max_sum_change_percent: u32,
    pub floor_rows: usize,
    pub max_raise_factor: f64,
    pub over_allocation: Level,
    pub above_plan: Level,
    pub unassign: Level,
    pub overrides: Vec<GuardOverride>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            approval: Approval::default(),
            expire: Duration::from_secs(7 * 24 * 3600),
            headroom_percent: 10,
            max_lowered_percent: 50,
            max_sum_change_percent: 20,
            floor_rows: 10,
            max_raise_factor: 5.0,
            over_allocation: Level::Warn,
            above_plan: Level::Hold,
            unassign: Level::Hold,
            overrides: Vec::new(),
        }
    }
}

/// `[[guard.overrides]]`: other limits for one organization (all of its targets) or one account group of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GuardOverride {
    pub org_id: Option<OrgId>,
    /// Without it the override is for the organization and all of its account groups.
    pub aid: Option<Aid>,
    pub headroom_percent: Option<u32>,
    pub max_lowered_percent: Option<u32>,
    pub max_sum_change_percent: Option<u32>,
    pub floor_rows: Option<usize>,
    pub max_raise_factor: Option<f64>,
    pub over_allocation: Option<Level>,
    pub above_plan: Option<Level>,
    pub unassign: Option<Level>,
}

impl Guards {
    /// The limits for one target: the last override that names it wins, key by key.
    pub(crate) fn for_target(&self, target: &Target) -> Self {
        let mut guards = self.clone();
        for other in &self.overrides {
            let named = other.org_id.as_ref() == Some(&target.org_id)
                && (other.aid.is_none() || other.aid == target.aid);
            if !named {
                continue;
            }
            macro_rules! take {
                ($($key:ident),+) => { $(if let Some(value) = other.$key { guards.$key = value; })+ };
            }
            take!(headroom_percent, max_lowered_percent, max_sum_change_percent, floor_rows);
            take!(max_raise_factor, over_allocation, above_plan, unassign);
        }
        guards
    }
}
