//! The ids and names of a row → the target that they mean, among what the token sees.
//!
//! An id decides, and a name beside it is information: exports carry old names. Only a name that is another target's
//! refuses the row, because then a column was probably sorted by itself. A name alone must be unique.

mod names;

use std::collections::HashMap;

use self::names::Names;
use super::parse::{Columns, Field, TargetRef, shown};
use super::{Code, Problem};
use crate::domain::quota::{Aid, OrgId, Snapshot, SnapshotRow, Target};
use crate::text::lookalike;

/// The live snapshot with its organizations and account groups by each way to name them.
pub(super) struct Visible<'a> {
    live: &'a Snapshot,
    columns: &'a Columns,
    by_aid: HashMap<&'a Aid, Vec<&'a SnapshotRow>>,
    groups: Names<'a>,
    /// Some row of each, for its name.
    by_org_id: HashMap<&'a OrgId, &'a SnapshotRow>,
    organizations: Names<'a>,
}

/// Why a target was not found: of which column, if it is of one, and a sentence.
struct Wrong {
    code: Code,
    column: Option<Field>,
    sentence: String,
}

impl Wrong {
    fn new(code: Code, column: impl Into<Option<Field>>, sentence: String) -> Self {
        Self { code, column: column.into(), sentence }
    }
}

impl<'a> Visible<'a> {
    pub(super) fn new(live: &'a Snapshot, columns: &'a Columns) -> Self {
        let groups = || live.rows().iter().filter(|row| row.target.aid.is_some());
        let organizations =
            || live.organizations().filter_map(|(own, groups)| own.or_else(|| groups.first()));
        let mut by_aid: HashMap<_, Vec<_>> = HashMap::new();
        for row in groups() {
            if let Some(aid) = &row.target.aid {
                by_aid.entry(aid).or_default().push(row);
            }
        }
        Self {
            live,
            columns,
            by_aid,
            groups: Names::new(groups(), |row| &row.account_group_name),
            by_org_id: organizations().map(|row| (&row.target.org_id, row)).collect(),
            organizations: Names::new(organizations(), |row| &row.org_name),
        }
    }

    /// The live row that a change is about.
    pub(super) fn find(&mut self, whose: &TargetRef) -> Result<&'a SnapshotRow, Problem> {
        self.found(whose).map_err(|Wrong { code, column, sentence }| match column {
            Some(field) => Problem::in_column(code, self.columns.name(field), &sentence),
            None => Problem { code, message: sentence },
        })
    }

    /// The organization that a row falls together with, as far as its ids and names tell.
    pub(super) fn organization(&self, whose: &TargetRef) -> Option<OrgId> {
        let only = |rows: &[&SnapshotRow]| {
            let org_id = &rows.first()?.target.org_id;
            rows.iter().all(|row| row.target.org_id == *org_id).then(|| org_id.clone())
        };
        let by_aid = || only(self.with_aid(whose.aid.as_ref()?));
        let by_name = || only(&self.organizations.called(&whose.org_name, None));
        let by_group = || only(&self.groups.called(&whose.group_name, None));
        whose.org_id.clone().or_else(by_aid).or_else(by_name).or_else(by_group)
    }

    fn found(&mut self, whose: &TargetRef) -> Result<&'a SnapshotRow, Wrong> {
        let TargetRef { org_id, org_name, aid, group_name } = whose;
        let found = match (org_id, aid) {
            (Some(org_id), Some(aid)) => self.by_ids(org_id, Some(aid))?,
            (Some(org_id), None) if group_name.is_empty() => self.by_ids(org_id, None)?,
            (Some(org_id), None) => {
                if !self.by_org_id.contains_key(org_id) {
                    return self.by_ids(org_id, None);
                }
                self.group_called(group_name, Some(org_id))?
            }
            (None, Some(aid)) => self.by_aid(aid, org_name)?,
            (None, None) if !org_name.is_empty() => {
                let organization = self.organization_called(org_name)?;
                if group_name.is_empty() {
                    self.by_ids(&organization.target.org_id, None)?
                } else {
                    self.group_called(group_name, Some(&organization.target.org_id))?
                }
            }
            // A row that names nobody at all was told so when it was read.
            (None, None) => self.group_called(group_name, None)?,
        };
        self.check_names(found, whose)?;
        Ok(found)
    }

    fn by_ids(&self, org_id: &OrgId, aid: Option<&Aid>) -> Result<&'a SnapshotRow, Wrong> {
        let target = Target { org_id: org_id.clone(), aid: aid.cloned() };
        let [org_column, aid_column] = [Field::OrgId, Field::Aid].map(|field| self.columns.name(field));
        let unknown = || match aid.map(|aid| (aid, self.with_aid(aid))) {
            Some((aid, elsewhere)) if !elsewhere.is_empty() => format!(
                "account group {aid} is not in organization {org_id} but in {}. Correct `{org_column}` or `{aid_column}`.",
                listed(elsewhere, organization_text)
            ),
            Some((aid, _)) if self.by_org_id.contains_key(org_id) => format!(
                "the token sees no account group {aid} in organization {org_id}. Correct `{aid_column}`, or use a token \
                 that may edit it."
            ),
            _ => format!(
                "the token sees no organization {org_id}. Correct `{org_column}`, or use a token that may edit it."
            ),
        };
        self.live.row(&target).ok_or_else(|| Wrong::new(Code::UnknownTarget, None, unknown()))
    }

    /// An account group without its organization's id; the organization's name helps where it must.
    fn by_aid(&self, aid: &Aid, org_name: &str) -> Result<&'a SnapshotRow, Wrong> {
        match self.with_aid(aid) {
            [only] => Ok(only),
            [] => {
                let sentence = format!(
                    "the token sees no account group {aid}. Correct `{}`, or use a token that may edit it.",
                    self.columns.name(Field::Aid)
                );
                Err(Wrong::new(Code::UnknownTarget, None, sentence))
            }
            several => {
                let named = self.organizations.called(org_name, None);
                let is_named =
                    |row: &&&SnapshotRow| named.iter().any(|own| own.target.org_id == row.target.org_id);
                let mut among_them = several.iter().filter(is_named);
                if let (Some(only), None) = (among_them.next(), among_them.next()) {
                    return Ok(only);
                }
                let sentence = format!(
                    "account group {aid} exists in {}. Fill in `{}`.",
                    listed(several, organization_text),
                    self.columns.name(Field::OrgId)
                );
                Err(Wrong::new(Code::AmbiguousTarget, None, sentence))
            }
        }
    }

    fn organization_called(&mut self, name: &str) -> Result<&'a SnapshotRow, Wrong> {
        let (column, written) = (self.columns.name(Field::OrgId), shown(name));
        match self.organizations.called(name, None)[..] {
            [only] => Ok(only),
            [] => {
                let fix = if self.by_org_id.contains_key(&OrgId::from(name)) {
                    format!("`{written}` is an id: type it into the column `{column}`.")
                } else {
                    let nearest = self.organizations.nearest(name, None);
                    let text = |row: &SnapshotRow| {
                        format!("`{}` ({}){}", row.org_name, row.target.org_id, instead(name, &row.org_name))
                    };
                    meant(&nearest, text, column)
                };
                let sentence = format!("the token sees no organization called `{written}`. {fix}");
                Err(Wrong::new(Code::UnknownTarget, Field::OrgName, sentence))
            }
            ref several => {
                let id = |row: &SnapshotRow| format!("organization {}", row.target.org_id);
                let sentence =
                    format!("`{written}` is the name of {}. Fill in `{column}`.", listed(several, id));
                Err(Wrong::new(Code::AmbiguousTarget, Field::OrgName, sentence))
            }
        }
    }

    /// An account group by its name, in one organization or among all.
    fn group_called(&mut self, name: &str, org_id: Option<&OrgId>) -> Result<&'a SnapshotRow, Wrong> {
        let [org_column, aid_column] = [Field::OrgId, Field::Aid].map(|field| self.columns.name(field));
        let written = shown(name);
        match self.groups.called(name, org_id)[..] {
            [only] => Ok(only),
            [] => {
                let place = org_id
                    .and_then(|org_id| self.by_org_id.get(org_id))
                    .map_or_else(String::new, |row| format!(" in {}", organization_text(row)));
                let elsewhere = self.groups.called(name, None);
                let fix = if !self.with_aid(&Aid::from(name)).is_empty() {
                    format!("`{written}` is an id: type it into the column `{aid_column}`.")
                } else if elsewhere.is_empty() {
                    let nearest = self.groups.nearest(name, org_id);
                    let told = |row: &SnapshotRow| {
                        let of = if org_id.is_some() {
                            String::new()
                        } else {
                            format!(" of {}", organization_text(row))
                        };
                        let instead = instead(name, &row.account_group_name);
                        format!("`{}` ({}{of}){instead}", row.account_group_name, id(row))
                    };
                    meant(&nearest, told, aid_column)
                } else {
                    format!(
                        "But there is {}. Correct `{org_column}` or the name.",
                        listed(&elsewhere, group_text)
                    )
                };
                let sentence = format!("the token sees no account group called `{written}`{place}. {fix}");
                Err(Wrong::new(Code::UnknownTarget, Field::GroupName, sentence))
            }
            ref several => {
                let is_one_organization =
                    several.iter().all(|row| row.target.org_id == several[0].target.org_id);
                let fix = if is_one_organization {
                    format!("Fill in `{aid_column}`.")
                } else {
                    format!("Fill in `{aid_column}` or `{org_column}`.")
                };
                let sentence = format!("`{written}` is {}. {fix}", listed(several, group_text));
                Err(Wrong::new(Code::AmbiguousTarget, Field::GroupName, sentence))
            }
        }
    }

    /// An old name beside an id is no mistake, but another target's name is.
    fn check_names(&self, found: &SnapshotRow, whose: &TargetRef) -> Result<(), Wrong> {
        let TargetRef { org_id, org_name, aid, group_name } = whose;
        let Target { org_id: own_org_id, .. } = &found.target;
        if (org_id.is_some() || aid.is_some()) && *org_name != found.org_name {
            let called = self.organizations.called(org_name, None);
            if let Some(other) = another(&called, |row| row.target.org_id == *own_org_id) {
                let [own_text, other_text] =
                    [found, other].map(|row| format!("organization {}", row.target.org_id));
                return Err(moved(Field::OrgName, &own_text, &found.org_name, org_name, &other_text));
            }
        }
        if aid.is_some() && *group_name != found.account_group_name {
            let called = self.groups.called(group_name, Some(own_org_id));
            if let Some(other) = another(&called, |row| row.target == found.target) {
                let [own_text, other_text] = [found, other].map(|row| format!("account group {}", id(row)));
                return Err(moved(
                    Field::GroupName,
                    &own_text,
                    &found.account_group_name,
                    group_name,
                    &other_text,
                ));
            }
        }
        Ok(())
    }

    fn with_aid(&self, aid: &Aid) -> &[&'a SnapshotRow] {
        self.by_aid.get(aid).map_or(&[], Vec::as_slice)
    }
}

/// The first of those with a name, unless the target itself is among them: a name that two have is also its own.
fn another<'a>(
    called: &[&'a SnapshotRow],
    is_itself: impl Fn(&SnapshotRow) -> bool,
) -> Option<&'a SnapshotRow> {
    if called.iter().any(|row| is_itself(row)) { None } else { called.first().copied() }
}

/// An id beside the name of another target.
fn moved(column: Field, own: &str, own_name: &str, written: &str, other: &str) -> Wrong {
    let own_name = if own_name.is_empty() { "without a name" } else { own_name };
    let sentence = format!(
        "it is about {own} ({own_name}), but the name is `{}`, which is {other}. Was one column sorted or moved without the \
         others? Correct the id, or empty the name.",
        shown(written)
    );
    Wrong::new(Code::AmbiguousTarget, column, sentence)
}

/// Where two names look alike: what differs.
fn instead(written: &str, known: &str) -> String {
    lookalike::difference(written, known).map_or_else(String::new, |what| format!(", where you typed {what}"))
}

/// Who may have been meant, else where to look; in any case what to type.
fn meant(nearest: &[&SnapshotRow], text: impl Fn(&SnapshotRow) -> String, column: &str) -> String {
    match nearest {
        [] => format!("Correct the name, or fill in `{column}`."),
        rows => {
            let rows: Vec<String> = rows.iter().map(|row| text(row)).collect();
            format!("Did you mean {}? Correct the name, or fill in `{column}`.", rows.join(" or "))
        }
    }
}

/// At most a dozen, and how many more there are.
fn listed(rows: &[&SnapshotRow], text: impl Fn(&SnapshotRow) -> String) -> String {
    const MOST: usize = 12;
    let mut each: Vec<String> = rows.iter().take(MOST).map(|row| text(row)).collect();
    let last = match rows.len().saturating_sub(MOST) {
        0 => each.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    if each.is_empty() { last } else { format!("{} and {last}", each.join(", ")) }
}

fn id(row: &SnapshotRow) -> &str {
    row.target.aid.as_ref().map_or("", |aid| aid.as_str())
}

fn organization_text(row: &SnapshotRow) -> String {
    with_name(format!("organization {}", row.target.org_id), &row.org_name)
}

/// `account group 208001 of organization 11020 (Initech)`
fn group_text(row: &SnapshotRow) -> String {
    with_name(row.target.to_string(), &row.org_name)
}

fn with_name(text: String, name: &str) -> String {
    if name.is_empty() { text } else { format!("{text} ({name})") }
}

#[cfg(test)]
mod tests;
