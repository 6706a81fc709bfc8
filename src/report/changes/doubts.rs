//! What of two snapshots may not be so: most quotas of an organization that go at once, or come back, are rarely a person's doing.

use std::collections::BTreeMap;

use crate::domain::diff::{Change, Diff, MadeBy};
use crate::domain::quota::{OrgId, Snapshot, Units, are_most_missing};
use crate::report::shared::words;
use crate::text::words::grouped;

/// A sentence for each organization of which most quotas went between the last two snapshots without a run of ours.
pub(super) fn doubts(diff: &Diff, latest: &Snapshot) -> Vec<String> {
    if diff.to != latest.taken_at {
        return Vec::new();
    }
    let mut gone: BTreeMap<&OrgId, usize> = BTreeMap::new();
    for change in diff.changes.iter().filter(|change| is_removal(change)) {
        *gone.entry(&change.target.org_id).or_default() += 1;
    }
    let most = |(org_id, gone): (&OrgId, usize)| {
        let left = latest.organization(org_id)?.quota_count();
        (gone > 1 && are_most_missing(gone, left)).then(|| sentence(org_id, gone, gone + left))
    };
    gone.into_iter().filter_map(most).collect()
}

fn is_removal(change: &Change) -> bool {
    change.made_by == MadeBy::Outside && change.before.is_some() && change.after.is_none()
}

fn sentence(org_id: &OrgId, gone: usize, of: usize) -> String {
    let number = |count: usize| grouped(Units::try_from(count).unwrap_or(Units::MAX));
    format!(
        "{} of the {} quotas of organization {} went at once. If nobody removed them, the API's answer was not whole, and they are back in \
         a later snapshot; until then no change file sets them without approval.",
        number(gone),
        number(of),
        words::clean(org_id.as_str(), 80)
    )
}
