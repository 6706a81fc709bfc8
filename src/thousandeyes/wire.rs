//! The API's JSON as serde sees it. Private: the rest of the program knows the types of `answers`.
//!
//! Every field may be missing or null, unknown ones are ignored, ids may come as numbers and numbers as `12.0`.
//! What is read borrows from the buffered body, which is several times faster than owning each text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::quota::{Aid, OrgId, Units};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Quotas<'a> {
    #[serde(borrow, deserialize_with = "list")]
    pub quotas: Vec<Quota<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Quota<'a> {
    #[serde(borrow)]
    pub organization_quota: Option<OrganizationQuota<'a>>,
    #[serde(borrow, deserialize_with = "list")]
    pub account_group_quotas: Vec<AccountGroupQuota<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OrganizationQuota<'a> {
    #[serde(borrow)]
    pub org_id: Option<Text<'a>>,
    pub value: Option<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccountGroupQuota<'a> {
    #[serde(borrow)]
    pub aid: Option<Text<'a>>,
    pub value: Option<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AccountGroups<'a> {
    #[serde(borrow, deserialize_with = "list")]
    pub account_groups: Vec<AccountGroup<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the API's own names")]
pub(super) struct AccountGroup<'a> {
    #[serde(borrow)]
    pub aid: Option<Text<'a>>,
    #[serde(borrow)]
    pub account_group_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub org_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub organization_name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage<'a> {
    #[serde(borrow)]
    pub usage: Option<UsageDetails<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsageDetails<'a> {
    #[serde(borrow)]
    pub quota: Option<UsageQuota<'a>>,
    pub cloud_units_used: Option<Number>,
    pub cloud_units_projected: Option<Number>,
    pub cloud_units_next_billing_period: Option<Number>,
    pub enterprise_units_used: Option<Number>,
    pub enterprise_units_projected: Option<Number>,
    pub enterprise_units_next_billing_period: Option<Number>,
    pub connected_devices_units_used: Option<Number>,
    pub connected_devices_units_projected: Option<Number>,
    /// None when the breakdown is not there at all, which is not the same as an empty one.
    #[serde(borrow, deserialize_with = "optional_list")]
    pub tests: Option<Vec<Breakdown<'a>>>,
    #[serde(borrow, deserialize_with = "optional_list")]
    pub enterprise_agent_units: Option<Vec<Breakdown<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsageQuota<'a> {
    #[serde(borrow)]
    pub month_start: Option<Text<'a>>,
    #[serde(borrow)]
    pub month_end: Option<Text<'a>>,
    pub cloud_units_included: Option<Number>,
}

/// A row of any of the four breakdowns; each has some of these fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Breakdown<'a> {
    #[serde(borrow)]
    pub aid: Option<Text<'a>>,
    #[serde(borrow)]
    pub account_group_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub test_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub test_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub test_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub agent_name: Option<Text<'a>>,
    pub cloud_units_used: Option<Number>,
    pub cloud_units_projected: Option<Number>,
    pub enterprise_units_used: Option<Number>,
    pub enterprise_units_projected: Option<Number>,
}

/// A page of `/usage/units/…`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page<'a> {
    #[serde(borrow, deserialize_with = "list")]
    pub breakdowns: Vec<Breakdown<'a>>,
    #[serde(borrow, rename = "_links")]
    pub links: Option<Links<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Links<'a> {
    #[serde(borrow)]
    pub next: Option<Link<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link<'a> {
    #[serde(borrow)]
    pub href: Option<Text<'a>>,
}

/// `application/problem+json`, and the 401's two fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem<'a> {
    #[serde(borrow)]
    pub title: Option<Text<'a>>,
    #[serde(borrow)]
    pub detail: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "list")]
    pub errors: Vec<ProblemField<'a>>,
    #[serde(borrow)]
    pub error: Option<Text<'a>>,
    #[serde(borrow)]
    pub error_description: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProblemField<'a> {
    #[serde(borrow)]
    pub code: Option<Text<'a>>,
    #[serde(borrow)]
    pub field: Option<Text<'a>>,
    #[serde(borrow)]
    pub message: Option<Text<'a>>,
}

/// The body of all four writes.
#[derive(Debug, Serialize)]
pub(super) struct Organizations<T> {
    pub organizations: Vec<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignOrganization<'a> {
    pub org_id: &'a OrgId,
    pub value: Units,
}

/// One organization's part of a batch: `T` is an [`AssignAccountGroup`], or the id of a group to unassign.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrganizationGroups<'a, T> {
    pub org_id: &'a OrgId,
    pub account_groups: Vec<T>,
}

#[derive(Debug, Serialize)]
pub(super) struct AssignAccountGroup<'a> {
    pub aid: &'a Aid,
    pub value: Units,
}

/// A text, or a number where the API promises a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

/// A whole number, also where it comes as `12.0` or as digits in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub Units);

fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(optional_list(deserializer)?.unwrap_or_default())
}

fn optional_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let rows = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(rows.map(|rows| rows.into_iter().flatten().collect()))
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Text<'a>, E> {
        self.visit_i64(whole(number)?)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        number.try_into().map(Number).map_err(|_| E::custom(format!("{number} is too large")))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        whole(number).map(Number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.trim().parse().map(Number).map_err(|_| E::custom("a text where a whole number is promised"))
    }
}

/// Only what a float holds exactly: a rounded quota would be a wrong quota.
fn whole<E: Error>(number: f64) -> Result<Units, E> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < LARGEST_EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        return Ok(number as Units);
    }
    Err(E::custom(format!("{number} is not a whole number")))
}

#[cfg(test)]
mod tests;
