//! What one organization used, and whose units they are as far as the answer says.

use chrono::{DateTime, Utc};

use super::super::wire::{Object, Odd};
use super::{
    AgentUnits, OrganizationUsage, TestUsage, agent_units, aid, answer, missing, moment, name, plain, rows,
};
use crate::domain::quota::{Aid, Units, Usage, sum};

/// The body of `GET /usage`. Nearly every one is what the API promises, and is read in one go; else field by field.
pub(in crate::thousandeyes) fn usage(json: &str) -> Result<OrganizationUsage, Odd> {
    let answer = plain::usage(json).map_or_else(|| usage_carefully(json), Ok)?;
    if answer.has_negative_units() {
        Err(Odd("units that were used are negative".to_owned()))
    } else {
        Ok(summed(answer))
    }
}

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
    fn has_negative_units(&self) -> bool {
        let total = &self.total;
        let cloud = [total.cloud_used, total.cloud_projected];
        let others =
            [total.enterprise_used, total.enterprise_projected, total.device_used, total.device_projected];
        let tests = self.tests.iter().flatten().flat_map(|test| [test.used, test.projected]);
        let agents = self.agents.iter().flatten().flat_map(|agent| [agent.used, agent.projected]);
        let mut all = cloud.into_iter().chain(others).chain(agents).flatten().chain(tests);
        all.any(|units| units < 0)
    }
}

pub(super) fn usage_carefully(json: &str) -> Result<UsageAnswer, Odd> {
    let details = answer(json)?.object("usage")?.filter(|usage| !usage.is_empty());
    let details = details.ok_or_else(|| missing("usage"))?;
    let period = details.object("quota")?.unwrap_or_default();
    let time = |field| period.text(field).ok().flatten().and_then(|text| moment(&text));
    Ok(UsageAnswer {
        period_start: time("monthStart"),
        period_end: time("monthEnd"),
        plan_units: period.units("cloudUnitsIncluded")?,
        total: Usage {
            cloud_used: details.units("cloudUnitsUsed")?,
            cloud_projected: details.units("cloudUnitsProjected")?,
            enterprise_used: details.units("enterpriseUnitsUsed")?,
            enterprise_projected: details.units("enterpriseUnitsProjected")?,
            device_used: details.units("connectedDevicesUnitsUsed")?,
            device_projected: details.units("connectedDevicesUnitsProjected")?,
        },
        cloud_next_period: details.units("cloudUnitsNextBillingPeriod")?,
        enterprise_next_period: details.units("enterpriseUnitsNextBillingPeriod")?,
        tests: rows(&details, "tests", test_usage)?,
        agents: rows(&details, "enterpriseAgentUnits", agent_units)?,
    })
}

/// With the sums of the breakdowns.
fn summed(answer: UsageAnswer) -> OrganizationUsage {
    let says_nothing = answer.total == Usage::default() && answer.tests.is_none() && answer.agents.is_none();
    let UsageAnswer { total, tests, agents, .. } = answer;
    let test = |test: &TestUsage| (test.aid.is_some(), test.used != 0 || test.projected != 0);
    let agent = |agent: &AgentUnits| (agent.aid.is_some(), is_some_used(agent.used, agent.projected));
    let known = |is_known: bool| (is_known && !says_nothing).then_some(0);
    let cloud =
        known(says_whose(tests.as_deref(), test) || !is_some_used(total.cloud_used, total.cloud_projected));
    let enterprise = known(
        says_whose(agents.as_deref(), agent)
            || !is_some_used(total.enterprise_used, total.enterprise_projected),
    );
    let unnamed = Usage {
        cloud_used: cloud,
        cloud_projected: cloud,
        enterprise_used: enterprise,
        enterprise_projected: enterprise,
        ..Usage::default()
    };
    let (tests, agents) = (tests.unwrap_or_default(), agents.unwrap_or_default());
    let of_tests =
        tests.iter().filter_map(|test| Some((test.aid.as_ref()?, [test.used, test.projected, 0, 0])));
    let of_agents = agents.iter().filter_map(|agent| {
        let (used, projected) = used_and_projected(agent.used, agent.projected);
        Some((agent.aid.as_ref()?, [0, 0, used, projected]))
    });
    let mut parts: Vec<_> = of_tests.chain(of_agents).collect();
    parts.sort_by_key(|(aid, _)| *aid);
    let of_one = |parts: &[(&Aid, [Units; 4])]| {
        let part = |unnamed: Option<Units>, part: usize| {
            unnamed.map(|_| sum(parts.iter().map(|(_, units)| units[part])))
        };
        let usage = Usage {
            cloud_used: part(unnamed.cloud_used, 0),
            cloud_projected: part(unnamed.cloud_projected, 1),
            enterprise_used: part(unnamed.enterprise_used, 2),
            enterprise_projected: part(unnamed.enterprise_projected, 3),
            ..Usage::default()
        };
        (parts[0].0.clone(), usage)
    };
    let groups = parts.chunk_by(|(a, _), (b, _)| a == b).map(of_one).collect();
    OrganizationUsage {
        period_start: answer.period_start,
        period_end: answer.period_end,
        plan_units: answer.plan_units,
        total,
        cloud_next_period: answer.cloud_next_period,
        enterprise_next_period: answer.enterprise_next_period,
        tests,
        agents,
        groups,
        unnamed,
    }
}

fn is_some_used(used: Option<Units>, projected: Option<Units>) -> bool {
    used.is_some_and(|used| used != 0) || projected.is_some_and(|projected| projected != 0)
}

/// Whether a breakdown is there and names somebody who used units, or is empty. Of an entry there is whether it is somebody's, and
/// whether units were used.
fn says_whose<T>(breakdown: Option<&[T]>, entry: impl Fn(&T) -> (bool, bool)) -> bool {
    breakdown
        .is_some_and(|entries| entries.is_empty() || entries.iter().any(|one| entry(one) == (true, true)))
}

/// A new test has no projection yet: it counts as what was used.
pub(super) fn used_and_projected(used: Option<Units>, projected: Option<Units>) -> (Units, Units) {
    let used = used.unwrap_or(0);
    (used, projected.unwrap_or(used))
}

fn test_usage(row: &Object<'_>) -> Result<TestUsage, Odd> {
    let (used, projected) =
        used_and_projected(row.units("cloudUnitsUsed")?, row.units("cloudUnitsProjected")?);
    Ok(TestUsage {
        aid: aid(row)?,
        test_name: name(row, "testName"),
        test_type: name(row, "testType"),
        used,
        projected,
    })
}
