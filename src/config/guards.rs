//! `[guard]`: the limits of the rules that hold a plan back, and other limits for single targets.

use std::time::Duration;

use serde::Deserialize;

use super::ranges::range;
use super::types::duration;
use crate::domain::quota::{Aid, OrgId, Target};

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
    pub below_last_cycle: Level,
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
            below_last_cycle: Level::Warn,
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
    pub approval: Option<Approval>,
    pub headroom_percent: Option<u32>,
    pub below_last_cycle: Option<Level>,
    pub max_lowered_percent: Option<u32>,
    pub max_sum_change_percent: Option<u32>,
    pub floor_rows: Option<usize>,
    pub max_raise_factor: Option<f64>,
    pub over_allocation: Option<Level>,
    pub above_plan: Option<Level>,
    pub unassign: Option<Level>,
}

impl Guards {
    /// The limits for one target, without further overrides: the last one that names it wins, key by key.
    pub(crate) fn for_target(&self, target: &Target) -> Self {
        let mut guards = Self { overrides: Vec::new(), ..*self };
        for other in &self.overrides {
            let named = other.org_id.as_ref() == Some(&target.org_id)
                && (other.aid.is_none() || other.aid == target.aid);
            if !named {
                continue;
            }
            other.set(&mut guards);
        }
        guards
    }

    /// What the types alone cannot say: each problem as the key (an override by its place) and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut check = |bad: bool, key: String, fix: &str| {
            if bad {
                found.push((key, fix.to_owned()));
            }
        };
        check(
            self.expire.is_zero(),
            "guard.expire".into(),
            "must be longer than 0: nobody could approve in time",
        );
        let of_all = ("guard".to_owned(), Some(self.max_raise_factor), Some(self.max_lowered_percent));
        let of_targets = self.overrides.iter().enumerate().map(|(index, other)| {
            (format!("guard.overrides.{index}"), other.max_raise_factor, other.max_lowered_percent)
        });
        for (place, factor, lowered) in std::iter::once(of_all).chain(of_targets) {
            let is_factor = |factor: f64| factor.is_finite() && factor >= 1.0;
            check(
                factor.is_some_and(|factor| !is_factor(factor)),
                format!("{place}.max_raise_factor"),
                "must be a number of at least 1",
            );
            check(
                lowered.is_some_and(|percent| percent > 100),
                format!("{place}.max_lowered_percent"),
                range("guard.max_lowered_percent").unwrap_or_default(),
            );
        }
        for (index, other) in self.overrides.iter().enumerate() {
            let place = format!("guard.overrides.{index}");
            found.extend(id_problems(&place, other.org_id.as_ref(), other.aid.as_ref()));
            if !other.set(&mut Self::default()) {
                let fix = "sets no limit: add one of the keys of [guard], such as max_raise_factor = 10.0";
                found.push((place, fix.to_owned()));
            }
        }
        found
    }
}

/// What is wrong with the ids that an override is for.
pub(super) fn id_problems(place: &str, org_id: Option<&OrgId>, aid: Option<&Aid>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if org_id.is_none() {
        let fix = "needs an `org_id`: an override is for one organization, or with `aid` for one account group of it";
        found.push((place.to_owned(), fix.to_owned()));
    }
    for (key, id) in [("org_id", org_id.map(OrgId::as_str)), ("aid", aid.map(Aid::as_str))] {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if id.is_some_and(|id| !is_id(id)) {
            let fix = "is not an id, which is digits such as \"10452\": it would match nothing";
            found.push((format!("{place}.{key}"), fix.to_owned()));
        }
    }
    found
}

impl GuardOverride {
    /// Sets its limits, and says whether it has any.
    fn set(&self, guards: &mut Guards) -> bool {
        let mut has_any = false;
        // Each key once: the compiler names one that is forgotten here or in one of the two structs.
        macro_rules! set_each {
            ($($key:ident),+) => {
                let Self { org_id: _, aid: _, $($key),+ } = self;
                let Guards { expire: _, overrides: _, $($key: _),+ } = guards;
                $(if let Some(value) = $key {
                    guards.$key = *value;
                    has_any = true;
                })+
            };
        }
        set_each!(
            approval,
            headroom_percent,
            below_last_cycle,
            max_lowered_percent,
            max_sum_change_percent,
            floor_rows,
            max_raise_factor,
            over_allocation,
            above_plan,
            unassign
        );
        has_any
    }
}
