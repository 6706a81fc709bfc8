//! The ids of a row → the target that they mean, among what the token sees.

use std::collections::{HashMap, HashSet};

use super::{Code, Problem};
use crate::quota::{Aid, OrgId, Snapshot, SnapshotRow, Target};

/// The live snapshot with its account groups by `aid` alone, for rows without `org_id`.
pub(super) struct Visible<'a> {
    live: &'a Snapshot,
    by_aid: HashMap<&'a Aid, Vec<&'a SnapshotRow>>,
    organizations: HashSet<&'a OrgId>,
}

impl<'a> Visible<'a> {
    pub(super) fn new(live: &'a Snapshot) -> Self {
        let mut by_aid: HashMap<_, Vec<_>> = HashMap::new();
        for row in live.rows() {
            if let Some(aid) = &row.target.aid {
                by_aid.entry(aid).or_default().push(row);
            }
        }
        let organizations = live.rows().iter().map(|row| &row.target.org_id).collect();
        Self { live, by_aid, organizations }
    }

    /// The live row that a change is about.
    pub(super) fn find(
        &self,
        row: usize,
        org_id: Option<&OrgId>,
        aid: Option<&Aid>,
    ) -> Result<&'a SnapshotRow, Problem> {
        let problem =
            |code, sentence: String| Err(Problem { code, message: format!("Row {row}: {sentence}") });
        match (org_id, aid) {
            (None, None) => problem(
                Code::BadRow,
                "it names neither an organization nor an account group. Fill in `org_id`, `aid` or both."
                    .into(),
            ),
            (None, Some(aid)) => match self.groups(aid) {
                [only] => Ok(only),
                [] => problem(
                    Code::UnknownTarget,
                    format!(
                        "the token sees no account group {aid}. Correct `aid`, or use a token that may edit it."
                    ),
                ),
                several => problem(
                    Code::AmbiguousTarget,
                    format!("account group {aid} exists in {}. Fill in `org_id`.", organizations(several)),
                ),
            },
            (Some(org_id), aid) => {
                let target = Target { org_id: org_id.clone(), aid: aid.cloned() };
                self.live.row(&target).map_or_else(|| problem(Code::UnknownTarget, self.unknown(&target)), Ok)
            }
        }
    }

    /// The organization that a row falls together with, as far as its ids tell.
    pub(super) fn organization(&self, org_id: Option<&OrgId>, aid: Option<&Aid>) -> Option<OrgId> {
        org_id.cloned().or_else(|| match self.groups(aid?) {
            [only] => Some(only.target.org_id.clone()),
            _ => None,
        })
    }

    fn groups(&self, aid: &Aid) -> &[&'a SnapshotRow] {
        self.by_aid.get(aid).map_or(&[], Vec::as_slice)
    }

    fn unknown(&self, target: &Target) -> String {
        let org_id = &target.org_id;
        if let Some(aid) = &target.aid {
            let elsewhere = self.groups(aid);
            if !elsewhere.is_empty() {
                return format!(
                    "account group {aid} is not in organization {org_id} but in {}. Correct `org_id` or `aid`.",
                    organizations(elsewhere)
                );
            }
            if self.organizations.contains(org_id) {
                return format!(
                    "the token sees no account group {aid} in organization {org_id}. Correct `aid`, or use a token \
                     that may edit it."
                );
            }
        }
        format!("the token sees no organization {org_id}. Correct `org_id`, or use a token that may edit it.")
    }
}

fn organizations(rows: &[&SnapshotRow]) -> String {
    let each = rows.iter().map(|row| match row.org_name.as_str() {
        "" => format!("organization {}", row.target.org_id),
        name => format!("organization {} ({name})", row.target.org_id),
    });
    each.collect::<Vec<_>>().join(" and ")
}
