//! Whether an answer about usage is the one that was asked for, as far as the account groups that it names say. Pure.

use crate::domain::quota::{Aid, OrgId, Snapshot};
use crate::thousandeyes::OrganizationUsage;

/// Whom an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerSubject {
    /// The organization that was asked for.
    Requested,
    /// That organization perhaps; which of its account groups used what is not certain.
    Uncertain,
    /// Another organization: every account group that it names is one of others.
    Another,
}

/// Whom an answer is about that came for this organization. That one of the account groups is not listed means nothing by itself:
/// usage shows also those that the token doesn't see, or that are deleted.
pub(super) fn attribute_answer(
    usage: &OrganizationUsage,
    org_id: &OrgId,
    snapshot: &Snapshot,
) -> AnswerSubject {
    /// So many are looked up in all organizations.
    const MOST: usize = 100;
    let own = snapshot.organization(org_id);
    let is_its = |aid: &Aid| own.is_some_and(|own| own.group(aid).is_some());
    let is_listed = |aid: &Aid| snapshot.organizations().iter().any(|other| other.group(aid).is_some());
    let named = || usage.groups.iter().map(|(aid, _)| aid);
    let is_of_others = named().next().is_some() && !named().any(is_its);
    if is_of_others && named().take(MOST).any(is_listed) {
        AnswerSubject::Another
    } else if is_of_others || named().any(|aid| !is_id(aid) && !is_its(aid)) {
        AnswerSubject::Uncertain
    } else {
        AnswerSubject::Requested
    }
}

/// Whether it is written as the API writes ids. ` 1` and `01` may mean account group 1, or another.
fn is_id(aid: &Aid) -> bool {
    let text = aid.as_str();
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'))
}

#[cfg(test)]
mod tests;
