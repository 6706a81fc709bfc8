//! What the organizations and account groups of a closing report are called.

use super::cycle_lookup::ClosedCycles;
use crate::domain::quota::{Organization, Snapshot, SnapshotRow, Target};
use crate::report::shared::quota_status::{name_and_id, org_name};
use crate::report::shared::words;

/// The rows that give the names: of the last cycle that was seen, else of the latest snapshot.
pub(super) fn rows_with_names<'a>(
    closed: &'a ClosedCycles,
    latest: &'a Snapshot,
) -> impl Iterator<Item = SnapshotRow<'a>> {
    let seen = closed
        .cycles
        .iter()
        .filter_map(|cycle| cycle.last_seen.as_ref())
        .find(|seen| seen.places().next().is_some());
    let organization = match seen {
        Some(seen) => seen.shown.as_ref(),
        None => latest.organization(&closed.org_id),
    };
    organization.into_iter().flat_map(Organization::rows)
}

/// Name, id and the organization's name, of whatever the section is about.
pub(super) fn names(closed: &ClosedCycles, latest: &Snapshot, partial: bool) -> (String, String, String) {
    let rows: Vec<SnapshotRow<'_>> = rows_with_names(closed, latest).collect();
    let unknown = SnapshotRow::new(Target { org_id: closed.org_id.clone(), aid: None });
    let first = rows.first().unwrap_or(&unknown);
    let (org_name, org_id) = (org_name(first), words::clean(closed.org_id.as_str(), 30));
    match &rows[..] {
        _ if !partial => (org_name.clone(), org_id, org_name),
        [one] => {
            let (name, id) = name_and_id(one);
            (name, id, org_name)
        }
        several => {
            let groups = words::counted(several.len(), "account group");
            (format!("{groups} of {org_name}"), org_id, org_name)
        }
    }
}
