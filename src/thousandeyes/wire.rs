//! The API's JSON as it comes. Private: the rest of the program knows the types of `model`.
//!
//! Nothing is taken for granted: every field may be missing or null, unknown ones are ignored, ids may come as numbers and
//! numbers as `12.0`. Objects and lists are read one at a time out of the body, and each field by itself: what is not what
//! the API promises is an [`Unexpected`] of that field alone and never hides what stands beside it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::domain::quota::{Aid, OrgId, Units};

/// So much of an odd value is shown.
const SHOWN: usize = 40;

/// Far more fields than any object of the API has.
const MOST_FIELDS: usize = 1000;
const TOO_MANY_FIELDS: &str = "over 1000 fields";

/// A part of an answer that is not what the API promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unexpected(pub String);

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One object: its fields in their order, not looked into yet.
#[derive(Debug, Default)]
pub(super) struct Object<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// A whole answer.
    pub(super) fn of_answer(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// An entry of a list, or the value of a field.
    pub(super) fn from_value(what: &str, raw: &'a RawValue) -> Result<Self, Unexpected> {
        serde_json::from_str(raw.get()).map_err(|_| match raw.get().as_bytes().first() {
            Some(b'{') => Unexpected(format!("{what} has {TOO_MANY_FIELDS}")),
            _ => Unexpected(format!("{what} is {}, not an object", excerpt(raw))),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field's value; none where it is missing or null.
    pub(super) fn field(&self, name: &str) -> Result<Option<&'a RawValue>, Unexpected> {
        let mut all = self.0.iter().filter(|(key, _)| key.0 == name).map(|(_, raw)| *raw);
        let Some(first) = all.next() else { return Ok(None) };
        if let Some(other) = all.find(|other| other.get() != first.get()) {
            return Err(Unexpected(format!(
                "`{name}` comes twice, as {} and as {}",
                excerpt(first),
                excerpt(other)
            )));
        }
        Ok((first.get() != "null").then_some(first))
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Unexpected> {
        self.field(name)?.map(|raw| Self::from_value(&format!("`{name}`"), raw)).transpose()
    }

    /// Calls `each` with the entries of a list, one after the other; false where the list is missing or null.
    pub(super) fn each(&self, name: &str, each: impl FnMut(&'a RawValue)) -> Result<bool, Unexpected> {
        let Some(raw) = self.field(name)? else { return Ok(false) };
        let not_a_list = |_| Unexpected(format!("`{name}` is {}, not a list", excerpt(raw)));
        serde_json::Deserializer::from_str(raw.get()).deserialize_seq(Each(each)).map_err(not_a_list)?;
        Ok(true)
    }

    /// A text, or a whole number where the API promises a text; empty texts are as good as none.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Unexpected> {
        let Some(raw) = self.field(name)? else { return Ok(None) };
        let text = match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0),
            _ => exact_integer(raw.get()).map(|number| Cow::Owned(number.to_string())),
        };
        let text = text.ok_or_else(|| Unexpected(format!("`{name}` is {}, not a text", excerpt(raw))))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A text that is an id.
    pub(super) fn id(&self, name: &str) -> Result<Option<Cow<'a, str>>, Unexpected> {
        let id = self.text(name)?;
        match self.field(name)? {
            Some(raw) if id.as_deref().is_some_and(|id| !is_id(id)) => {
                Err(Unexpected(format!("`{name}` is {}, not an id", excerpt(raw))))
            }
            _ => Ok(id),
        }
    }

    /// A whole number, also where it comes as `12.0` or as digits in a text.
    pub(super) fn units(&self, name: &str) -> Result<Option<Units>, Unexpected> {
        let Some(raw) = self.field(name)? else { return Ok(None) };
        let digits = raw.get().strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(str::trim);
        let number = match digits {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                digits.parse().ok()
            }
            Some(_) => None,
            None => exact_integer(raw.get()),
        };
        number
            .map(Some)
            .ok_or_else(|| Unexpected(format!("`{name}` is {}, not a whole number below 2^63", excerpt(raw))))
    }
}

/// A number as JSON writes it, if it is whole and fits: nothing is rounded, not even in the last of many digits.
fn exact_integer(json: &str) -> Option<Units> {
    if let Ok(digits) = json.parse() {
        return Some(digits);
    }
    let (mantissa, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let shift = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let places = usize::try_from(shift.unsigned_abs()).ok()?;
    let digits = if shift < 0 {
        let (whole, rest) = digits.split_at(digits.len().checked_sub(places)?);
        if rest.bytes().any(|digit| digit != b'0') {
            return None;
        }
        whole.to_owned()
    } else if places < 20 {
        digits.to_owned() + &"0".repeat(places)
    } else {
        return None;
    };
    format!("{sign}{digits}").parse().ok()
}

/// Far longer than any id.
const LONGEST_ID: usize = 64;

/// Whether a text may be an id. Ids are written as they are into tables and addresses, where other characters mean something.
pub(super) fn is_id(text: &str) -> bool {
    text.len() <= LONGEST_ID
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// What an odd value is, short enough for a sentence.
fn excerpt(raw: &RawValue) -> String {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "a list".to_owned(),
        _ => match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        },
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(Debug)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Borrowed).map(Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    if fields.len() == MOST_FIELDS {
                        return Err(A::Error::custom(TOO_MANY_FIELDS));
                    }
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

struct Each<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            (self.0)(entry);
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests;
