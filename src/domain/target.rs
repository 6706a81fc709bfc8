//! What a quota sits on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{Aid, OrgId};

/// What a quota sits on: an organization (`aid` is none), or one account group of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The organization.
    pub org_id: OrgId,
    /// The account group; none for the organization's own quota.
    pub aid: Option<Aid>,
}

/// Of organizations, the targets that have a quota; none is the organization itself.
pub(crate) type WithQuota = BTreeMap<OrgId, BTreeSet<Option<Aid>>>;

impl Target {
    /// The organization's own quota.
    pub fn organization(org_id: impl Into<OrgId>) -> Self {
        Self { org_id: org_id.into(), aid: None }
    }

    /// The quota of one account group.
    pub fn account_group(org_id: impl Into<OrgId>, aid: impl Into<Aid>) -> Self {
        Self { org_id: org_id.into(), aid: Some(aid.into()) }
    }

    /// The name that a person knows it by, of those of its organization and its account group: its own, else its id.
    pub(crate) fn name<'n>(&'n self, org_name: &'n str, account_group_name: &'n str) -> &'n str {
        let (name, id) = match &self.aid {
            Some(aid) => (account_group_name, aid.as_str()),
            None => (org_name, self.org_id.as_str()),
        };
        if name.is_empty() { id } else { name }
    }

    /// The `level` column of the files.
    pub fn level(&self) -> &'static str {
        if self.aid.is_some() { "account_group" } else { "organization" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.aid {
            Some(aid) => write!(f, "account group {aid} of organization {}", self.org_id),
            None => write!(f, "organization {}", self.org_id),
        }
    }
}
