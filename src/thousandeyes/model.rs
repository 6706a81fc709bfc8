//! What the operations answer, as the rest of the program wants it: ids with types, sums instead of rows.
//!
//! What is not known stays none and never becomes 0. A quota that cannot be read is [`Unreadable`], which is not "no quota";
//! a name that cannot be read is left out; usage with one number that cannot be read is unknown as a whole, because its
//! sums would be wrong. An answer without the list or object that it is about is no answer.

mod plain;
mod quotas;

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};

pub(super) use self::quotas::quotas;
use super::wire::{Object, Odd};
use crate::domain::quota::{Aid, OrgId, Units, Usage, sum};

/// The quotas of one organization: its own, and those of its account groups that have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationQuotas {
    /// Missing when only account groups have a quota, or the API left it out.
    pub org_id: Option<OrgId>,
    /// The organization's own quota.
    pub value: Option<Units>,
    /// Account groups with their quotas, as the API orders them.
    pub account_groups: Vec<(Aid, Units)>,
    /// The quotas of it that are there and cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A quota in an answer that is not what the API promises. It is not known, which is not "none".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// On what it sits.
    pub whose: UnreadableTarget,
    /// What is wrong with it.
    pub why: String,
}

/// On what an unreadable quota sits, as far as the rest of its entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnreadableTarget {
    /// The organization of the entry.
    Organization,
    /// One of its account groups.
    AccountGroup(Aid),
    /// One or more of its account groups; nobody knows which.
    SomeAccountGroup,
    /// Not even the organization is known.
    Anybody,
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
    /// Sums of the breakdowns, for the account groups that they name, sorted by id; [`Self::account_group`] knows the others too.
    pub groups: Vec<(Aid, Usage)>,
    /// What an account group used that no breakdown names: 0, or unknown where a breakdown does not say whose the units are.
    pub unnamed: Usage,
}

impl OrganizationUsage {
    /// What one account group used. A group that the breakdowns don't name used nothing.
    ///
    /// A kind of units is unknown for all groups if the organization used some, and its breakdown is missing or has entries of which none
    /// says which group did; and if the answer says nothing of units at all.
    pub fn account_group(&self, aid: &Aid) -> Usage {
        let place = self.groups.binary_search_by(|(named, _)| named.cmp(aid));
        place.map_or(self.unnamed, |place| self.groups[place].1)
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

fn missing(name: &str) -> Odd {
    Odd(format!("`{name}` is missing"))
}

fn answer(json: &str) -> Result<Object<'_>, Odd> {
    Object::of_answer(json).map_err(|error| Odd(error.to_string()))
}

/// What of an answer cannot be read and is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub first: Option<String>,
    pub count: usize,
}

impl LeftOut {
    fn push(&mut self, what: String) {
        self.count += 1;
        self.first.get_or_insert(what);
    }
}

/// The body of `GET /account-groups`, and what of it cannot be read.
pub(super) fn account_groups(json: &str) -> Result<(Vec<AccountGroup>, LeftOut), Odd> {
    match plain::account_groups(json) {
        Some(groups) => Ok((groups, LeftOut::default())),
        None => account_groups_carefully(json),
    }
}

fn account_groups_carefully(json: &str) -> Result<(Vec<AccountGroup>, LeftOut), Odd> {
    let (mut groups, mut left_out) = (Vec::new(), LeftOut::default());
    let there = answer(json)?.each("accountGroups", |entry| {
        let entry = match Object::of("an entry of `accountGroups`", entry) {
            Ok(entry) => entry,
            Err(Odd(why)) => return left_out.push(why),
        };
        let aid = match entry.text("aid").and_then(|aid| aid.ok_or_else(|| missing("aid"))) {
            Ok(aid) => Aid::new(aid),
            Err(why) => return left_out.push(format!("{why} in an entry of `accountGroups`")),
        };
        let mut text = |name: &str| {
            entry.text(name).unwrap_or_else(|why| {
                left_out.push(format!("{why} in account group {aid}"));
                None
            })
        };
        let name = text("accountGroupName").unwrap_or_default().into();
        let org_id = text("orgId").map(OrgId::new);
        let org_name = text("organizationName").unwrap_or_default().into();
        groups.push(AccountGroup { aid, name, org_id, org_name });
    })?;
    if there { Ok((groups, left_out)) } else { Err(missing("accountGroups")) }
}

/// The body of `GET /usage`. Nearly every one is what the API promises, and is read in one go; else field by field.
pub(super) fn usage(json: &str) -> Result<OrganizationUsage, Odd> {
    let answer = plain::usage(json).map_or_else(|| usage_carefully(json), Ok)?;
    if answer.has_negative_units() {
        Err(Odd("units that were used are negative".to_owned()))
    } else {
        Ok(summed(answer))
    }
}

/// What the body of `GET /usage` says; a breakdown is none where it is not there at all.
#[derive(Debug, Default, PartialEq, Eq)]
struct UsageAnswer {
    period_start: Option<DateTime<Utc>>,
    period_end: Option<DateTime<Utc>>,
    plan_units: Option<Units>,
    total: Usage,
    cloud_next_period: Option<Units>,
    enterprise_next_period: Option<Units>,
    tests: Option<Vec<TestUsage>>,
    agents: Option<Vec<AgentUnits>>,
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

fn usage_carefully(json: &str) -> Result<UsageAnswer, Odd> {
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

/// A page of `/usage/units/…`, and where the next one is.
pub(super) fn page<T>(
    json: &str,
    row: impl Fn(&Object<'_>) -> Result<T, Odd>,
) -> Result<(Vec<T>, Option<String>), Odd> {
    let page = answer(json)?;
    let rows = rows(&page, "breakdowns", row)?.ok_or_else(|| missing("breakdowns"))?;
    let next = page.object("_links")?.unwrap_or_default().object("next")?.unwrap_or_default();
    Ok((rows, next.text("href")?.map(Cow::into_owned)))
}

/// The rows of a breakdown; none where it is not there at all, which is not the same as an empty one.
fn rows<T>(
    of: &Object<'_>,
    name: &str,
    row: impl Fn(&Object<'_>) -> Result<T, Odd>,
) -> Result<Option<Vec<T>>, Odd> {
    let mut rows = Ok(Vec::new());
    let entry = format!("an entry of `{name}`");
    let there = of.each(name, |raw| {
        if let Ok(seen) = &mut rows {
            match Object::of(&entry, raw).and_then(|object| Ok((object.is_empty(), row(&object)?))) {
                Ok((is_empty, row)) => seen.extend((!is_empty).then_some(row)),
                Err(Odd(why)) => rows = Err(Odd(format!("{why} in {entry}"))),
            }
        }
    })?;
    Ok(there.then_some(rows?))
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
fn used_and_projected(used: Option<Units>, projected: Option<Units>) -> (Units, Units) {
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

pub(super) fn test_units(row: &Object<'_>) -> Result<TestUnits, Odd> {
    Ok(TestUnits {
        aid: aid(row)?,
        account_group_name: name(row, "accountGroupName"),
        test_id: name(row, "testId"),
        test_name: name(row, "testName"),
        test_type: name(row, "testType"),
        units: Usage {
            cloud_used: row.units("cloudUnitsUsed")?,
            cloud_projected: row.units("cloudUnitsProjected")?,
            enterprise_used: row.units("enterpriseUnitsUsed")?,
            enterprise_projected: row.units("enterpriseUnitsProjected")?,
            ..Usage::default()
        },
    })
}

pub(super) fn agent_units(row: &Object<'_>) -> Result<AgentUnits, Odd> {
    Ok(AgentUnits {
        aid: aid(row)?,
        account_group_name: name(row, "accountGroupName"),
        agent_id: name(row, "agentId"),
        agent_name: name(row, "agentName"),
        used: row.units("enterpriseUnitsUsed")?,
        projected: row.units("enterpriseUnitsProjected")?,
    })
}

/// Whose units a row counts: they are in nobody's sum without it.
fn aid(row: &Object<'_>) -> Result<Option<Aid>, Odd> {
    Ok(row.text("aid")?.map(Aid::new))
}

/// Only to be shown: an odd one is as good as none.
fn name(row: &Object<'_>, field: &str) -> String {
    row.text(field).ok().flatten().unwrap_or_default().into_owned()
}

/// To the second, as a snapshot's file has it: else a cycle would be another one once it was written and read.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc().trunc_subsecs(0))
}

#[cfg(test)]
mod tests;
