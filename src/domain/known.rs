//! What is known of an organization's quotas, snapshot by snapshot: an answer that lacks most of them is not believed at once.
//!
//! Quotas that nobody here removed rarely go together. What went so stays as it was last seen until it is back, until most of the
//! others are, or until the answers of a whole day lack it. Where none is left the organization is out of sight: the API leaves
//! out what the token may no longer edit, and that is no removal however long it lasts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::quota::{Aid, Organization, Place, Units, are_most_missing};

/// What younger snapshots show of the API's answers may be the same incomplete answer.
pub(crate) const BELIEVED_AFTER: TimeDelta = TimeDelta::days(1);

/// What was last known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastSeen {
    pub at: DateTime<Utc>,
    pub quota: Option<Units>,
    /// That the last answer that is believed shows it.
    is_in_sight: bool,
    /// Since when answers that are not believed lack its quota.
    missing_since: Option<DateTime<Utc>>,
}

/// One organization as it is known after some snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownQuotas {
    targets: BTreeMap<Option<Aid>, LastSeen>,
}

impl KnownQuotas {
    /// What was last known of a target: of an account group, or of the organization itself.
    pub(crate) fn last_seen(&self, aid: Option<&Aid>) -> Option<LastSeen> {
        self.targets.get(&aid.cloned()).copied()
    }

    /// Whether any of them was ever seen with a quota.
    pub(crate) fn has_quota(&self) -> bool {
        self.targets.values().any(|known| known.quota.is_some())
    }

    /// The targets whose quotas the next snapshot lacks and that keep them nevertheless. `removed` says of a target whether a run of
    /// ours may have taken its quota off since a moment.
    pub(crate) fn kept_aids(
        &self,
        seen: Option<&Organization>,
        at: DateTime<Utc>,
        removed: &dyn Fn(Option<&Aid>, DateTime<Utc>) -> bool,
    ) -> BTreeSet<Option<Aid>> {
        let (missing, there) = self.missing_aids(seen, removed);
        if !are_most_missing(missing.len(), there) {
            return BTreeSet::new();
        }
        let is_out_of_sight = !seen.is_some_and(Organization::has_quota);
        // Answers that lack now these and now those say of none of them for a day that it is gone.
        let is_young = |known: &LastSeen| at - known.missing_since.unwrap_or(at) < BELIEVED_AFTER;
        let kept = missing.into_iter().filter(|(_, known)| is_out_of_sight || is_young(known));
        kept.map(|(aid, _)| aid.clone()).collect()
    }

    /// Takes over what the next snapshot shows, as far as it is believed.
    pub(crate) fn observe(
        &mut self,
        seen: Option<&Organization>,
        at: DateTime<Utc>,
        removed: &dyn Fn(Option<&Aid>, DateTime<Utc>) -> bool,
    ) {
        let kept = self.kept_aids(seen, at, removed);
        for (aid, known) in &mut self.targets {
            if kept.contains(aid) {
                known.missing_since.get_or_insert(at);
            } else {
                known.is_in_sight = false;
            }
        }
        for place in seen.into_iter().flat_map(Organization::places) {
            let aid = place.aid().cloned();
            if !kept.contains(&aid) {
                let quota = place.quota();
                self.targets.insert(aid, LastSeen { at, quota, is_in_sight: true, missing_since: None });
            }
        }
    }

    /// The targets of which a snapshot shows no quota although they had one that no run of ours took off, and how many still have one.
    fn missing_aids(
        &self,
        seen: Option<&Organization>,
        removed: &dyn Fn(Option<&Aid>, DateTime<Utc>) -> bool,
    ) -> (Vec<(&Option<Aid>, &LastSeen)>, usize) {
        let has_quota =
            |aid: Option<&Aid>| seen.and_then(|seen| seen.place(aid)).and_then(Place::quota).is_some();
        let (mut missing, mut there) = (Vec::new(), 0);
        for (aid, known) in
            self.targets.iter().filter(|(_, known)| known.is_in_sight && known.quota.is_some())
        {
            if has_quota(aid.as_ref()) {
                there += 1;
            } else if !removed(aid.as_ref(), known.at) {
                missing.push((aid, known));
            }
        }
        (missing, there)
    }
}

#[cfg(test)]
mod tests;
