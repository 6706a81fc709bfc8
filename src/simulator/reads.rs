//! The five reading operations.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::problem::{Answer, FieldError, Problem};
use super::usage::Consumer;
use super::world::{AccountGroup, Organization, World};

/// Entries on one page of the paged operations.
const PAGE: usize = 50;
const EXPANSIONS: [&str; 6] = [
    "test",
    "enterprise-agent",
    "enterprise-agent-unit",
    "endpoint-agent",
    "endpoint-agent-essential",
    "endpoint-agent-embedded",
];

/// GET /quotas: only targets that have a quota, ids and values, no names.
pub(super) fn quotas(world: &World, call: &Call) -> Answer {
    let of_organization = |organization: &Organization| {
        let groups: Vec<Value> = organization
            .account_groups
            .iter()
            .filter_map(|group| Some(json!({"aid": group.aid, "value": group.quota?})))
            .collect();
        match organization.quota {
            None if groups.is_empty() => None,
            None => Some(json!({"accountGroupQuotas": groups})),
            Some(value) => Some(json!({
                "organizationQuota": {"orgId": organization.id, "value": value},
                "accountGroupQuotas": groups,
            })),
        }
    };
    let quotas: Vec<Value> = world.organizations.iter().filter_map(of_organization).collect();
    Answer::Hal(json!({"quotas": quotas, "_links": {"self": call.link("")}}))
}

/// GET /account-groups: every group with its name and its organization.
pub(super) fn account_groups(world: &World, call: &Call) -> Answer {
    let mut groups = Vec::new();
    for organization in &world.organizations {
        for group in &organization.account_groups {
            let is_first = groups.is_empty();
            groups.push(json!({
                "aid": group.aid,
                "accountGroupName": group.name,
                "isCurrentAccountGroup": is_first,
                "isDefaultAccountGroup": is_first,
                "organizationName": organization.name,
                "orgId": organization.id,
            }));
        }
    }
    Answer::Hal(json!({"accountGroups": groups, "_links": {"self": call.link("")}}))
}

/// GET /usage: totals of one organization, and the breakdowns that `expand` names.
pub(super) fn usage(organization: &Organization, call: &Call, now: DateTime<Utc>) -> Result<Answer, Problem> {
    let expand: Vec<&str> = call
        .query
        .iter()
        .filter(|(key, _)| key == "expand")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    if let Some(unknown) = expand.iter().find(|expansion| !EXPANSIONS.contains(expansion)) {
        let message = format!("There is no expansion '{unknown}': it is one of {}", EXPANSIONS.join(", "));
        return Err(invalid("expand", message));
    }
    let cycle = organization.cycle(now);
    let groups = &organization.account_groups;
    let tests = entries(organization, now, |group| &group.tests, "cloud");
    let agents = entries(organization, now, |group| &group.agents, "enterprise");
    let endpoint_agents: i64 = groups.iter().map(|group| group.endpoint_agents).sum();
    let enterprise_agents: usize = groups.iter().map(|group| group.agents.len()).sum();
    let mut usage = json!({
        "quota": {
            "monthStart": cycle.start.to_rfc3339_opts(SecondsFormat::Secs, true),
            "monthEnd": cycle.end.to_rfc3339_opts(SecondsFormat::Secs, true),
            "cloudUnitsIncluded": organization.plan,
            "deviceAgentsIncluded": 100,
            "endpointAgentsIncluded": endpoint_agents + 50,
            "endpointAgentsEssentialsIncluded": 0,
            "endpointAgentsEmbeddedIncluded": 0,
            "enterpriseAgentsIncluded": 0,
        },
        "cloudUnitsUsed": tests.used,
        "cloudUnitsProjected": tests.projected,
        "cloudUnitsNextBillingPeriod": tests.next_cycle,
        "enterpriseUnitsUsed": agents.used,
        "enterpriseUnitsProjected": agents.projected,
        "enterpriseUnitsNextBillingPeriod": agents.next_cycle,
        "connectedDevicesUnitsUsed": 0,
        "connectedDevicesUnitsProjected": 0,
        "connectedDevicesUnitsNextBillingPeriod": 0,
        "endpointAgentsUsed": endpoint_agents,
        "endpointAgentsEssentialsUsed": 0,
        "endpointAgentsEmbeddedUsed": 0,
        "enterpriseAgentsUsed": enterprise_agents,
    });
    for expansion in expand {
        let (key, breakdown) = match expansion {
            "test" => ("tests", tests.rows.clone()),
            "enterprise-agent-unit" => ("enterpriseAgentUnits", agents.rows.clone()),
            "enterprise-agent" => (
                "enterpriseAgents",
                counts(groups, "enterpriseAgentsUsed", |group| {
                    i64::try_from(group.agents.len()).unwrap_or(0)
                }),
            ),
            "endpoint-agent" => {
                ("endpointAgents", counts(groups, "endpointAgentsUsed", |group| group.endpoint_agents))
            }
            "endpoint-agent-essential" => {
                ("endpointAgentsEssentials", counts(groups, "endpointAgentsEssentialsUsed", |_| 0))
            }
            _ => ("endpointAgentsEmbedded", counts(groups, "endpointAgentsEmbeddedUsed", |_| 0)),
        };
        usage[key] = breakdown.into();
    }
    Ok(Answer::Hal(json!({"usage": usage, "_links": {"self": call.link(&call.raw_query)}})))
}

/// A breakdown of /usage and its totals, which are the sums of the breakdown.
#[derive(Default)]
struct Entries {
    rows: Vec<Value>,
    used: i64,
    projected: i64,
    next_cycle: i64,
}

/// One entry for each consumer, under the account group that owns it. `units` is `cloud` or `enterprise`.
fn entries(
    organization: &Organization,
    now: DateTime<Utc>,
    consumers: fn(&AccountGroup) -> &[Consumer],
    units: &str,
) -> Entries {
    let cycle = organization.cycle(now);
    let mut entries = Entries::default();
    for group in &organization.account_groups {
        for consumer in consumers(group) {
            let Some(consumed) = consumer.consumed(cycle, now) else {
                continue;
            };
            entries.used += consumed.used;
            entries.projected += consumed.expected();
            entries.next_cycle += consumed.next_cycle;
            let mut row = entry(group, consumer);
            row[format!("{units}UnitsUsed")] = consumed.used.into();
            if let Some(projected) = consumed.projected {
                row[format!("{units}UnitsProjected")] = projected.into();
            }
            entries.rows.push(row);
        }
    }
    entries
}

/// Who consumed, without how much.
fn entry(group: &AccountGroup, consumer: &Consumer) -> Value {
    let mut row = json!({"aid": group.aid, "accountGroupName": group.name});
    if consumer.kind.is_empty() {
        row["agentId"] = json!(consumer.id);
        row["agentName"] = json!(consumer.name);
    } else {
        row["testId"] = json!(consumer.id);
        row["testName"] = json!(consumer.name);
        row["testType"] = json!(consumer.kind);
    }
    row
}

fn counts(groups: &[AccountGroup], field: &str, count: fn(&AccountGroup) -> i64) -> Vec<Value> {
    let row =
        |group: &AccountGroup| json!({"aid": group.aid, "accountGroupName": group.name, field: count(group)});
    groups.iter().map(row).collect()
}

/// GET /usage/units/tests: cloud and enterprise units of each test, page by page.
pub(super) fn test_units(
    organization: &Organization,
    call: &Call,
    now: DateTime<Utc>,
) -> Result<Answer, Problem> {
    let period = Period::from_query(organization, call, now)?;
    let mut rows = Vec::new();
    for (index, group) in organization.account_groups.iter().enumerate() {
        // Enterprise units are shared out evenly among the tests of the group.
        let (used, projected) = agents_of(organization, index, period)
            .into_iter()
            .fold((0, 0), |(used, projected), (_, _, one)| (used + one.0, projected + one.1));
        let tests: Vec<_> =
            group.tests.iter().filter_map(|test| Some((test, period.units(organization, test)?))).collect();
        let count = i64::try_from(tests.len()).unwrap_or(1);
        for (position, (test, cloud)) in tests.into_iter().enumerate() {
            let share = |units: i64| units / count + if position == 0 { units % count } else { 0 };
            let mut row = entry(group, test);
            row["cloudUnitsUsed"] = cloud.0.into();
            row["cloudUnitsProjected"] = cloud.1.into();
            row["enterpriseUnitsUsed"] = share(used).into();
            row["enterpriseUnitsProjected"] = share(projected).into();
            row["isInstantTest"] = false.into();
            rows.push(row);
        }
    }
    page(call, &rows)
}

/// GET /usage/units/enterprise-agents: enterprise units by agent and by the group whose tests run on it.
pub(super) fn agent_units(
    organization: &Organization,
    call: &Call,
    now: DateTime<Utc>,
) -> Result<Answer, Problem> {
    let period = Period::from_query(organization, call, now)?;
    let mut rows = Vec::new();
    for (index, group) in organization.account_groups.iter().enumerate() {
        for (_, agent, (used, projected)) in agents_of(organization, index, period) {
            let mut row = entry(group, agent);
            row["enterpriseUnitsUsed"] = used.into();
            row["enterpriseUnitsProjected"] = projected.into();
            rows.push(row);
        }
    }
    page(call, &rows)
}

/// The agents that the tests of a group ran on, each with its owner and the units used and projected.
///
/// The first group's first agent is shared with the second group: /usage reports all of it under its owner, these
/// operations report half of it under each.
fn agents_of(
    organization: &Organization,
    index: usize,
    period: Period,
) -> Vec<(usize, &Consumer, (i64, i64))> {
    let groups = &organization.account_groups;
    let own = groups[index].agents.iter().map(|agent| (index, agent));
    let shared = groups[0].agents.first().filter(|_| index == 1).map(|agent| (0, agent));
    let units = |(owner, agent): (usize, &Consumer)| {
        let (used, projected) = period.units(organization, agent).unwrap_or_default();
        let is_shared = owner == 0 && groups.len() > 1 && groups[0].agents.first() == Some(agent);
        match (is_shared, owner == index) {
            (false, _) => (used, projected),
            (true, true) => (used - used / 2, projected - projected / 2),
            (true, false) => (used / 2, projected / 2),
        }
    };
    own.chain(shared).map(|(owner, agent)| (owner, agent, units((owner, agent)))).collect()
}

/// What `startDate` and `endDate` ask for: the current cycle unless they are given.
#[derive(Clone, Copy)]
struct Period {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Period {
    fn from_query(organization: &Organization, call: &Call, now: DateTime<Utc>) -> Result<Self, Problem> {
        let (start, end) = (date(call, "startDate")?, date(call, "endDate")?);
        if start.is_none() && end.is_some() {
            return Err(invalid("startDate", "endDate is used with startDate".to_owned()));
        }
        let from = start.unwrap_or_else(|| organization.cycle(now).start);
        let to = end.unwrap_or(now).min(now);
        if from > to {
            return Err(invalid("startDate", "startDate is after endDate, or in the future".to_owned()));
        }
        if now - from > TimeDelta::days(366) {
            return Err(invalid("startDate", "startDate is more than a year ago".to_owned()));
        }
        Ok(Self { from, to })
    }

    /// Used within the period, and projected for the cycle that it ends in; none if there was nothing to use yet.
    fn units(self, organization: &Organization, consumer: &Consumer) -> Option<(i64, i64)> {
        let at_end = consumer.consumed(organization.cycle(self.to), self.to)?;
        Some((consumer.between(organization.cycle_day, self.from, self.to), at_end.expected()))
    }
}

/// A time in ISO 8601. The vendor's own SDK sends a zone without a colon, or none at all.
fn date(call: &Call, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = call.parameter(name) else {
        return Ok(None);
    };
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%FT%T%.f%z"));
    let time = zoned.map(|time| time.to_utc());
    time.or_else(|_| NaiveDateTime::parse_from_str(text, "%FT%T%.f").map(|time| time.and_utc()))
        .map(Some)
        .map_err(|_| invalid(name, format!("'{text}' is not an ISO 8601 date-time")))
}

/// One page of the rows, with absolute links to itself and its neighbours.
fn page(call: &Call, rows: &[Value]) -> Result<Answer, Problem> {
    let start = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => offset(cursor)
            .filter(|start| *start < rows.len())
            .ok_or_else(|| invalid("cursor", "This cursor is not one that was given out".to_owned()))?,
    };
    let end = rows.len().min(start + PAGE);
    let mut links = json!({"self": call.link(&call.raw_query)});
    if end < rows.len() {
        links["next"] = call.link(&with_cursor(&call.raw_query, end));
    }
    if start > 0 {
        links["previous"] = call.link(&with_cursor(&call.raw_query, start.saturating_sub(PAGE)));
    }
    Ok(Answer::Hal(json!({"breakdowns": rows[start..end], "_links": links})))
}

/// The same query with another cursor.
fn with_cursor(raw_query: &str, offset: usize) -> String {
    let kept = raw_query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let cursor = format!("cursor={:08x}", offset ^ CURSOR_MASK);
    kept.chain([cursor.as_str()]).collect::<Vec<_>>().join("&")
}

/// What makes a cursor opaque: nobody should be tempted to count.
const CURSOR_MASK: usize = 0x5eed_c0de;

fn offset(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor, 16).ok().map(|masked| masked ^ CURSOR_MASK)
}

fn invalid(field: &str, message: String) -> Problem {
    Problem::Invalid(vec![FieldError { code: "USAGE-4000", field: field.to_owned(), message }])
}
