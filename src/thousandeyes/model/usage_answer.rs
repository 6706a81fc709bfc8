//! The body of `GET /usage` as values, however it was read.

use chrono::{DateTime, Utc};

use super::{AgentUnits, TestUsage};
use crate::domain::quota::{Units, Usage};

/// What the body of `GET /usage` says; a breakdown is none where it is not there at all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct UsageAnswer {
    pub(super) period_start: Option<DateTime<Utc>>,
    pub(super) period_end: Option<DateTime<Utc>>,
    pub(super) plan_units: Option<Units>,
    pub(super) total: Usage,
    pub(super) cloud_next_period: Option<Units>,
    pub(super) enterprise_next_period: Option<Units>,
    pub(super) tests: Option<Vec<TestUsage>>,
    pub(super) agents: Option<Vec<AgentUnits>>,
}

impl UsageAnswer {
    pub(super) fn has_negative_units(&self) -> bool {
        let total = &self.total;
        let cloud = [total.cloud_used, total.cloud_projected];
        let others =
            [total.enterprise_used, total.enterprise_projected, total.device_used, total.device_projected];
        let tests = self.tests.iter().flatten().flat_map(|test| [test.used, test.projected]);
        let agents = self.agents.iter().flatten().flat_map(|agent| [agent.used, agent.projected]);
        let mut all = cloud.into_iter().chain(others).chain(agents).chain(tests).flatten();
        all.any(|units| units < 0)
    }
}
