//! Account groups and usage as nearly every answer has them: what the API promises, with nothing odd in it.
//!
//! There are hundreds of thousands of entries, which are read so in a third of the time. None of them decides anything here: where
//! anything is odd, the whole answer is read again, field by field.

use serde::Deserialize;

use super::super::wire::{Text, is_id};
use super::usage_answer::UsageAnswer;
use super::{AccountGroup, AgentUnits, Page, TestUsage, moment};
use crate::domain::quota::{Aid, OrgId, Units, Usage};

/// The links of an answer: only that to its next page counts.
#[derive(Default, Deserialize)]
pub(super) struct PlainLinks<'a> {
    #[serde(borrow)]
    next: Option<PlainLink<'a>>,
}

#[derive(Deserialize)]
struct PlainLink<'a> {
    #[serde(borrow)]
    href: Option<Text<'a>>,
}

impl PlainLinks<'_> {
    pub(super) fn next_page(self) -> Option<String> {
        non_empty(self.next?.href).map(std::borrow::Cow::into_owned)
    }
}

#[derive(Deserialize)]
struct PlainAnswer<'a> {
    #[serde(rename = "accountGroups")]
    account_groups: Vec<Group>,
    #[serde(borrow, rename = "_links")]
    links: Option<PlainLinks<'a>>,
}

#[derive(Deserialize)]
#[serde(try_from = "PlainGroup<'_>")]
struct Group(AccountGroup);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainGroup<'a> {
    #[serde(borrow)]
    aid: Text<'a>,
    account_group_name: Option<Text<'a>>,
    org_id: Option<Text<'a>>,
    organization_name: Option<Text<'a>>,
}

impl TryFrom<PlainGroup<'_>> for Group {
    type Error = &'static str;

    fn try_from(group: PlainGroup<'_>) -> Result<Self, Self::Error> {
        Ok(Self(AccountGroup {
            aid: Aid::new(known_id(group.aid.0)?),
            name: owned_or_empty(group.account_group_name),
            org_id: non_empty(group.org_id).map(known_id).transpose()?.map(OrgId::new),
            org_name: owned_or_empty(group.organization_name),
        }))
    }
}

/// The body of `GET /account-groups`; none where anything in it is odd.
pub(super) fn account_groups(json: &str) -> Option<Page<AccountGroup>> {
    let PlainAnswer { account_groups, links } = serde_json::from_str(json).ok()?;
    let groups = account_groups.into_iter().map(|Group(group)| group).collect();
    Some((groups, links.unwrap_or_default().next_page()))
}

#[derive(Deserialize)]
struct PlainUsageAnswer<'a> {
    #[serde(borrow)]
    usage: PlainUsage<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainUsage<'a> {
    #[serde(borrow)]
    quota: Option<PlainCycle<'a>>,
    cloud_units_used: Option<Units>,
    cloud_units_projected: Option<Units>,
    cloud_units_next_billing_period: Option<Units>,
    enterprise_units_used: Option<Units>,
    enterprise_units_projected: Option<Units>,
    enterprise_units_next_billing_period: Option<Units>,
    connected_devices_units_used: Option<Units>,
    connected_devices_units_projected: Option<Units>,
    tests: Option<Vec<Test>>,
    enterprise_agent_units: Option<Vec<Agent>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainCycle<'a> {
    #[serde(borrow)]
    month_start: Option<Text<'a>>,
    month_end: Option<Text<'a>>,
    cloud_units_included: Option<Units>,
}

/// Taken over one at a time, as agents and account groups are: a second list of them all would double what the largest answers take.
#[derive(Deserialize)]
#[serde(try_from = "PlainTest<'_>")]
struct Test(TestUsage);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainTest<'a> {
    #[serde(borrow)]
    aid: Text<'a>,
    test_name: Option<Text<'a>>,
    test_type: Option<Text<'a>>,
    cloud_units_used: Option<Units>,
    cloud_units_projected: Option<Units>,
}

#[derive(Deserialize)]
#[serde(try_from = "PlainAgent<'_>")]
struct Agent(AgentUnits);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainAgent<'a> {
    #[serde(borrow)]
    aid: Text<'a>,
    account_group_name: Option<Text<'a>>,
    agent_id: Option<Text<'a>>,
    agent_name: Option<Text<'a>>,
    enterprise_units_used: Option<Units>,
    enterprise_units_projected: Option<Units>,
}

/// The body of `GET /usage`; none where anything in it is odd, or nobody's, or where it may say nothing at all.
pub(super) fn usage(json: &str) -> Option<UsageAnswer> {
    let PlainUsageAnswer { usage } = serde_json::from_str(json).ok()?;
    let cycle = usage.quota.unwrap_or_default();
    let time = |field| non_empty(field).and_then(|non_empty| moment(&non_empty));
    let answer = UsageAnswer {
        period_start: time(cycle.month_start),
        period_end: time(cycle.month_end),
        plan_units: cycle.cloud_units_included,
        total: Usage {
            cloud_used: usage.cloud_units_used,
            cloud_projected: usage.cloud_units_projected,
            enterprise_used: usage.enterprise_units_used,
            enterprise_projected: usage.enterprise_units_projected,
            device_used: usage.connected_devices_units_used,
            device_projected: usage.connected_devices_units_projected,
        },
        cloud_next_period: usage.cloud_units_next_billing_period,
        enterprise_next_period: usage.enterprise_units_next_billing_period,
        tests: usage.tests.map(|tests| tests.into_iter().map(|Test(test)| test).collect()),
        agents: usage
            .enterprise_agent_units
            .map(|agents| agents.into_iter().map(|Agent(agent)| agent).collect()),
    };
    (answer != UsageAnswer::default()).then_some(answer)
}

impl TryFrom<PlainTest<'_>> for Test {
    type Error = &'static str;

    fn try_from(test: PlainTest<'_>) -> Result<Self, Self::Error> {
        Ok(Self(TestUsage {
            aid: Some(Aid::new(known_id(test.aid.0)?)),
            test_name: owned_or_empty(test.test_name),
            test_type: owned_or_empty(test.test_type),
            used: test.cloud_units_used,
            projected: test.cloud_units_projected,
        }))
    }
}

impl TryFrom<PlainAgent<'_>> for Agent {
    type Error = &'static str;

    fn try_from(agent: PlainAgent<'_>) -> Result<Self, Self::Error> {
        Ok(Self(AgentUnits {
            aid: Some(Aid::new(known_id(agent.aid.0)?)),
            account_group_name: owned_or_empty(agent.account_group_name),
            agent_id: owned_or_empty(agent.agent_id),
            agent_name: owned_or_empty(agent.agent_name),
            used: agent.enterprise_units_used,
            projected: agent.enterprise_units_projected,
        }))
    }
}

fn known_id(text: std::borrow::Cow<'_, str>) -> Result<std::borrow::Cow<'_, str>, &'static str> {
    if is_id(&text) { Ok(text) } else { Err("it is not an id") }
}

/// An empty text is as good as none.
fn non_empty(text: Option<Text<'_>>) -> Option<std::borrow::Cow<'_, str>> {
    text.map(|Text(text)| text).filter(|text| !text.is_empty())
}

fn owned_or_empty(of: Option<Text<'_>>) -> String {
    non_empty(of).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests;
