//! The organizations that a person names with `--org`, by their ids or their names.

use std::collections::BTreeSet;

use crate::domain::quota::{OrgId, Organization, Snapshot};
use crate::report::words;
use crate::text::lookalike;

/// So many are named to whoever mistyped one.
const NAMED: usize = 5;

/// Those that are named, and which of them were seen. All are meant where none is named.
pub(super) struct Wanted {
    names: Vec<Name>,
    /// Some of those that there are, for whoever mistyped one.
    seen: Vec<String>,
}

struct Name {
    written: String,
    key: String,
    was_seen: bool,
}

impl Wanted {
    pub(super) fn new(names: &[String]) -> Self {
        let name = |name: &String| Name {
            written: name.trim().to_owned(),
            key: lookalike::key(name),
            was_seen: false,
        };
        Self { names: names.iter().map(name).collect(), seen: Vec::new() }
    }

    /// Whether it is one of them.
    pub(super) fn has(&mut self, organization: &Organization) -> bool {
        if self.names.is_empty() {
            return true;
        }
        if self.seen.len() <= NAMED {
            self.seen.push(words::clean(&format!("{} {}", organization.name, organization.id), 80));
        }
        let key = lookalike::key(&organization.name);
        let mut is_wanted = false;
        for name in &mut self.names {
            let is_this = name.written == organization.id.as_str() || !key.is_empty() && name.key == key;
            name.was_seen |= is_this;
            is_wanted |= is_this;
        }
        is_wanted
    }

    /// An error that names one that was not seen.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.names.iter().find(|name| !name.was_seen) {
            Some(name) if self.seen.is_empty() => anyhow::bail!("there is no organization {}", name.written),
            Some(name) if self.seen.len() > NAMED => anyhow::bail!(
                "there is no organization {}. Some that there are: {}",
                name.written,
                self.seen[..NAMED].join(", ")
            ),
            Some(name) => {
                let seen = words::listed(&self.seen, NAMED);
                anyhow::bail!("there is no organization {}. There is {seen}", name.written)
            }
            None => Ok(()),
        }
    }

    /// The ids of those that any of these snapshots shows; none where none is named.
    pub(super) fn ids(mut self, seen: &[&Snapshot]) -> anyhow::Result<Option<BTreeSet<OrgId>>> {
        if self.names.is_empty() {
            return Ok(None);
        }
        let all = seen.iter().flat_map(|snapshot| snapshot.organizations());
        let ids =
            all.filter(|organization| self.has(organization)).map(|organization| organization.id.clone());
        let ids = ids.collect();
        self.check()?;
        Ok(Some(ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quota::{SnapshotRow, Target};

    fn snapshot() -> Snapshot {
        let row = |id: &str, name: &str| SnapshotRow {
            org_name: name.to_owned().into(),
            ..SnapshotRow::new(Target::organization(id))
        };
        Snapshot::new(
            "2026-11-22T08:00:00Z".parse().unwrap(),
            [row("10", "Zürich AG"), row("20", ""), row("30", "20")],
        )
    }

    fn ids(names: &[&str]) -> Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let ids = Wanted::new(&names).ids(&[&snapshot()]).map_err(|error| error.to_string())?;
        Ok(ids.into_iter().flatten().map(|id| id.to_string()).collect())
    }

    #[test]
    fn an_organization_is_named_by_its_id_or_its_name_as_people_type_it() {
        assert_eq!(ids(&["10"]).unwrap(), ["10"]);
        assert_eq!(ids(&[" ZÜRICH  ag "]).unwrap(), ["10"]);
        assert_eq!(ids(&["20"]).unwrap(), ["20", "30"], "an id, and a name that is the same digits");
        assert_eq!(ids(&[]).unwrap(), Vec::<String>::new());
        let error = ids(&["10", "Nobody"]).unwrap_err();
        assert_eq!(error, "there is no organization Nobody. There is Zürich AG 10, 20 and 20 30");
        assert!(ids(&[""]).is_err());
    }
}
