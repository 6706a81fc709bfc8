//! Organizations named as people type them.

use chrono_tz::Tz;

use super::*;
use crate::domain::quota::{SnapshotRow, Target};
use crate::history::History;

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
    let folder = tempfile::tempdir().unwrap();
    let earlier = Earlier { history: &History::new(folder.path()), zone: Tz::UTC, asked: None };
    let ids = WantedOrganizations::new(&names).ids(&[&snapshot()], earlier);
    let ids = ids.map_err(|error| error.to_string())?;
    Ok(ids.into_iter().flatten().map(|id| id.to_string()).collect())
}

#[test]
fn an_organization_is_named_by_its_id_or_its_name_as_people_type_it() {
    assert_eq!(ids(&["10"]).unwrap(), ["10"]);
    assert_eq!(ids(&[" ZÜRICH  ag "]).unwrap(), ["10"]);
    assert_eq!(ids(&["20"]).unwrap(), ["20", "30"], "an id, and a name that is the same digits");
    assert_eq!(ids(&[]).unwrap(), Vec::<String>::new());
    let error = ids(&["10", "Nobody"]).unwrap_err();
    assert_eq!(error, "there is no organization Nobody. Known: Zürich AG 10, 20 and 20 30");
    assert_eq!(ids(&["Zurich"]).unwrap_err(), "there is no organization Zurich. Did you mean Zürich AG 10?");
    assert!(ids(&[""]).is_err());
}
