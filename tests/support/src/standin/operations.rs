//! The operations of the description that quotakeeper uses, each on a [`World`].

use serde_json::{Map, Value, json};

use super::TOKEN;
use super::http::{Reply, Request};
use super::world::{Key, Organization, Shape, Spent, World};

/// Does what a request asks for.
pub(super) fn operate(world: &mut World, request: &Request) -> Reply {
    if request.authorization != format!("Bearer {TOKEN}") {
        let body = json!({"error": "invalid_token", "error_description": "Invalid access token"});
        return Reply::new(401, Some(body));
    }
    if let Some((call, status)) = world.broken
        && request.call == call
    {
        return problem(status, "This fault was asked for.", &[]);
    }
    let reply = match request.call.as_str() {
        "GET /quotas" => Ok(quotas(world)),
        "GET /account-groups" => Ok(account_groups(world)),
        "GET /usage" => usage(world, request),
        "POST /quotas/assign" => write(world, request, false, true),
        "POST /quotas/unassign" => write(world, request, false, false),
        "POST /quotas/account-groups/assign" => write(world, request, true, true),
        "POST /quotas/account-groups/unassign" => write(world, request, true, false),
        _ => Err(problem(404, "There is nothing of this name.", &[])),
    };
    reply.unwrap_or_else(|problem| problem)
}

/// An error of the API; the fields that it names are optional.
pub(super) fn problem(status: u16, detail: &str, fields: &[String]) -> Reply {
    let mut body = json!({"type": "about:blank", "title": "Not done", "status": status, "detail": detail});
    if !fields.is_empty() {
        let error = |field| json!({"code": "ST-1", "field": field, "message": "is not allowed"});
        body["errors"] = fields.iter().map(error).collect();
    }
    Reply::new(status, Some(body))
}

type Answer = Result<Reply, Reply>;

fn ok(world: &World, mut body: Value) -> Reply {
    if world.shape == Shape::WithUnknownFields {
        unknown_fields(&mut body);
    }
    Reply::new(200, Some(body))
}

fn unknown_fields(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(unknown_fields),
        Value::Object(fields) => {
            fields.values_mut().for_each(unknown_fields);
            fields.insert("addedIn2027".to_owned(), json!({"nested": [1, "two", null]}));
        }
        _ => {}
    }
}

/// Only targets that have a quota: an organization without one of its own has no `organizationQuota`, so no id either.
fn quotas(world: &mut World) -> Reply {
    let shown = world.read_quotas();
    let mut entries = Vec::new();
    for (org_id, own) in &world.organizations {
        let mut entry = Map::new();
        if let Some(value) = shown.get(&(org_id.clone(), None)) {
            let mut quota = json!({"value": value});
            if world.shape != Shape::QuotasWithoutOrganization {
                quota["orgId"] = json!(org_id);
            }
            entry.insert("organizationQuota".to_owned(), quota);
            if world.shape == Shape::InTwoEntries {
                entries.push(Value::Object(std::mem::take(&mut entry)));
            }
        }
        let value = |aid: &String| shown.get(&(org_id.clone(), Some(aid.clone())));
        let groups: Vec<Value> =
            own.groups.keys().filter_map(|aid| Some(json!({"aid": aid, "value": value(aid)?}))).collect();
        if !groups.is_empty() {
            entry.insert("accountGroupQuotas".to_owned(), json!(groups));
        }
        if !entry.is_empty() {
            let times = if world.shape == Shape::Twice { 2 } else { 1 };
            entries.extend(std::iter::repeat_n(Value::Object(entry), times));
        }
    }
    ok(world, json!({"quotas": entries, "_links": {"self": {"href": "https://example.com/v7/quotas"}}}))
}

fn account_groups(world: &World) -> Reply {
    let mut groups = Vec::new();
    for (org_id, own) in &world.organizations {
        for (aid, group) in &own.groups {
            let mut entry =
                json!({"aid": aid, "accountGroupName": group.name, "isDefaultAccountGroup": false});
            if world.shape != Shape::GroupsWithoutOrganization {
                entry["orgId"] = json!(org_id);
                entry["organizationName"] = json!(own.name);
            }
            groups.push(entry);
        }
    }
    ok(world, json!({"accountGroups": groups}))
}

fn usage(world: &World, request: &Request) -> Answer {
    if world.usage_forbidden {
        return Err(problem(403, "Insufficient permissions to query endpoint", &[]));
    }
    let org_id = match request.parameter("aid") {
        Some(aid) => world.owner(aid).ok_or_else(|| problem(403, "Not your account group", &[]))?,
        None => world.organizations.keys().next().unwrap(),
    };
    let own = &world.organizations[org_id];
    let [start, end] = own.cycle.map_or_else(World::cycle, World::cycle_of);
    let expand: Vec<&str> = request.parameter("expand").unwrap_or_default().split(',').collect();
    let mut details = json!({
        "quota": {
            "monthStart": start,
            "monthEnd": end,
            "cloudUnitsIncluded": own.plan,
        },
        "endpointAgentsUsed": 42,
    });
    spent(&mut details, "cloudUnits", own.cloud);
    spent(&mut details, "enterpriseUnits", own.enterprise);
    spent(&mut details, "connectedDevicesUnits", own.devices);
    for (name, next) in [("cloud", own.next.0), ("enterprise", own.next.1)] {
        if let Some(next) = next {
            details[format!("{name}UnitsNextBillingPeriod")] = json!(next);
        }
    }
    if expand.contains(&"test") {
        details["tests"] = breakdown(own, "cloudUnits", |aid| &own.groups[aid].tests);
    }
    if expand.contains(&"enterprise-agent-unit") {
        details["enterpriseAgentUnits"] = breakdown(own, "enterpriseUnits", |aid| &own.groups[aid].agents);
    }
    Ok(ok(world, json!({"usage": details})))
}

fn spent(object: &mut Value, units: &str, (used, projected): Spent) {
    object[format!("{units}Used")] = json!(used);
    if let Some(projected) = projected {
        object[format!("{units}Projected")] = json!(projected);
    }
}

fn breakdown<'a>(own: &'a Organization, units: &str, of: impl Fn(&str) -> &'a Vec<Spent>) -> Value {
    let mut entries = Vec::new();
    for (aid, group) in &own.groups {
        for (number, each) in (1..).zip(of(aid)) {
            let mut entry = json!({"aid": aid, "accountGroupName": group.name});
            if units == "cloudUnits" {
                entry["testName"] = json!(format!("{} {number}", group.name));
                entry["testType"] = json!("Web - Page Load");
            } else {
                entry["agentName"] = json!(format!("{} agent {number}", group.name));
            }
            spent(&mut entry, units, *each);
            entries.push(entry);
        }
    }
    json!(entries)
}

/// A row of a write, and where the request has it.
struct Asked {
    key: Key,
    value: Option<i64>,
    field: String,
}

fn write(world: &mut World, request: &Request, groups: bool, assigns: bool) -> Answer {
    let body = request.body.clone().ok_or_else(|| problem(400, "The body is no JSON", &[]))?;
    let asked = asked(world, &body, groups, assigns)
        .map_err(|field| problem(400, "Your request object contains invalid fields.", &[field]))?;
    world.asked = asked.iter().map(|row| (row.key.clone(), row.value)).collect();
    if world.most_rows > 0 && asked.len() > world.most_rows {
        let status = if world.too_many == 0 { 413 } else { world.too_many };
        return Err(problem(status, "Too many rows", &[]));
    }
    let alone = asked.len() == 1;
    let is_bad = |row: &Asked| world.bad.contains(&row.key) || !alone && world.shy.contains(&row.key);
    let (bad, good): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_bad);
    if bad.is_empty() || world.partial {
        let rows: Vec<_> = good.into_iter().map(|row| (row.key, row.value)).collect();
        world.write(&rows);
    }
    if !bad.is_empty() {
        let fields: Vec<String> =
            if world.names_fields { bad.into_iter().map(|row| row.field).collect() } else { Vec::new() };
        return Err(problem(400, "Your request object contains invalid fields.", &fields));
    }
    Ok(if assigns { ok(world, body) } else { Reply::new(204, None) })
}

/// The rows of a write, or the field that is wrong.
fn asked(world: &mut World, body: &Value, groups: bool, assigns: bool) -> Result<Vec<Asked>, String> {
    let mut rows = Vec::new();
    let organizations = body["organizations"].as_array().ok_or("organizations")?;
    for (index, organization) in organizations.iter().enumerate() {
        let place = format!("organizations[{index}]");
        let id = if groups || assigns { &organization["orgId"] } else { organization };
        let org_id = match id.as_str() {
            Some(org_id) => org_id.to_owned(),
            None if assigns && !groups => {
                world.nameless += 1;
                world.organizations.keys().next().unwrap().clone()
            }
            None => return Err(format!("{place}.orgId")),
        };
        let own = world.organizations.get(&org_id).ok_or_else(|| format!("{place}.orgId"))?;
        let value = |of: &Value, field: &str| match of["value"].as_i64() {
            Some(value) if assigns => Ok(Some(value)),
            None if assigns => Err(format!("{field}.value")),
            _ => Ok(None),
        };
        if !groups {
            rows.push(Asked { key: (org_id, None), value: value(organization, &place)?, field: place });
            continue;
        }
        let listed =
            organization["accountGroups"].as_array().ok_or_else(|| format!("{place}.accountGroups"))?;
        for (index, group) in listed.iter().enumerate() {
            let field = format!("{place}.accountGroups[{index}]");
            let aid = if assigns { &group["aid"] } else { group };
            let known = aid.as_str().filter(|aid| own.groups.contains_key(*aid));
            let aid = known.ok_or_else(|| format!("{field}.aid"))?.to_owned();
            let value = value(group, &field)?;
            rows.push(Asked { key: (org_id.clone(), Some(aid)), value, field });
        }
    }
    Ok(rows)
}
