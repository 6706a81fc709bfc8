//! The ids and names of a row → the target that they mean, among what the token sees.
//!
//! An id decides, and a name beside it is information: exports carry old names. Only a name that is another target's
//! refuses the row, because then a column was probably sorted by itself. A name alone must be unique.

mod names;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;

use self::names::Names;
use super::parse::{Columns, Field, TargetRef, excerpt};
use crate::change::codes::{Code, Problem};
use crate::domain::quota::{AccountGroup, Aid, OrgId, Organization, Place, Snapshot};
use crate::text::lookalike;

/// The live snapshot with its organizations and account groups by each way to name them.
pub(super) struct VisibleTargets<'a> {
    live: &'a Snapshot,
    columns: &'a Columns,
    /// See [`groups_by_id`]. Made when an account group is first looked for without its organization.
    by_aid: OnceCell<Vec<Place<'a>>>,
    groups: Names<'a>,
    organizations: Names<'a>,
    /// The organization that was found last, and its account groups behind the one that was: most files have the order of exports.
    last: Cell<Option<(&'a Organization, &'a [AccountGroup])>>,
}

/// Why a target was not found: of which column, if it is of one, and a sentence.
struct TargetNotFound {
    code: Code,
    column: Option<Field>,
    sentence: String,
}

impl TargetNotFound {
    fn new(code: Code, column: impl Into<Option<Field>>, sentence: String) -> Self {
        Self { code, column: column.into(), sentence }
    }
}

impl<'a> VisibleTargets<'a> {
    pub(super) fn new(live: &'a Snapshot, columns: &'a Columns) -> Self {
        let organizations: for<'p> fn(&'p Snapshot) -> Vec<Place<'p>> = |live| {
            let all = live.organizations().iter();
            all.map(|organization| Place { organization, account_group: None }).collect()
        };
        Self {
            live,
            columns,
            by_aid: OnceCell::new(),
            groups: Names::new(live, groups_by_id, |place| place.account_group_name()),
            organizations: Names::new(live, organizations, |place| place.org_name()),
            last: Cell::new(None),
        }
    }

    /// The live target that a change is about.
    pub(super) fn find(&mut self, whose: &TargetRef) -> Result<Place<'a>, Problem> {
        self.resolve_place(whose).map_err(|TargetNotFound { code, column, sentence }| match column {
            Some(field) => Problem::in_column(code, self.columns.name(field), &sentence),
            None => Problem { code, message: sentence },
        })
    }

    /// The organizations that a row without a target is bound to, as far as its ids and names say: several where they leave it
    /// open which one is meant.
    pub(super) fn organizations(&self, whose: &TargetRef) -> Vec<OrgId> {
        let of = |places: &[Place<'_>]| {
            let ids: BTreeSet<OrgId> = places.iter().map(|place| place.organization.id.clone()).collect();
            Vec::from_iter(ids)
        };
        if let Some(org_id) = &whose.org_id {
            return vec![org_id.clone()];
        }
        let by_aid = || of(whose.aid.as_ref().map_or(&[], |aid| self.with_aid(aid)));
        let by_name = || of(&self.organizations.with_name(&whose.org_name, None));
        let by_group = || of(&self.groups.with_name(&whose.group_name, None));
        let mut candidates = Vec::new();
        for find in [&by_aid as &dyn Fn() -> Vec<OrgId>, &by_name, &by_group] {
            let found = find();
            if found.len() == 1 {
                return found;
            }
            if candidates.is_empty() {
                candidates = found;
            }
        }
        candidates
    }

    fn resolve_place(&mut self, whose: &TargetRef) -> Result<Place<'a>, TargetNotFound> {
        let TargetRef { org_id, org_name, aid, group_name } = whose;
        let found = match (org_id, aid) {
            (Some(org_id), Some(aid)) => self.by_ids(org_id, Some(aid))?,
            (Some(org_id), None) if group_name.is_empty() => self.by_ids(org_id, None)?,
            (Some(org_id), None) => {
                if self.live.organization(org_id).is_none() {
                    self.by_ids(org_id, None)?;
                }
                self.group_called(group_name, Some(org_id))?
            }
            (None, Some(aid)) => self.by_aid(aid, org_name)?,
            (None, None) if !org_name.is_empty() => {
                let organization = self.organization_called(org_name)?;
                if group_name.is_empty() {
                    self.by_ids(&organization.organization.id, None)?
                } else {
                    self.group_called(group_name, Some(&organization.organization.id))?
                }
            }
            // A row that names nobody at all was refused when it was read.
            (None, None) => self.group_called(group_name, None)?,
        };
        self.check_names(found, whose)?;
        Ok(found)
    }

    fn by_ids(&self, org_id: &OrgId, aid: Option<&Aid>) -> Result<Place<'a>, TargetNotFound> {
        let [org_column, aid_column] = [Field::OrgId, Field::Aid].map(|field| self.columns.name(field));
        let unknown = || match aid.map(|aid| (aid, self.with_aid(aid))) {
            Some((aid, elsewhere)) if !elsewhere.is_empty() => format!(
                "account group {aid} is not in organization {org_id} but in {}. Correct `{org_column}` or `{aid_column}`.",
                list_places(elsewhere, organization_text)
            ),
            Some((aid, _)) if self.live.organization(org_id).is_some() => format!(
                "the token sees no account group {aid} in organization {org_id}.{} Correct `{aid_column}`, or use a token \
                 that may edit it.",
                self.without_zeros(aid)
            ),
            _ => format!(
                "the token sees no organization {org_id}. Correct `{org_column}`, or use a token that may edit it."
            ),
        };
        self.place(org_id, aid).ok_or_else(|| TargetNotFound::new(Code::UnknownTarget, None, unknown()))
    }

    fn place(&self, org_id: &OrgId, aid: Option<&Aid>) -> Option<Place<'a>> {
        let last = self.last.get().filter(|(organization, _)| organization.id == *org_id);
        let organization = match last {
            Some((organization, _)) => organization,
            None => self.live.organization(org_id)?,
        };
        let Some(aid) = aid else { return organization.place(None) };
        let next = last.and_then(|(_, groups)| groups.split_first()).filter(|(group, _)| group.aid == *aid);
        let (group, behind) = match next {
            Some(next) => next,
            None => organization.groups_from(aid)?.split_first()?,
        };
        self.last.set(Some((organization, behind)));
        Some(Place { organization, account_group: Some(group) })
    }

    /// A question, where an id has zeros before it that a form or a program added.
    fn without_zeros(&self, aid: &Aid) -> String {
        let digits = aid.as_str().trim_start_matches('0');
        let is_padded = digits.len() < aid.as_str().len() && !self.with_aid(&Aid::from(digits)).is_empty();
        if is_padded { format!(" Did you mean {digits}, without the leading zeros?") } else { String::new() }
    }

    /// An account group without its organization's id; the organization's name helps where it must.
    fn by_aid(&self, aid: &Aid, org_name: &str) -> Result<Place<'a>, TargetNotFound> {
        match self.with_aid(aid) {
            [only] => Ok(*only),
            [] => {
                let sentence = format!(
                    "the token sees no account group {aid}.{} Correct `{}`, or use a token that may edit it.",
                    self.without_zeros(aid),
                    self.columns.name(Field::Aid)
                );
                Err(TargetNotFound::new(Code::UnknownTarget, None, sentence))
            }
            several => {
                let named = self.organizations.with_name(org_name, None);
                let is_named =
                    |group: &&Place<'_>| named.iter().any(|own| own.organization.id == group.organization.id);
                let mut among_them = several.iter().filter(is_named);
                if let (Some(only), None) = (among_them.next(), among_them.next()) {
                    return Ok(*only);
                }
                let sentence = format!(
                    "account group {aid} exists in {}. Fill in `{}`.",
                    list_places(several, organization_text),
                    self.columns.name(Field::OrgId)
                );
                Err(TargetNotFound::new(Code::AmbiguousTarget, None, sentence))
            }
        }
    }

    fn organization_called(&mut self, name: &str) -> Result<Place<'a>, TargetNotFound> {
        let (column, written) = (self.columns.name(Field::OrgId), excerpt(name));
        match self.organizations.with_name(name, None)[..] {
            [only] => Ok(only),
            [] => {
                let fix = if self.live.organization(&OrgId::from(name)).is_some() {
                    format!("`{written}` is an id: type it into the column `{column}`.")
                } else {
                    let nearest = self.organizations.nearest_names(name, None);
                    let text = |place: Place<'_>| {
                        let org_name = place.org_name();
                        format!("`{org_name}` ({}){}", place.organization.id, name_difference(name, org_name))
                    };
                    suggestions(&nearest, text, column)
                };
                let sentence = format!("the token sees no organization called `{written}`. {fix}");
                Err(TargetNotFound::new(Code::UnknownTarget, Field::OrgName, sentence))
            }
            ref several => {
                let id = |place: Place<'_>| format!("organization {}", place.organization.id);
                let sentence =
                    format!("`{written}` is the name of {}. Fill in `{column}`.", list_places(several, id));
                Err(TargetNotFound::new(Code::AmbiguousTarget, Field::OrgName, sentence))
            }
        }
    }

    /// An account group by its name, in one organization or among all.
    fn group_called(&mut self, name: &str, org_id: Option<&OrgId>) -> Result<Place<'a>, TargetNotFound> {
        let [org_column, aid_column] = [Field::OrgId, Field::Aid].map(|field| self.columns.name(field));
        let written = excerpt(name);
        match self.groups.with_name(name, org_id)[..] {
            [only] => Ok(only),
            [] => {
                let place = org_id
                    .and_then(|org_id| self.live.organization(org_id))
                    .map(|organization| Place { organization, account_group: None })
                    .map_or_else(String::new, |place| format!(" in {}", organization_text(place)));
                let elsewhere = self.groups.with_name(name, None);
                let fix = if !self.with_aid(&Aid::from(name)).is_empty() {
                    format!("`{written}` is an id: type it into the column `{aid_column}`.")
                } else if elsewhere.is_empty() {
                    let nearest = self.groups.nearest_names(name, org_id);
                    let described = |place: Place<'_>| {
                        let of = if org_id.is_some() {
                            String::new()
                        } else {
                            format!(" of {}", organization_text(place))
                        };
                        let known = place.account_group_name();
                        format!("`{known}` ({}{of}){}", id(place), name_difference(name, known))
                    };
                    suggestions(&nearest, described, aid_column)
                } else {
                    format!(
                        "But there is {}. Correct `{org_column}` or the name.",
                        list_places(&elsewhere, group_text)
                    )
                };
                let sentence = format!("the token sees no account group called `{written}`{place}. {fix}");
                Err(TargetNotFound::new(Code::UnknownTarget, Field::GroupName, sentence))
            }
            ref several => {
                let is_one_organization =
                    several.iter().all(|place| place.organization.id == several[0].organization.id);
                let fix = if is_one_organization {
                    format!("Fill in `{aid_column}`.")
                } else {
                    format!("Fill in `{aid_column}` or `{org_column}`.")
                };
                let sentence = format!("`{written}` is {}. {fix}", list_places(several, group_text));
                Err(TargetNotFound::new(Code::AmbiguousTarget, Field::GroupName, sentence))
            }
        }
    }

    /// An old name beside an id is no mistake, but another target's name is.
    fn check_names(&self, found: Place<'_>, whose: &TargetRef) -> Result<(), TargetNotFound> {
        let TargetRef { org_id, org_name, aid, group_name } = whose;
        let own_org_id = &found.organization.id;
        let differs = |name: &str, own: &str| !name.is_empty() && name != own;
        if (org_id.is_some() || aid.is_some()) && differs(org_name, found.org_name()) {
            let called = self.organizations.with_name(org_name, None);
            if let Some(other) = first_other(&called, |place| place.organization.id == *own_org_id) {
                let [own_text, other_text] =
                    [found, other].map(|place| format!("organization {}", place.organization.id));
                return Err(id_of_another_target(
                    Field::OrgName,
                    &own_text,
                    found.org_name(),
                    org_name,
                    &other_text,
                ));
            }
        }
        if aid.is_some() && differs(group_name, found.account_group_name()) {
            let called = self.groups.with_name(group_name, Some(own_org_id));
            if let Some(other) = first_other(&called, |place| place.target() == found.target()) {
                let [own_text, other_text] =
                    [found, other].map(|place| format!("account group {}", id(place)));
                return Err(id_of_another_target(
                    Field::GroupName,
                    &own_text,
                    found.account_group_name(),
                    group_name,
                    &other_text,
                ));
            }
        }
        Ok(())
    }

    fn with_aid(&self, aid: &Aid) -> &[Place<'a>] {
        let by_aid = self.by_aid.get_or_init(|| groups_by_id(self.live));
        let first = by_aid.partition_point(|group| id(*group) < aid.as_str());
        let count = by_aid[first..].partition_point(|group| id(*group) == aid.as_str());
        &by_aid[first..first + count]
    }
}

/// All account groups, sorted by their ids as texts.
fn groups_by_id(live: &Snapshot) -> Vec<Place<'_>> {
    let mut groups: Vec<Place<'_>> = live.groups().collect();
    groups.sort_by_key(|group| id(*group));
    groups
}

/// The first of those with a name, unless the target itself is among them: a name that two have is also its own.
fn first_other<'a>(called: &[Place<'a>], is_itself: impl Fn(Place<'a>) -> bool) -> Option<Place<'a>> {
    if called.iter().any(|place| is_itself(*place)) { None } else { called.first().copied() }
}

/// An id beside the name of another target.
fn id_of_another_target(
    column: Field,
    own: &str,
    own_name: &str,
    written: &str,
    other: &str,
) -> TargetNotFound {
    let own_name = if own_name.is_empty() { "without a name" } else { own_name };
    let sentence = format!(
        "the id is that of {own} ({own_name}), but the name `{}` is that of {other}. Was one column sorted or moved without \
         the others? Correct the id, or clear the name.",
        excerpt(written)
    );
    TargetNotFound::new(Code::AmbiguousTarget, column, sentence)
}

/// Where two names look the same: what differs.
fn name_difference(written: &str, known: &str) -> String {
    lookalike::difference(written, known).map_or_else(String::new, |what| format!(", where you typed {what}"))
}

/// Who may have been meant, else where to look; in any case what to type.
fn suggestions(nearest: &[Place<'_>], text: impl Fn(Place<'_>) -> String, column: &str) -> String {
    match nearest {
        [] => format!("Correct the name, or fill in `{column}`."),
        places => {
            let each: Vec<String> = places.iter().map(|place| text(*place)).collect();
            format!("Did you mean {}? Correct the name, or fill in `{column}`.", each.join(" or "))
        }
    }
}

/// At most a dozen, and how many more there are.
fn list_places(places: &[Place<'_>], text: impl Fn(Place<'_>) -> String) -> String {
    const MOST: usize = 12;
    let mut each: Vec<String> = places.iter().take(MOST).map(|place| text(*place)).collect();
    let last = match places.len().saturating_sub(MOST) {
        0 => each.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    if each.is_empty() { last } else { format!("{} and {last}", each.join(", ")) }
}

fn id(place: Place<'_>) -> &str {
    place.account_group.map_or("", |group| group.aid.as_str())
}

fn organization_text(place: Place<'_>) -> String {
    with_name(format!("organization {}", place.organization.id), place.org_name())
}

/// `account group 208001 of organization 11020 (Initech)`
fn group_text(place: Place<'_>) -> String {
    with_name(place.target().to_string(), place.org_name())
}

fn with_name(text: String, name: &str) -> String {
    if name.is_empty() { text } else { format!("{text} ({name})") }
}

#[cfg(test)]
mod tests;
