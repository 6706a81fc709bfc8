//! What the operations answer, as the rest of the program wants it: ids with types, sums instead of rows.
//!
//! What is not known stays none and never becomes 0. A quota that cannot be read is [`Unreadable`], which is not "no quota";
//! a name that cannot be read is left out; usage with one number that cannot be read is unknown as a whole, because its
//! sums would be wrong. An answer without the list or object that it is about is no answer.

mod account_groups;
mod plain;
mod quotas;
mod usage;
mod usage_answer;

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};

pub(super) use self::account_groups::account_groups;
pub(super) use self::quotas::{SoFar, quotas};
pub(super) use self::usage::usage;
use super::answer_text::AnswerText;
use super::wire::{Object, Unexpected};
use crate::domain::quota::{Aid, OrgId, Units, Usage};

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
    /// Its target.
    pub whose: UnreadableTarget,
    /// What is wrong with it.
    pub why: String,
}

/// The target of an unreadable quota, as far as the rest of its entry says.
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
    /// What an account group used that no breakdown names: 0, or unknown where a breakdown may leave out some of its units.
    pub unnamed: Usage,
}

impl OrganizationUsage {
    /// What one account group used. A group that the breakdowns don't name used nothing.
    ///
    /// A kind of units is unknown for all groups if the organization used some and its breakdown is missing or says of none which group
    /// did; if an entry with units, or without a figure, does not say whose it is; and if the answer says nothing of units at all. It is
    /// unknown for a group with an entry without a figure, and for groups that the breakdown does not name if the organization used clearly
    /// more than the breakdown adds up to.
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
    pub used: Option<Units>,
    /// Units by the end of the cycle; a new test has no projection yet.
    pub projected: Option<Units>,
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

fn missing_field(name: &str) -> Unexpected {
    Unexpected(format!("`{name}` is missing"))
}

fn answer(json: &str) -> Result<Object<'_>, Unexpected> {
    Object::of_answer(json).map_err(|error| Unexpected(error.to_string()))
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

    /// With what was left out of another page.
    pub(super) fn add(&mut self, later: Self) {
        self.count += later.count;
        self.first = self.first.take().or(later.first);
    }
}

/// What a page of an answer has, and where the next one is.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// A page of `/usage/units/…`.
pub(super) fn page<T>(
    text: AnswerText,
    row: impl Fn(&Object<'_>) -> Result<T, Unexpected>,
) -> Result<Page<T>, Unexpected> {
    let json = text.repaired();
    let page = answer(&json)?;
    let rows = rows(&page, "breakdowns", row)?.ok_or_else(|| missing_field("breakdowns"))?;
    Ok((rows, next_page(&page)?))
}

/// An error where there may be another page, and nobody can read where.
fn next_page(page: &Object<'_>) -> Result<Option<String>, Unexpected> {
    let next = page.object("_links")?.unwrap_or_default().object("next")?.unwrap_or_default();
    Ok(next.text("href")?.map(Cow::into_owned))
}

/// The rows of a breakdown; none where it is not there at all, which is not the same as an empty one.
fn rows<T>(
    of: &Object<'_>,
    name: &str,
    row: impl Fn(&Object<'_>) -> Result<T, Unexpected>,
) -> Result<Option<Vec<T>>, Unexpected> {
    let mut rows = Ok(Vec::new());
    let entry = format!("an entry of `{name}`");
    let there = of.each(name, |raw| {
        if let Ok(seen) = &mut rows {
            match Object::from_value(&entry, raw).and_then(|object| Ok((object.is_empty(), row(&object)?))) {
                Ok((is_empty, row)) => seen.extend((!is_empty).then_some(row)),
                Err(Unexpected(why)) => rows = Err(Unexpected(format!("{why} in {entry}"))),
            }
        }
    })?;
    Ok(there.then_some(rows?))
}

pub(super) fn test_units(row: &Object<'_>) -> Result<TestUnits, Unexpected> {
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

pub(super) fn agent_units(row: &Object<'_>) -> Result<AgentUnits, Unexpected> {
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
fn aid(row: &Object<'_>) -> Result<Option<Aid>, Unexpected> {
    Ok(row.id("aid")?.map(Aid::new))
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
