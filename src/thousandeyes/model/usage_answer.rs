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
        // Field by field: the compiler asks of a new one whether it is what was used.
        let Self {
            period_start: _,
            period_end: _,
            plan_units: _,
            total,
            cloud_next_period: _,
            enterprise_next_period: _,
            tests,
            agents,
        } = self;
        let Usage {
            cloud_used,
            cloud_projected,
            enterprise_used,
            enterprise_projected,
            device_used,
            device_projected,
        } = total;
        let cloud = [*cloud_used, *cloud_projected];
        let others = [*enterprise_used, *enterprise_projected, *device_used, *device_projected];
        let tests = tests.iter().flatten().flat_map(|test| [test.used, test.projected]);
        let agents = agents.iter().flatten().flat_map(|agent| [agent.used, agent.projected]);
        let mut all = cloud.into_iter().chain(others).chain(agents).chain(tests).flatten();
        all.any(|units| units < 0)
    }
}
