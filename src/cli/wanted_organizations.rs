//! The organizations that a person names with `--org`, by their ids or their names.

mod last_seen;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::last_seen::Earlier;
use crate::domain::quota::{OrgId, Snapshot};
use crate::report::words;
use crate::text::lookalike;
use crate::text::similarity::nearest;

/// So many are named to whoever mistyped one.
const NAMED: usize = 5;

/// Those that are named. All are meant where none is.
pub(super) struct WantedOrganizations(Vec<Name>);

struct Name {
    written: String,
    key: String,
}

impl WantedOrganizations {
    pub(super) fn new(names: &[String]) -> Self {
        let name = |name: &String| Name { written: name.trim().to_owned(), key: lookalike::key(name) };
        Self(names.iter().map(name).collect())
    }

    /// Whether the organization with this id and this name is one of them.
    pub(super) fn has(&self, id: &OrgId, name: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let key = lookalike::key(name);
        self.0.iter().any(|named| named.matches(id, &key))
    }

    /// An error that names one that is none of those that there are, and when it was there.
    pub(super) fn check<'s>(
        &self,
        there: impl Iterator<Item = (&'s OrgId, &'s str)> + Clone,
        earlier: Earlier<'_>,
    ) -> anyhow::Result<()> {
        let is_there =
            |named: &Name| there.clone().any(|(id, name)| named.matches(id, &lookalike::key(name)));
        let Some(absent) = self.0.iter().find(|named| !is_there(named)) else { return Ok(()) };
        if let Some(seen) = earlier.sentence(absent) {
            anyhow::bail!(seen);
        }
        let written = &absent.written;
        let by_key: BTreeMap<String, (&OrgId, &str)> =
            there.clone().map(|(id, name)| (lookalike::key(name), (id, name))).collect();
        let alike = nearest(&lookalike::key(written), by_key.keys().map(String::as_str), 2);
        let called = |(id, name): (&OrgId, &str)| words::clean(&format!("{name} {id}"), 80);
        let alike: Vec<String> = alike.into_iter().map(|key| called(by_key[key])).collect();
        if !alike.is_empty() {
            anyhow::bail!("there is no organization {written}. Did you mean {}?", alike.join(" or "));
        }
        let some: Vec<String> = there.take(NAMED + 1).map(called).collect();
        match some.len() {
            0 => anyhow::bail!("there is no organization {written}"),
            1..=NAMED => {
                let all = words::listed(&some, NAMED);
                anyhow::bail!("there is no organization {written}. Known: {all}")
            }
            _ => {
                let some = some[..NAMED].join(", ");
                anyhow::bail!("there is no organization {written}. Known ones include {some}")
            }
        }
    }

    /// The ids of those that any of these snapshots shows; none where none is named.
    pub(super) fn ids(
        &self,
        seen: &[&Snapshot],
        earlier: Earlier<'_>,
    ) -> anyhow::Result<Option<BTreeSet<OrgId>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let all = seen.iter().flat_map(|snapshot| snapshot.organizations());
        let all = all.map(|organization| (&organization.id, &*organization.name));
        self.check(all.clone(), earlier)?;
        Ok(Some(all.filter(|(id, name)| self.has(id, name)).map(|(id, _)| id.clone()).collect()))
    }
}

impl Name {
    fn matches(&self, id: &OrgId, key: &str) -> bool {
        self.written == id.as_str() || !key.is_empty() && self.key == key
    }
}

#[cfg(test)]
mod tests;
