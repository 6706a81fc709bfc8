//! The body of `GET /account-groups`: nearly every one is what the API promises, and is read in one go; else field by field.

use super::super::answer_text::AnswerText;
use super::super::wire::{Object, Unexpected};
use super::{AccountGroup, LeftOut, Page, answer, missing_field, next_page, plain};
use crate::domain::quota::{Aid, OrgId};

/// The body of `GET /account-groups`, and what of it cannot be read.
pub(in crate::thousandeyes) fn account_groups(
    text: AnswerText,
) -> Result<(Page<AccountGroup>, LeftOut), Unexpected> {
    match text.as_it_came().and_then(plain::account_groups) {
        Some(page) => Ok((page, LeftOut::default())),
        None => account_groups_carefully(&text.repaired()),
    }
}

pub(super) fn account_groups_carefully(json: &str) -> Result<(Page<AccountGroup>, LeftOut), Unexpected> {
    let (mut groups, mut left_out) = (Vec::new(), LeftOut::default());
    let answer = answer(json)?;
    let there = answer.each("accountGroups", |entry| {
        let entry = match Object::from_value("an entry of `accountGroups`", entry) {
            Ok(entry) => entry,
            Err(Unexpected(why)) => return left_out.push(why),
        };
        let aid = match entry.id("aid").and_then(|aid| aid.ok_or_else(|| missing_field("aid"))) {
            Ok(aid) => Aid::new(aid),
            Err(why) => return left_out.push(format!("{why} in an entry of `accountGroups`")),
        };
        let mut or_left_out = |text: Result<Option<_>, Unexpected>| {
            text.unwrap_or_else(|why| {
                left_out.push(format!("{why} in account group {aid}"));
                None
            })
        };
        let name = or_left_out(entry.text("accountGroupName")).unwrap_or_default().into();
        let org_id = or_left_out(entry.id("orgId")).map(OrgId::new);
        let org_name = or_left_out(entry.text("organizationName")).unwrap_or_default().into();
        groups.push(AccountGroup { aid, name, org_id, org_name });
    })?;
    if there { Ok(((groups, next_page(&answer)?), left_out)) } else { Err(missing_field("accountGroups")) }
}
