//! Doubts about a snapshot: if most quotas of an organization disappear at once, a person rarely removed them.

use std::collections::BTreeMap;

use crate::domain::diff::Diff;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Units};
use crate::report::shared::words;
use crate::text::words::grouped;

/// A sentence for each organization of which the latest snapshot lacks quotas that are not believed to be removed.
pub(super) fn doubts(diff: &Diff, latest: &Snapshot) -> Vec<String> {
    if diff.to != latest.taken_at {
        return Vec::new();
    }
    let mut gone: BTreeMap<&OrgId, usize> = BTreeMap::new();
    let is_listed = |place: Place<'_>| place.organization.has_quota() && place.quota().is_none();
    for target in diff.vanished.iter().filter(|target| latest.place(target).is_some_and(is_listed)) {
        *gone.entry(&target.org_id).or_default() += 1;
    }
    let left = |org_id: &OrgId| latest.organization(org_id).map_or(0, Organization::quota_count);
    gone.into_iter().map(|(org_id, gone)| sentence(org_id, gone, gone + left(org_id))).collect()
}

fn sentence(org_id: &OrgId, gone: usize, of: usize) -> String {
    let number = |count: usize| grouped(Units::try_from(count).unwrap_or(Units::MAX));
    format!(
        "{} of the {} quotas of organization {} are missing from the API's answer. They count as removed once the snapshots of a whole day \
         lack them; until then no change file sets them without approval.",
        number(gone),
        number(of),
        words::clean(org_id.as_str(), 80)
    )
}
