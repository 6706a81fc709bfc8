//! What the operations answer, as the rest of the program wants it: ids with types, sums instead of rows.
//!
//! An entry that carries nothing usable is left out; what is not known stays none and never becomes 0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::wire::{self, Breakdown, Number, Text};
use crate::quota::{Aid, OrgId, Units, Usage};

/// The quotas of one organization: its own, and those of its account groups that have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationQuotas {
    /// Missing when only account groups have a quota, or the API left it out.
    pub org_id: Option<OrgId>,
    /// The organization's own quota.
    pub value: Option<Units>,
    /// Account groups with their quotas, as the API orders them.
    pub account_groups: Vec<(Aid, Units)>,
}

/// An account group that the token's user can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountGroup {
    /// Its id.
    pub aid: Aid,
    /// Its name; empty if the API gave none.
    pub name: String,
    /// Its organization; optional in the API.
    pub org_id: Option<OrgId>,
    /// The organization's name; empty if the API gave none.
    pub org_name: String,
}

/// What one organization used in the current billing cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationUsage {
    /// Start of the billing cycle.
    pub period_start: Option<DateTime<Utc>>,
    /// End of the billing cycle.
    pub period_end: Option<DateTime<Utc>>,
    /// The contracted plan (`cloudUnitsIncluded`).
    pub plan_units: Option<Units>,
    /// The organization's totals, as the API gave them.
    pub total: Usage,
    /// Cloud units projected for the next cycle.
    pub cloud_next_period: Option<Units>,
    /// Enterprise units projected for the next cycle.
    pub enterprise_next_period: Option<Units>,
    /// The tests with what each used of the cloud units, as the API orders them.
    pub tests: Vec<TestUsage>,
    /// The enterprise agents with what each used of the enterprise units, as the API orders them.
    pub agents: Vec<AgentUnits>,
    /// Sums of the breakdowns, for the account groups that they name; [`Self::account_group`] knows the others too.
    pub groups: BTreeMap<Aid, Usage>,
    /// What an account group used that no breakdown names: 0, or unknown where a breakdown is missing.
    pub unnamed: Usage,
}

impl OrganizationUsage {
    /// What one account group used. A group that the breakdowns don't name used nothing.
    ///
    /// A kind of units is unknown if its breakdown is missing although the organization used some.
    pub fn account_group(&self, aid: &Aid) -> Usage {
        self.groups.get(aid).copied().unwrap_or(self.unnamed)
    }
}

/// What one test used of the cloud units in the current billing cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestUsage {
    /// The account group that owns the test.
    pub aid: Option<Aid>,
    /// Its name; empty if the API gave none.
    pub test_name: String,
    /// Its type in friendly words, not to be parsed.
    pub test_type: String,
    /// Units used so far.
    pub used: Units,
    /// Units by the end of the cycle: what was used, as long as there is no projection.
    pub projected: Units,
}

/// What one test used in a period, by the account group that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestUnits {
    /// The account group that owns the test.
    pub aid: Option<Aid>,
    /// Its name; empty if the API gave none.
    pub account_group_name: String,
    /// The test's id; empty if the API gave none.
    pub test_id: String,
    /// The test's name; empty if the API gave none.
    pub test_name: String,
    /// The test's type in friendly words, not to be parsed.
    pub test_type: String,
    /// Cloud and enterprise units; never device units.
    pub units: Usage,
}

/// What one enterprise agent used in a period, by the account group whose tests run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentUnits {
    /// The account group that owns the tests.
    pub aid: Option<Aid>,
    /// Its name; empty if the API gave none.
    pub account_group_name: String,
    /// The agent's id; empty if the API gave none.
    pub agent_id: String,
    /// The agent's name; empty if the API gave none.
    pub agent_name: String,
    /// Units used so far.
    pub used: Option<Units>,
    /// Units by the end of the period.
    pub projected: Option<Units>,
}

pub(super) fn quotas(answer: wire::Quotas<'_>) -> Vec<OrganizationQuotas> {
    let usable = |quotas: &OrganizationQuotas| quotas.value.is_some() || !quotas.account_groups.is_empty();
    let entry = |entry: wire::Quota<'_>| {
        let own = entry.organization_quota.unwrap_or_default();
        let group = |group: wire::AccountGroupQuota<'_>| Some((aid(group.aid)?, group.value?.0));
        OrganizationQuotas {
            org_id: org_id(own.org_id),
            value: units(own.value),
            account_groups: entry.account_group_quotas.into_iter().filter_map(group).collect(),
        }
    };
    answer.quotas.into_iter().map(entry).filter(usable).collect()
}

pub(super) fn account_groups(answer: wire::AccountGroups<'_>) -> Vec<AccountGroup> {
    let entry = |group: wire::AccountGroup<'_>| {
        Some(AccountGroup {
            aid: aid(group.aid)?,
            name: owned(group.account_group_name),
            org_id: org_id(group.org_id),
            org_name: owned(group.organization_name),
        })
    };
    answer.account_groups.into_iter().filter_map(entry).collect()
}

pub(super) fn usage(answer: wire::Usage<'_>) -> OrganizationUsage {
    let details = answer.usage.unwrap_or_default();
    let period = details.quota.unwrap_or_default();
    let total = Usage {
        cloud_used: units(details.cloud_units_used),
        cloud_projected: units(details.cloud_units_projected),
        enterprise_used: units(details.enterprise_units_used),
        enterprise_projected: units(details.enterprise_units_projected),
        device_used: units(details.connected_devices_units_used),
        device_projected: units(details.connected_devices_units_projected),
    };
    let cloud = nothing_unless_missing(
        details.tests.is_none() && is_some_used(total.cloud_used, total.cloud_projected),
    );
    let enterprise = nothing_unless_missing(
        details.enterprise_agent_units.is_none()
            && is_some_used(total.enterprise_used, total.enterprise_projected),
    );
    let unnamed = Usage {
        cloud_used: cloud,
        cloud_projected: cloud,
        enterprise_used: enterprise,
        enterprise_projected: enterprise,
        ..Usage::default()
    };
    let mut groups: BTreeMap<Aid, Usage> = BTreeMap::new();
    let tests: Vec<TestUsage> = details.tests.unwrap_or_default().into_iter().map(test_usage).collect();
    for test in &tests {
        if let Some(aid) = &test.aid {
            let group = groups.entry(aid.clone()).or_insert(unnamed);
            add(&mut group.cloud_used, test.used);
            add(&mut group.cloud_projected, test.projected);
        }
    }
    let agents: Vec<AgentUnits> =
        details.enterprise_agent_units.unwrap_or_default().into_iter().map(agent_units).collect();
    for agent in &agents {
        if let Some(aid) = &agent.aid {
            let group = groups.entry(aid.clone()).or_insert(unnamed);
            let (used, projected) = used_and_projected(agent.used, agent.projected);
            add(&mut group.enterprise_used, used);
            add(&mut group.enterprise_projected, projected);
        }
    }
    OrganizationUsage {
        period_start: moment(period.month_start),
        period_end: moment(period.month_end),
        plan_units: units(period.cloud_units_included),
        total,
        cloud_next_period: units(details.cloud_units_next_billing_period),
        enterprise_next_period: units(details.enterprise_units_next_billing_period),
        tests,
        agents,
        groups,
        unnamed,
    }
}

fn is_some_used(used: Option<Units>, projected: Option<Units>) -> bool {
    used.is_some_and(|used| used != 0) || projected.is_some_and(|projected| projected != 0)
}

fn nothing_unless_missing(missing: bool) -> Option<Units> {
    (!missing).then_some(0)
}

/// A new test has no projection yet: it counts as what was used.
fn used_and_projected(used: Option<Units>, projected: Option<Units>) -> (Units, Units) {
    let used = used.unwrap_or(0);
    (used, projected.unwrap_or(used))
}

fn add(sum: &mut Option<Units>, more: Units) {
    *sum = sum.map(|sum| sum.saturating_add(more));
}

fn test_usage(row: Breakdown<'_>) -> TestUsage {
    let (used, projected) = used_and_projected(units(row.cloud_units_used), units(row.cloud_units_projected));
    TestUsage {
        aid: aid(row.aid),
        test_name: owned(row.test_name),
        test_type: owned(row.test_type),
        used,
        projected,
    }
}

pub(super) fn test_units(row: Breakdown<'_>) -> TestUnits {
    TestUnits {
        aid: aid(row.aid),
        account_group_name: owned(row.account_group_name),
        test_id: owned(row.test_id),
        test_name: owned(row.test_name),
        test_type: owned(row.test_type),
        units: Usage {
            cloud_used: units(row.cloud_units_used),
            cloud_projected: units(row.cloud_units_projected),
            enterprise_used: units(row.enterprise_units_used),
            enterprise_projected: units(row.enterprise_units_projected),
            ..Usage::default()
        },
    }
}

pub(super) fn agent_units(row: Breakdown<'_>) -> AgentUnits {
    AgentUnits {
        aid: aid(row.aid),
        account_group_name: owned(row.account_group_name),
        agent_id: owned(row.agent_id),
        agent_name: owned(row.agent_name),
        used: units(row.enterprise_units_used),
        projected: units(row.enterprise_units_projected),
    }
}

fn units(number: Option<Number>) -> Option<Units> {
    number.map(|number| number.0)
}

fn owned(text: Option<Text<'_>>) -> String {
    text.map(|text| text.0.into_owned()).unwrap_or_default()
}

/// An empty id is as good as none.
fn id(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|text| text.0).filter(|text| !text.is_empty())
}

fn aid(text: Option<Text<'_>>) -> Option<Aid> {
    id(text).map(Aid::new)
}

fn org_id(text: Option<Text<'_>>) -> Option<OrgId> {
    id(text).map(OrgId::new)
}

fn moment(text: Option<Text<'_>>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&text?.0).ok().map(|moment| moment.to_utc())
}

#[cfg(test)]
mod tests;
