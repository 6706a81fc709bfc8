//! The body of `GET /quotas` as the API writes it, read by hand in a sixth of the time that serde takes: with a million account groups
//! nothing else takes as long.
//!
//! Only what is beyond doubt is taken: known names, each once, ids without escapes, whole numbers. Where anything else comes, all is read
//! by [`super::by_serde`], and what both read is the same.

use crate::domain::quota::{Aid, OrgId, Units};
use crate::thousandeyes::model::OrganizationQuotas;
use crate::thousandeyes::model::plain::PlainLinks;
use crate::thousandeyes::wire::is_id;

/// More digits may not fit.
const MOST_DIGITS: usize = 18;

/// The entries, and the links.
pub(super) fn answer(json: &str) -> Option<(Vec<OrganizationQuotas>, PlainLinks<'_>)> {
    let (mut quotas, mut links) = (None, None);
    let mut cursor = Cursor { rest: json };
    cursor.object(|name, value| match name {
        "quotas" => put(&mut quotas, value.list(entry)?),
        "_links" => put(&mut links, value.by_serde()?),
        _ => None,
    })?;
    cursor.skip_blanks();
    let quotas = quotas.filter(|_| cursor.rest.is_empty())?;
    Some((quotas, links.unwrap_or_default()))
}

fn entry(entry: &mut Cursor<'_>) -> Option<OrganizationQuotas> {
    let (mut own, mut groups) = (None, None);
    entry.object(|name, value| match name {
        "organizationQuota" => put(&mut own, organization(value)?),
        "accountGroupQuotas" => put(&mut groups, value.list(account_group)?),
        _ => None,
    })?;
    let (org_id, value) = own.unwrap_or_default();
    let mut account_groups = groups.unwrap_or_default();
    account_groups.shrink_to_fit();
    Some(OrganizationQuotas { org_id, value, account_groups, unreadable: Vec::new() })
}

fn organization(own: &mut Cursor<'_>) -> Option<(Option<OrgId>, Option<Units>)> {
    let (mut org_id, mut quota) = (None, None);
    own.object(|name, value| match name {
        "orgId" => put(&mut org_id, OrgId::new(value.id()?)),
        "value" => put(&mut quota, value.units()?),
        _ => None,
    })?;
    Some((org_id, quota))
}

fn account_group(group: &mut Cursor<'_>) -> Option<(Aid, Units)> {
    let (mut aid, mut quota) = (None, None);
    group.object(|name, value| match name {
        "aid" => put(&mut aid, Aid::new(value.id()?)),
        "value" => put(&mut quota, value.units()?),
        _ => None,
    })?;
    aid.zip(quota)
}

/// None where it is there already: which of two counts is not decided here.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// What is still to be read.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn object(&mut self, mut field: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        self.each(b'{', b'}', |cursor| {
            let name = cursor.text()?;
            cursor.expect(b':')?;
            field(name, cursor)
        })
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        self.each(b'[', b']', |cursor| {
            all.push(item(cursor)?);
            Some(())
        })?;
        Some(all)
    }

    fn each(&mut self, begin: u8, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(begin)?;
        if self.expect(end).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.expect(end).is_some() {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// A text up to the next quotation mark. One with an escape in it is no name and no id.
    fn text(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let text = self.take_until(|byte| byte == b'"')?;
        self.expect(b'"')?;
        Some(text)
    }

    fn id(&mut self) -> Option<&'a str> {
        self.text().filter(|text| is_id(text))
    }

    fn units(&mut self) -> Option<Units> {
        self.skip_blanks();
        // Where a fraction or an exponent follows, the next name is missing.
        let digits = self.take_until(|byte| !byte.is_ascii_digit())?;
        let is_number = digits.len() <= MOST_DIGITS && (digits == "0" || !digits.starts_with('0'));
        digits.parse().ok().filter(|_| is_number)
    }

    fn by_serde<T: serde::Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter();
        let value = values.next()?.ok()?;
        self.rest = &self.rest[values.byte_offset()..];
        Some(value)
    }

    fn take_until(&mut self, is_end: impl Fn(u8) -> bool) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at(self.rest.bytes().position(is_end)?);
        self.rest = rest;
        Some(taken)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(char::from(byte))?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.rest.as_bytes().first() {
            self.rest = &self.rest[1..];
        }
    }
}

#[cfg(test)]
mod tests;
