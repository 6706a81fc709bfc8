//! What one organization used, and whose units they are as far as the answer says.

use super::super::answer_text::AnswerText;
use super::super::wire::{Object, Unexpected};
use super::usage_answer::UsageAnswer;
use super::{
    AgentUnits, OrganizationUsage, TestUsage, agent_units, aid, answer, missing_field, moment, name, plain,
    rows,
};
use crate::domain::quota::{Aid, Units, Usage, sum};

/// The body of `GET /usage`. Nearly every one is what the API promises, and is read in one go; else field by field.
pub(in crate::thousandeyes) fn usage(text: AnswerText) -> Result<OrganizationUsage, Unexpected> {
    let answer = match text.as_it_came().and_then(plain::usage) {
        Some(answer) => answer,
        None => usage_carefully(&text.repaired())?,
    };
    if answer.has_negative_units() {
        Err(Unexpected("the units used are negative".to_owned()))
    } else {
        Ok(with_sums(answer))
    }
}

pub(super) fn usage_carefully(json: &str) -> Result<UsageAnswer, Unexpected> {
    let details = answer(json)?.object("usage")?.filter(|usage| !usage.is_empty());
    let details = details.ok_or_else(|| missing_field("usage"))?;
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
fn with_sums(answer: UsageAnswer) -> OrganizationUsage {
    // Field by field: the compiler asks what becomes of a new one.
    let UsageAnswer {
        period_start,
        period_end,
        plan_units,
        total,
        cloud_next_period,
        enterprise_next_period,
        tests,
        agents,
    } = answer;
    let says_nothing = total == Usage::default() && tests.is_none() && agents.is_none();
    let test = |test: &TestUsage| (test.aid.is_some(), test.used, test.projected);
    let agent = |agent: &AgentUnits| (agent.aid.is_some(), agent.used, agent.projected);
    let (of_cloud, of_enterprise) = if says_nothing {
        (Attribution::Nobody, Attribution::Nobody)
    } else {
        (
            attribution(tests.as_deref(), test, [total.cloud_used, total.cloud_projected]),
            attribution(agents.as_deref(), agent, [total.enterprise_used, total.enterprise_projected]),
        )
    };
    let (tests, agents) = (tests.unwrap_or_default(), agents.unwrap_or_default());
    let of_tests = tests.iter().filter_map(|test| {
        Some(Part { aid: test.aid.as_ref()?, is_cloud: true, units: units(test.used, test.projected) })
    });
    let of_agents = agents.iter().filter_map(|agent| {
        Some(Part { aid: agent.aid.as_ref()?, is_cloud: false, units: units(agent.used, agent.projected) })
    });
    let mut parts: Vec<Part<'_>> = of_tests.chain(of_agents).collect();
    parts.sort_by_key(|part| part.aid);
    let usage = |parts: &[Part<'_>]| {
        let (cloud, enterprise) =
            (group_units(parts, true, of_cloud), group_units(parts, false, of_enterprise));
        Usage {
            cloud_used: cloud.map(|(used, _)| used),
            cloud_projected: cloud.map(|(_, projected)| projected),
            enterprise_used: enterprise.map(|(used, _)| used),
            enterprise_projected: enterprise.map(|(_, projected)| projected),
            ..Usage::default()
        }
    };
    let of_group = |parts: &[Part<'_>]| (parts[0].aid.clone(), usage(parts));
    let groups = parts.chunk_by(|a, b| a.aid == b.aid).map(of_group).collect();
    OrganizationUsage {
        period_start,
        period_end,
        plan_units,
        total,
        cloud_next_period,
        enterprise_next_period,
        unnamed: usage(&[]),
        tests,
        agents,
        groups,
    }
}

/// One part in so many of the total may be missing in a breakdown: what is rounded, and perhaps instant tests and deleted ones. The API's
/// description does not say.
const MOST_BESIDE: Units = 10;

/// Of which account groups a breakdown says what they used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribution {
    /// Of none: some of the units may be those of any group.
    Nobody,
    /// Of those that it names. It leaves out so many units that another may have used some.
    Named,
    /// Of all: who is not named used nothing.
    All,
}

/// Of an entry there is whether it is somebody's, and what was used and is projected. `total` is what the organization used and what is
/// projected for it.
fn attribution<T>(
    breakdown: Option<&[T]>,
    entry: impl Fn(&T) -> (bool, Option<Units>, Option<Units>),
    total: [Option<Units>; 2],
) -> Attribution {
    let is_unused = total.into_iter().flatten().all(|units| units == 0);
    let Some(entries) = breakdown else {
        return if is_unused { Attribution::All } else { Attribution::Nobody };
    };
    let seen = || entries.iter().map(&entry);
    if seen().any(|(is_somebodys, used, projected)| !is_somebodys && units(used, projected) != Some((0, 0))) {
        return Attribution::Nobody;
    }
    let used = sum(seen().filter_map(|(_, used, _)| used));
    let projected = sum(seen().filter_map(|(_, used, projected)| projected.or(used)));
    let is_short = |total: Option<Units>, sum: Units| {
        total.is_some_and(|total| total.saturating_sub(sum) > (total / MOST_BESIDE).max(1))
    };
    // The total may hold the projection of a new test already.
    let is_projected = seen().all(|(_, _, projected)| projected.is_some());
    if !is_unused && used == 0 && projected == 0 {
        Attribution::Nobody
    } else if is_short(total[0], used) || (is_projected && is_short(total[1], projected)) {
        Attribution::Named
    } else {
        Attribution::All
    }
}

/// What one entry of a breakdown adds to its account group; no units where it has no figure.
struct Part<'a> {
    aid: &'a Aid,
    is_cloud: bool,
    units: Option<(Units, Units)>,
}

/// What one account group used of a kind of units, and what is projected. None where the parts do not say.
fn group_units(parts: &[Part<'_>], is_cloud: bool, attribution: Attribution) -> Option<(Units, Units)> {
    let of_kind = || parts.iter().filter(|part| part.is_cloud == is_cloud).map(|part| part.units);
    let is_known = match attribution {
        Attribution::Nobody => false,
        Attribution::Named => of_kind().next().is_some(),
        Attribution::All => true,
    };
    let known = || of_kind().flatten();
    let is_whole = is_known && of_kind().all(|units| units.is_some());
    is_whole.then(|| (sum(known().map(|(used, _)| used)), sum(known().map(|(_, projected)| projected))))
}

/// What was used and what is projected: a new test has no projection yet, and counts as what was used. None without a figure.
fn units(used: Option<Units>, projected: Option<Units>) -> Option<(Units, Units)> {
    Some((used.unwrap_or(0), projected.or(used)?))
}

fn test_usage(row: &Object<'_>) -> Result<TestUsage, Unexpected> {
    Ok(TestUsage {
        aid: aid(row)?,
        test_name: name(row, "testName"),
        test_type: name(row, "testType"),
        used: row.units("cloudUnitsUsed")?,
        projected: row.units("cloudUnitsProjected")?,
    })
}
