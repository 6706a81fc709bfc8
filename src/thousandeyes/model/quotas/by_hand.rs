//! The body of `GET /quotas` as the API writes it, read by hand in less than half the time that serde takes: with a million account
//! groups nothing else took as long.
//!
//! Only what is beyond doubt is taken: known names, each once, ids without escapes, whole numbers. Where anything else comes, all is read
//! by [`super::by_serde`], and what both read is the same.

use crate::domain::quota::{Aid, OrgId, Units};
use crate::thousandeyes::model::OrganizationQuotas;
use crate::thousandeyes::model::plain::PlainLinks;
use crate::thousandeyes::wire::is_id;

/// More digits may not fit.
const MOST_DIGITS: usize = 18;

/// Room is made beforehand for so many account groups at the most: one large organization says little of the next.
const MOST_EXPECTED: usize = 4096;

/// The entries, and the links.
pub(super) fn answer(json: &str) -> Option<(Vec<OrganizationQuotas>, PlainLinks<'_>)> {
    let (mut quotas, mut links) = (None, None);
    let mut cursor = Cursor { text: json, at: 0, expected_groups: 0 };
    cursor.object(|cursor| {
        if cursor.name(b"quotas") {
            put(&mut quotas, cursor.list(0, entry)?)
        } else if cursor.name(b"_links") {
            put(&mut links, cursor.by_serde()?)
        } else {
            None
        }
    })?;
    cursor.skip_blanks();
    let quotas = quotas.filter(|_| cursor.byte().is_none())?;
    Some((quotas, links.unwrap_or_default()))
}

fn entry(cursor: &mut Cursor<'_>) -> Option<OrganizationQuotas> {
    let (mut own, mut groups) = (None, None);
    cursor.object(|cursor| {
        if cursor.name(b"organizationQuota") {
            put(&mut own, organization(cursor)?)
        } else if cursor.name(b"accountGroupQuotas") {
            put(&mut groups, cursor.list(cursor.expected_groups, account_group)?)
        } else {
            None
        }
    })?;
    let (org_id, value) = own.unwrap_or_default();
    let mut account_groups = groups.unwrap_or_default();
    cursor.expected_groups = account_groups.len().min(MOST_EXPECTED);
    account_groups.shrink_to_fit();
    Some(OrganizationQuotas { org_id, value, account_groups, unreadable: Vec::new() })
}

fn organization(cursor: &mut Cursor<'_>) -> Option<(Option<OrgId>, Option<Units>)> {
    let (mut org_id, mut quota) = (None, None);
    cursor.object(|cursor| {
        if cursor.name(b"orgId") {
            put(&mut org_id, OrgId::new(cursor.id()?))
        } else if cursor.name(b"value") {
            put(&mut quota, cursor.units()?)
        } else {
            None
        }
    })?;
    Some((org_id, quota))
}

fn account_group(cursor: &mut Cursor<'_>) -> Option<(Aid, Units)> {
    if let Some(group) = cursor.usual_account_group() {
        return Some(group);
    }
    let (mut aid, mut quota) = (None, None);
    cursor.object(|cursor| {
        if cursor.name(b"aid") {
            put(&mut aid, cursor.id()?)
        } else if cursor.name(b"value") {
            put(&mut quota, cursor.units()?)
        } else {
            None
        }
    })?;
    Some((Aid::new(aid?), quota?))
}

/// None where it is there already: which of two counts is not decided here.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A place in the body.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many account groups the next organization has, if it has as many as the one before.
    expected_groups: usize,
}

// The rest of the program is built to be small; a million account groups pass here.
#[expect(clippy::inline_always, reason = "calls would take longer than what they do")]
impl<'a> Cursor<'a> {
    /// Calls `field` at each name of an object.
    #[inline(always)]
    fn object(&mut self, field: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.each(b'{', b'}', field)
    }

    #[inline(always)]
    fn list<T>(&mut self, expected: usize, item: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::with_capacity(expected);
        self.each(b'[', b']', |cursor| {
            all.push(item(cursor)?);
            Some(())
        })?;
        Some(all)
    }

    #[inline(always)]
    fn each(&mut self, begin: u8, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.next(begin)?;
        if self.next(end).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.next(end).is_some() {
                return Some(());
            }
            self.next(b',')?;
        }
    }

    /// `{"aid":"1234","value":5000}`, as the API writes nearly all of them: in one go, which takes little more than half as many
    /// instructions. None, and nothing passed, where it is written in another way.
    #[inline(always)]
    fn usual_account_group(&mut self) -> Option<(Aid, Units)> {
        let mut ahead = *self;
        ahead.skip_blanks();
        ahead.literal(b"{\"aid\":\"")?;
        let begin = ahead.at;
        ahead.pass(|byte| byte.is_ascii_digit());
        let aid = ahead.text.get(begin..ahead.at).filter(|aid| (1..=MOST_DIGITS).contains(&aid.len()))?;
        ahead.literal(b"\",\"value\":")?;
        let quota = ahead.units()?;
        ahead.literal(b"}")?;
        *self = ahead;
        Some((Aid::new(aid), quota))
    }

    /// Whether this name comes next; then its value does.
    #[inline(always)]
    fn name<const N: usize>(&mut self, name: &[u8; N]) -> bool {
        self.skip_blanks();
        let begin = self.at;
        let is_it = self.take(b'"').and_then(|()| self.literal(name)).is_some();
        let comes = is_it && self.take(b'"').and_then(|()| self.next(b':')).is_some();
        if !comes {
            self.at = begin;
        }
        comes
    }

    #[inline(always)]
    fn id(&mut self) -> Option<&'a str> {
        self.next(b'"')?;
        let begin = self.at;
        self.pass(|byte| byte != b'"');
        let id = self.text.get(begin..self.at);
        self.take(b'"')?;
        id.filter(|id| is_id(id))
    }

    /// Whole, and not below 0. Where a fraction or an exponent follows, a comma or an end is missing.
    #[inline(always)]
    fn units(&mut self) -> Option<Units> {
        self.skip_blanks();
        let begin = self.at;
        self.pass(|byte| byte.is_ascii_digit());
        let digits = self.text.as_bytes().get(begin..self.at)?;
        let is_number = digits.len() <= MOST_DIGITS && (digits.len() == 1 || *digits.first()? != b'0');
        is_number.then(|| digits.iter().fold(0, |units, digit| 10 * units + Units::from(digit - b'0')))
    }

    fn by_serde<T: serde::Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.text.get(self.at..)?).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    /// Passes what must come next, and blanks before it.
    #[inline(always)]
    fn next(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        self.take(byte)
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> Option<()> {
        let comes = self.byte() == Some(byte);
        self.at += usize::from(comes);
        comes.then_some(())
    }

    #[inline(always)]
    fn literal<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let comes = self.text.as_bytes().get(self.at..)?.first_chunk() == Some(text);
        self.at += N;
        comes.then_some(())
    }

    #[inline(always)]
    fn skip_blanks(&mut self) {
        // Mostly none comes.
        if self.byte().is_some_and(|byte| byte <= b' ') {
            self.pass(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        }
    }

    #[inline(always)]
    fn pass(&mut self, is_passed: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !is_passed(*byte)).unwrap_or(rest.len());
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
