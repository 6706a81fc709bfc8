//! The body of `GET /quotas`: the largest answer of all, and the one that decides.

mod by_hand;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::answer_text::AnswerText;
use super::super::wire::{Object, Unexpected, is_id};
use super::plain::PlainLinks;
use super::{OrganizationQuotas, Page, Unreadable, UnreadableTarget, answer, missing_field, next_page};
use crate::domain::quota::{Aid, OrgId, Units};

/// Of what cannot be read so much is kept by itself: a thousand reasons for one organization help nobody, and a body of nothing
/// else would become many times as large.
pub(super) const MOST_UNREADABLE: usize = 1000;

/// The same of all pages together.
const MOST_UNREADABLE_TOGETHER: usize = 10_000;

/// A hundred times as many organizations as the largest house known has. Each takes many times its own size in memory.
const MOST_ORGANIZATIONS: usize = 100_000;

/// What the pages before say.
#[derive(Debug, Default)]
pub(in crate::thousandeyes) struct SoFar {
    organizations: usize,
    unreadable: usize,
}

/// The body of `GET /quotas`, of which there may be several; an error says why it is none.
///
/// Nearly every body is what the API promises, and is read in one go, [by hand](by_hand) where it is written as the API writes it
/// today. Where anything in it is odd, it is read field by field.
pub(in crate::thousandeyes) fn quotas(
    text: AnswerText,
    so_far: &mut SoFar,
) -> Result<Page<OrganizationQuotas>, Unexpected> {
    // Before any of them takes memory.
    let named = memmem::find_iter(text.as_bytes(), b"\"organizationQuota\"").count();
    few_enough(so_far.organizations + named)?;
    let page = match text.as_it_came().and_then(read_plainly) {
        Some(page) => page,
        None => read_carefully(&text.repaired(), &mut so_far.unreadable)?,
    };
    so_far.organizations += page.0.len();
    few_enough(so_far.organizations)?;
    Ok(page)
}

fn few_enough(organizations: usize) -> Result<(), Unexpected> {
    if organizations <= MOST_ORGANIZATIONS {
        return Ok(());
    }
    Err(Unexpected(format!("it names over {MOST_ORGANIZATIONS} organizations, far more than is plausible")))
}

fn read_carefully(json: &str, unreadable_so_far: &mut usize) -> Result<Page<OrganizationQuotas>, Unexpected> {
    let mut seen = ReadEntries { unreadable: *unreadable_so_far, ..ReadEntries::default() };
    let answer = answer(json)?;
    let there = answer.each("quotas", |entry| {
        let odd = |odd| OrganizationQuotas {
            unreadable: vec![unreadable(UnreadableTarget::Anybody, odd)],
            ..OrganizationQuotas::default()
        };
        seen.add(plain_entry(entry).unwrap_or_else(|| careful_entry(entry).unwrap_or_else(odd)));
    })?;
    *unreadable_so_far = seen.unreadable;
    if there { Ok((seen.all, next_page(&answer)?)) } else { Err(missing_field("quotas")) }
}

/// None where anything in it is odd or unknown.
fn read_plainly(json: &str) -> Option<Page<OrganizationQuotas>> {
    let (quotas, links) = by_hand::answer(json).or_else(|| by_serde(json))?;
    let mut seen = ReadEntries::default();
    for entry in quotas {
        seen.add(entry);
    }
    Some((seen.all, links.next_page()))
}

fn by_serde(json: &str) -> Option<(Vec<OrganizationQuotas>, PlainLinks<'_>)> {
    let PlainAnswer { quotas, links } = serde_json::from_str(json).ok()?;
    Some((quotas.into_iter().map(|Entry(entry)| entry).collect(), links.unwrap_or_default()))
}

/// What an answer says, without the entries that say nothing.
#[derive(Default)]
struct ReadEntries {
    all: Vec<OrganizationQuotas>,
    nobodys: usize,
    unreadable: usize,
}

impl ReadEntries {
    fn add(&mut self, mut quotas: OrganizationQuotas) {
        if self.unreadable + quotas.unreadable.len() > MOST_UNREADABLE_TOGETHER {
            let all = OddQuotas::with_summary(std::mem::take(&mut quotas.unreadable));
            quotas.unreadable = all;
        }
        self.unreadable += quotas.unreadable.len();
        let is_nothing =
            quotas.value.is_none() && quotas.account_groups.is_empty() && quotas.unreadable.is_empty();
        // Nobody knows whose they are: one says that there are such, and a second that they are several.
        let is_nobodys =
            quotas.org_id.is_none() && quotas.value.is_none() && quotas.account_groups.is_empty();
        if !is_nothing && (!is_nobodys || self.nobodys < 2) {
            self.nobodys += usize::from(is_nobodys);
            self.all.push(quotas);
        }
    }
}

/// An entry as the API promises it, with nothing odd and nothing unknown in it. None where it has to be looked at field by field.
fn plain_entry(entry: &RawValue) -> Option<OrganizationQuotas> {
    serde_json::from_str(entry.get()).ok().map(|Entry(quotas)| quotas)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainAnswer<'a> {
    quotas: Vec<Entry>,
    #[serde(borrow, rename = "_links")]
    links: Option<PlainLinks<'a>>,
}

#[derive(Deserialize)]
#[serde(from = "PlainEntry<'_>")]
struct Entry(OrganizationQuotas);

impl From<PlainEntry<'_>> for Entry {
    fn from(PlainEntry { organization, account_groups }: PlainEntry<'_>) -> Self {
        let PlainOwn { org_id, value } = organization.unwrap_or_default();
        let groups = account_groups.unwrap_or_default().into_iter();
        Self(OrganizationQuotas {
            org_id: org_id.map(|PlainId(id)| OrgId::new(id)),
            value: value.map(|PlainValue(value)| value),
            account_groups: groups
                .map(|PlainGroup { aid: Group(aid), value: PlainValue(value) }| (aid, value))
                .collect(),
            unreadable: Vec::new(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainEntry<'a> {
    #[serde(borrow, rename = "organizationQuota")]
    organization: Option<PlainOwn<'a>>,
    #[serde(rename = "accountGroupQuotas")]
    account_groups: Option<Vec<PlainGroup>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainOwn<'a> {
    #[serde(borrow, rename = "orgId")]
    org_id: Option<PlainId<'a>>,
    value: Option<PlainValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainGroup {
    aid: Group,
    value: PlainValue,
}

/// An id without escapes.
#[derive(Deserialize)]
#[serde(try_from = "&str")]
struct PlainId<'a>(&'a str);

impl<'a> TryFrom<&'a str> for PlainId<'a> {
    type Error = &'static str;

    fn try_from(id: &'a str) -> Result<Self, Self::Error> {
        if is_id(id) { Ok(Self(id)) } else { Err("it is not an id") }
    }
}

#[derive(Deserialize)]
#[serde(from = "PlainId<'_>")]
struct Group(Aid);

impl From<PlainId<'_>> for Group {
    fn from(PlainId(id): PlainId<'_>) -> Self {
        Self(Aid::new(id))
    }
}

/// A whole number that is not below 0.
#[derive(Deserialize)]
#[serde(try_from = "Units")]
struct PlainValue(Units);

impl TryFrom<Units> for PlainValue {
    type Error = &'static str;

    fn try_from(value: Units) -> Result<Self, Self::Error> {
        if value < 0 { Err("it is below 0") } else { Ok(Self(value)) }
    }
}

/// An entry field by field, with what is odd in it. An error where it is no object.
fn careful_entry(entry: &RawValue) -> Result<OrganizationQuotas, Unexpected> {
    Object::from_value("an entry of `quotas`", entry).map(|entry| organization_quotas(&entry))
}

fn organization_quotas(entry: &Object<'_>) -> OrganizationQuotas {
    let mut seen = OrganizationQuotas::default();
    let mut odd = OddQuotas::default();
    match entry.object("organizationQuota") {
        Ok(own) => {
            let own = own.unwrap_or_default();
            match own.id("orgId") {
                Ok(id) => seen.org_id = id.map(OrgId::new),
                // Without an account group it may belong to any organization.
                Err(why) => odd.push(unreadable(UnreadableTarget::Anybody, why)),
            }
            match quota(&own) {
                Ok(value) => seen.value = value,
                Err(why) => odd.push(unreadable(UnreadableTarget::Organization, why)),
            }
        }
        Err(why) => odd.push(unreadable(UnreadableTarget::Anybody, why)),
    }
    let groups = entry.each("accountGroupQuotas", |group| {
        let group = match Object::from_value("an entry of `accountGroupQuotas`", group) {
            Ok(group) => group,
            Err(why) => return odd.push(unreadable(UnreadableTarget::SomeAccountGroup, why)),
        };
        let aid = match group.id("aid") {
            Ok(Some(aid)) => Aid::new(aid),
            Ok(None) => {
                return odd.push(unreadable(UnreadableTarget::SomeAccountGroup, missing_field("aid")));
            }
            Err(why) => return odd.push(unreadable(UnreadableTarget::SomeAccountGroup, why)),
        };
        match quota(&group) {
            Ok(Some(value)) => seen.account_groups.push((aid, value)),
            // Who has no quota is not listed: an entry without a value hides one.
            Ok(None) => odd.push(unreadable(UnreadableTarget::AccountGroup(aid), missing_field("value"))),
            Err(why) => odd.push(unreadable(UnreadableTarget::AccountGroup(aid), why)),
        }
    });
    if let Err(why) = groups {
        odd.push(unreadable(UnreadableTarget::SomeAccountGroup, why));
    }
    seen.account_groups.shrink_to_fit();
    seen.unreadable = odd.all;
    seen
}

/// The quotas of one entry that cannot be read. Of those of account groups that nobody knows one stands for all.
#[derive(Default)]
struct OddQuotas {
    all: Vec<Unreadable>,
    has_some_account_group: bool,
}

impl OddQuotas {
    fn push(&mut self, mut odd: Unreadable) {
        if self.all.len() >= MOST_UNREADABLE {
            odd.whose = UnreadableTarget::SomeAccountGroup;
        }
        let is_of_some = odd.whose == UnreadableTarget::SomeAccountGroup;
        if !is_of_some || !self.has_some_account_group {
            self.all.push(odd);
        }
        self.has_some_account_group |= is_of_some;
    }

    /// With one for all account groups.
    fn with_summary(odd: Vec<Unreadable>) -> Vec<Unreadable> {
        let mut seen = Self::default();
        for mut odd in odd {
            if matches!(odd.whose, UnreadableTarget::AccountGroup(_)) {
                odd.whose = UnreadableTarget::SomeAccountGroup;
            }
            seen.push(odd);
        }
        seen.all
    }
}

fn quota(of: &Object<'_>) -> Result<Option<Units>, Unexpected> {
    match of.units("value")? {
        Some(value @ ..0) => Err(Unexpected(format!("`value` is {value}, and no quota is below 0"))),
        value => Ok(value),
    }
}

fn unreadable(whose: UnreadableTarget, Unexpected(why): Unexpected) -> Unreadable {
    Unreadable { whose, why }
}

#[cfg(test)]
mod tests;
