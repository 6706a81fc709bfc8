//! The four writing operations: assign and unassign, for organizations and for account groups.
//!
//! Cumulative: what a batch does not name stays as it is. A batch is checked as a whole first, and one bad row refuses
//! all of it; the API's description does not say so, hence the `bad-row:…:partial` fault.

use serde_json::{Value, json};

use super::call::{Call, WriteFaults};
use super::fault::{BadRow, Level};
use super::problem::{Answer, FieldError, Problem};
use super::world::World;

/// One row of a batch, understood.
struct Row {
    /// `organizations[0].accountGroups[3]`
    field: String,
    organization: usize,
    group: Option<usize>,
    /// None unassigns.
    value: Option<i64>,
}

/// What a batch holds, and what is wrong with it.
struct Batch<'a> {
    world: &'a World,
    /// The organization that is meant where none is named.
    own: usize,
    rows: Vec<Row>,
    errors: Vec<FieldError>,
    /// Organizations that the token may not edit.
    forbidden: Vec<String>,
}

/// Carries out a POST. `own` is the organization that is meant where an assign names none.
pub(super) fn write(
    world: &mut World,
    own: usize,
    call: &Call,
    write_faults: &WriteFaults,
) -> Result<Answer, Problem> {
    let body: Value = serde_json::from_str(&call.body)
        .map_err(|error| Problem::BadRequest(format!("The request body is not JSON: {error}")))?;
    let mut batch = Batch { world, own, rows: Vec::new(), errors: Vec::new(), forbidden: Vec::new() };
    let level =
        if call.path.contains("/account-groups/") { Level::AccountGroup } else { Level::Organization };
    let assigns = call.path.ends_with("/assign");
    batch.read(&body, level, assigns);
    let Batch { mut rows, mut errors, forbidden, .. } = batch;
    if let Some(org_id) = forbidden.first() {
        let detail = format!(
            "You need the 'Edit organization and account group quotas' permission in organization {org_id}."
        );
        return Err(Problem::Forbidden(detail));
    }
    let mut partial = errors.is_empty();
    for bad in &write_faults.bad_rows {
        partial &= bad.partial;
        rows.retain(|row| {
            let is_bad = is_bad(world, row, bad);
            if is_bad && !bad.silent {
                let part = if row.value.is_some() { ".value" } else { "" };
                let field = format!("{}{part}", row.field);
                errors.push(error("QUOTA-4099", &field, "This quota cannot be changed"));
            }
            !is_bad
        });
    }
    let refused = !errors.is_empty() || !write_faults.bad_rows.is_empty();
    if !write_faults.ignore_write && (!refused || partial) {
        for row in &rows {
            apply(world, row);
        }
    }
    match (refused, errors.is_empty()) {
        (true, true) => Err(Problem::BadRequest("The quotas could not be changed.".to_owned())),
        (true, false) => Err(Problem::Invalid(errors)),
        (false, _) if assigns => Ok(Answer::Hal(assigned_items(world, &rows))),
        (false, _) => Ok(Answer::NoContent),
    }
}

fn is_bad(world: &World, row: &Row, bad: &BadRow) -> bool {
    let organization = &world.organizations[row.organization];
    match row.group {
        Some(group) => bad.level == Level::AccountGroup && organization.account_groups[group].aid == bad.id,
        None => bad.level == Level::Organization && organization.id == bad.id,
    }
}

fn apply(world: &mut World, row: &Row) {
    let organization = &mut world.organizations[row.organization];
    match row.group {
        Some(group) => organization.account_groups[group].quota = row.value,
        None => organization.quota = row.value,
    }
}

/// The assigned items, as the API echoes them: organizations are always named.
fn assigned_items(world: &World, rows: &[Row]) -> Value {
    let mut organizations: Vec<Value> = Vec::new();
    for row in rows {
        let organization = &world.organizations[row.organization];
        match row.group {
            None => organizations.push(json!({"orgId": organization.id, "value": row.value})),
            Some(group) => {
                let item = json!({"aid": organization.account_groups[group].aid, "value": row.value});
                match organizations.last_mut().filter(|last| last["orgId"] == organization.id.as_str()) {
                    Some(last) => last["accountGroups"].as_array_mut().expect("made below").push(item),
                    None => organizations.push(json!({"orgId": organization.id, "accountGroups": [item]})),
                }
            }
        }
    }
    json!({"organizations": organizations})
}

impl Batch<'_> {
    fn read(&mut self, body: &Value, level: Level, assigns: bool) {
        for (index, item) in self.list(body, "organizations", "organizations").iter().enumerate() {
            let field = format!("organizations[{index}]");
            match (level, assigns) {
                (Level::Organization, true) => {
                    let organization = self.organization_or_own(item, &field);
                    let value = self.value(item, &field);
                    let row =
                        |(organization, value)| Row { field, organization, group: None, value: Some(value) };
                    self.rows.extend(organization.zip(value).map(row));
                }
                (Level::Organization, false) => {
                    let organization = self.organization(Some(item), &field);
                    let row = |organization| Row { field, organization, group: None, value: None };
                    self.rows.extend(organization.map(row));
                }
                (Level::AccountGroup, true) => {
                    let organization = self.organization_or_own(item, &field);
                    self.account_groups(item, &field, organization, true);
                }
                (Level::AccountGroup, false) => {
                    let organization = self.organization(item.get("orgId"), &format!("{field}.orgId"));
                    self.account_groups(item, &field, organization, false);
                }
            }
        }
    }

    fn account_groups(&mut self, item: &Value, field: &str, organization: Option<usize>, assigns: bool) {
        let list = format!("{field}.accountGroups");
        for (index, item) in self.list(item, "accountGroups", &list).iter().enumerate() {
            let field = format!("{list}[{index}]");
            let aid = if assigns { item.get("aid") } else { Some(item) };
            let aid_field = if assigns { &format!("{field}.aid") } else { &field };
            let group = self.group(aid, aid_field, organization);
            let value = if assigns { self.value(item, &field) } else { None };
            if let (Some(organization), Some(group), true) =
                (organization, group, value.is_some() || !assigns)
            {
                self.rows.push(Row { field, organization, group: Some(group), value });
            }
        }
    }

    fn list<'v>(&mut self, item: &'v Value, key: &str, field: &str) -> &'v [Value] {
        match item.get(key) {
            Some(Value::Array(list)) => list,
            Some(_) => self.refuse("QUOTA-4001", field, "Must be a list").unwrap_or_default(),
            None => self.refuse("QUOTA-4000", field, "Must not be null").unwrap_or_default(),
        }
    }

    fn organization_or_own(&mut self, item: &Value, field: &str) -> Option<usize> {
        match item.get("orgId") {
            None => Some(self.own),
            given => self.organization(given, &format!("{field}.orgId")),
        }
    }

    fn organization(&mut self, id: Option<&Value>, field: &str) -> Option<usize> {
        let id = self.id(id, field)?;
        let found = self.world.organizations.iter().position(|organization| organization.id == id);
        if found.is_none() {
            self.forbidden.push(id);
        }
        found
    }

    fn group(&mut self, aid: Option<&Value>, field: &str, organization: Option<usize>) -> Option<usize> {
        let aid = self.id(aid, field)?;
        let organization = &self.world.organizations[organization?];
        let found = organization.account_groups.iter().position(|group| group.aid == aid);
        if found.is_none() {
            let message = format!("Account group {aid} is not in organization {}", organization.id);
            self.errors.push(error("QUOTA-4004", field, &message));
        }
        found
    }

    fn id(&mut self, id: Option<&Value>, field: &str) -> Option<String> {
        match id {
            Some(Value::String(id)) => Some(id.clone()),
            None | Some(Value::Null) => self.refuse("QUOTA-4000", field, "Must not be null"),
            Some(_) => self.refuse("QUOTA-4001", field, "Must be a string"),
        }
    }

    fn value(&mut self, item: &Value, field: &str) -> Option<i64> {
        let field = format!("{field}.value");
        match item.get("value") {
            None | Some(Value::Null) => self.refuse("QUOTA-4000", &field, "Must not be null"),
            Some(value) => match whole_number(value) {
                None => self.refuse("QUOTA-4001", &field, "Must be a whole number"),
                Some(..0) => self.refuse("QUOTA-4002", &field, "Must be greater than or equal to 0"),
                units => units,
            },
        }
    }

    fn refuse<T>(&mut self, code: &'static str, field: &str, message: &str) -> Option<T> {
        self.errors.push(error(code, field, message));
        None
    }
}

/// A whole number, which JSON may also write as `12.0` or `1.2e1`.
fn whole_number(value: &Value) -> Option<i64> {
    let float = || value.as_f64().filter(|float| float.fract() == 0.0);
    value.as_i64().or_else(|| format!("{:.0}", float()?).parse().ok())
}

fn error(code: &'static str, field: &str, message: &str) -> FieldError {
    FieldError { code, field: field.to_owned(), message: message.to_owned() }
}
