//! Two snapshots compared, with a look further back for what may only be missing from an answer.
//!
//! An answer may leave out an organization, an account group, or most of the quotas, for a while. What was last known of them is in
//! older snapshots. They are read where two snapshots leave open what became of a quota, of the organizations alone that have it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::change::explains;
use crate::domain::diff::{Comparison, Diff, PriorKnowledge, Removals, SentRow};
use crate::domain::known::{BELIEVED_AFTER, KnownQuotas};
use crate::domain::merge::merge;
use crate::domain::quota::{Aid, OrgId, Organization, Target};
use crate::history::{Block, History, left_out};

/// So many older snapshots are opened, and so many bytes of them, besides those by which an answer is believed. What is not found
/// there is a first appearance, unless its whole organization is not: that may be out of sight for months.
const MOST_SNAPSHOTS: usize = 100;
const MOST_BYTES: u64 = 512 << 20;

/// What changed between two snapshots of the history, and who changed it. Both are read organization by organization.
pub(crate) fn compare(
    history: &History,
    runs: &Path,
    earlier: DateTime<Utc>,
    later: DateTime<Utc>,
) -> anyhow::Result<Diff> {
    let sent = explains::sent_rows(runs, earlier)?;
    let nothing_known = BTreeMap::new();
    let comparison = compare_blocks(history, (earlier, later), &nothing_known, &sent)?;
    let older = OlderSnapshots { history, runs, moments: history.list()? };
    let mut unsure = comparison.unsure_organizations();
    unsure.extend(older.believed_since(earlier, later));
    if unsure.is_empty() {
        return Ok(comparison.finish());
    }
    drop(comparison); // Where most of a large answer is missing it holds a change for each.
    let (prior, sent) = older.prior(&unsure, earlier, later)?;
    Ok(compare_blocks(history, (earlier, later), &prior, &sent)?.finish())
}

/// Of these organizations, the targets that keep their quotas although a snapshot lacks them.
pub(crate) fn kept_targets(
    history: &History,
    runs: &Path,
    of: &BTreeSet<OrgId>,
    at: DateTime<Utc>,
) -> anyhow::Result<HashSet<Target>> {
    let older = OlderSnapshots { history, runs, moments: history.list()? };
    let moments = older.moments(at);
    let sent = explains::sent_rows(runs, moments.first().copied().unwrap_or(at))?;
    let removals = Removals::new(&sent);
    let follower = older.follow(of, &moments, &removals);
    let kept = follower.kept_aids(at, &history.organizations_only(at, of)?);
    let targets = kept
        .into_iter()
        .flat_map(|(org_id, aids)| aids.into_iter().map(move |aid| Target { org_id: org_id.clone(), aid }));
    Ok(targets.collect())
}

fn compare_blocks<'s>(
    history: &History,
    (earlier, later): (DateTime<Utc>, DateTime<Utc>),
    prior: &'s BTreeMap<OrgId, PriorKnowledge>,
    sent: &'s [SentRow],
) -> anyhow::Result<Comparison<'s>> {
    let mut comparison = Comparison::new((earlier, later), prior, sent);
    let in_order = |a: &anyhow::Result<Block>, b: &anyhow::Result<Block>| match (a, b) {
        (Ok(a), Ok(b)) => a.id().cmp(b.id()),
        _ => Ordering::Equal, // an error ends it, whatever stands beside it
    };
    for (before, after) in merge(history.blocks(earlier)?, history.blocks(later)?, in_order) {
        let (before, after) = (before.transpose()?, after.transpose()?);
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) if !comparison.is_always_compared(before.id()) => {
                if before.is_same(&after) {
                    comparison.add_same(before.rows());
                    continue;
                }
                let (before, after, same) = before.without_same_rows(after);
                comparison.add_same(same);
                (Some(before), Some(after))
            }
            both => both,
        };
        let before = before.map(|block| history.organization(earlier, block)).transpose()?;
        let after = after.map(|block| history.organization(later, block)).transpose()?;
        comparison.add(before.as_ref(), after.as_ref());
    }
    Ok(comparison)
}

/// The snapshots before those that are compared.
struct OlderSnapshots<'h> {
    history: &'h History,
    runs: &'h Path,
    /// Earliest first.
    moments: Vec<DateTime<Utc>>,
}

impl OlderSnapshots<'_> {
    /// The last snapshot that was a day old at a moment; the first of all where none was.
    fn day_old(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let old = self.moments.partition_point(|other| *other <= at - BELIEVED_AFTER);
        self.moments.get(old.saturating_sub(1)).copied().filter(|old| *old < at)
    }

    /// The organizations that lost quotas so long ago that the later of two snapshots is believed and the earlier one was not yet.
    fn believed_since(&self, earlier: DateTime<Utc>, later: DateTime<Utc>) -> BTreeSet<OrgId> {
        let (Some(before), Some(after)) = (self.day_old(earlier), self.day_old(later)) else {
            return BTreeSet::new();
        };
        if before == after {
            return BTreeSet::new();
        }
        let lost = compare_blocks(self.history, (before, after), &BTreeMap::new(), &[])
            .map(|seen| seen.organizations_with_losses().clone());
        lost.unwrap_or_else(|error| {
            left_out(&error);
            BTreeSet::new()
        })
    }

    /// The snapshots before a moment that say what was known then, earliest first.
    fn moments(&self, at: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
        let before = &self.moments[..self.moments.partition_point(|other| *other < at)];
        let mut bytes = 0;
        let is_within = |at: &&DateTime<Utc>| {
            bytes += fs_err::metadata(self.history.path(**at)).map_or(0, |file| file.len());
            bytes <= MOST_BYTES
        };
        let newest = before.iter().rev().take(MOST_SNAPSHOTS).take_while(is_within).copied();
        newest.chain(self.day_old(at)).collect()
    }

    /// What is known of organizations beyond two snapshots, and the rows that runs sent since that begins.
    fn prior(
        &self,
        of: &BTreeSet<OrgId>,
        earlier: DateTime<Utc>,
        later: DateTime<Utc>,
    ) -> anyhow::Result<(BTreeMap<OrgId, PriorKnowledge>, Vec<SentRow>)> {
        let mut moments = self.moments(earlier);
        let mut since: BTreeSet<DateTime<Utc>> = self.moments(later);
        moments.extend(self.day_old(later).filter(|at| *at < earlier));
        since.retain(|at| *at > earlier);
        let sent = explains::sent_rows(self.runs, moments.first().copied().unwrap_or(earlier))?;
        let removals = Removals::new(&sent);
        let mut follower = self.follow(of, &moments, &removals);
        follower.observe(earlier, &self.history.organizations_only(earlier, of)?);
        let shown = self.history.organizations_only(later, of)?;
        let mut kept_aids = if since.is_empty() {
            follower.kept_aids(later, &shown)
        } else {
            let mut further = Follower { known: follower.known.clone(), removals: &removals };
            self.observe_all(&mut further, of, &since);
            further.kept_aids(later, &shown)
        };
        let known = |(org_id, before): (OrgId, KnownQuotas)| {
            let kept_aids = kept_aids.remove(&org_id).unwrap_or_default();
            (org_id, PriorKnowledge { before, kept_aids })
        };
        let prior = follower.known.into_iter().map(known).collect();
        Ok((prior, sent))
    }

    /// What some snapshots say of organizations, as far as they can be read.
    fn follow<'r>(
        &self,
        of: &BTreeSet<OrgId>,
        moments: &BTreeSet<DateTime<Utc>>,
        removals: &'r Removals<'r>,
    ) -> Follower<'r> {
        let known = of.iter().map(|org_id| (org_id.clone(), KnownQuotas::default())).collect();
        let mut follower = Follower { known, removals };
        self.observe_all(&mut follower, of, moments);
        let is_unseen = |(_, known): &(&OrgId, &KnownQuotas)| !known.has_quota();
        let unseen: BTreeSet<OrgId> =
            follower.known.iter().filter(is_unseen).map(|(org_id, _)| org_id.clone()).collect();
        if let Some(last) = moments.first().and_then(|first| self.last_sight(&unseen, *first)) {
            match self.follow_from(&unseen, last, moments) {
                Ok(known) => follower.known.extend(known),
                Err(error) => left_out(&error),
            }
        }
        follower
    }

    /// What is known of organizations that were out of sight for longer than some snapshots reach.
    fn follow_from(
        &self,
        of: &BTreeSet<OrgId>,
        last: DateTime<Utc>,
        moments: &BTreeSet<DateTime<Utc>>,
    ) -> anyhow::Result<BTreeMap<OrgId, KnownQuotas>> {
        let sent = explains::sent_rows(self.runs, last)?;
        let removals = Removals::new(&sent);
        let known = of.iter().map(|org_id| (org_id.clone(), KnownQuotas::default())).collect();
        let mut follower = Follower { known, removals: &removals };
        let moments = [last].into_iter().chain(moments.iter().copied()).collect();
        self.observe_all(&mut follower, of, &moments);
        Ok(follower.known)
    }

    /// A snapshot before a moment that shows quotas of some of these organizations where the next one shows none: found in steps that
    /// double and then halve, so that of hundreds about ten are read.
    fn last_sight(&self, of: &BTreeSet<OrgId>, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if of.is_empty() {
            return None;
        }
        let shows = |index: usize| {
            let seen = self.history.only_or_warn(self.moments[index], of);
            seen.is_some_and(|seen| seen.iter().any(Organization::has_quota))
        };
        let mut without = self.moments.partition_point(|at| *at < before);
        let (mut step, mut with) = (1, without.checked_sub(1)?);
        while !shows(with) {
            without = with;
            with = with.checked_sub(step).or_else(|| (with > 0).then_some(0))?;
            step *= 2;
        }
        while without - with > 1 {
            let middle = with.midpoint(without);
            if shows(middle) {
                with = middle;
            } else {
                without = middle;
            }
        }
        Some(self.moments[with])
    }

    fn observe_all(
        &self,
        follower: &mut Follower<'_>,
        of: &BTreeSet<OrgId>,
        moments: &BTreeSet<DateTime<Utc>>,
    ) {
        for at in moments {
            if let Some(shown) = self.history.only_or_warn(*at, of) {
                follower.observe(*at, &shown);
            }
        }
    }
}

/// Some organizations, followed from snapshot to snapshot.
struct Follower<'r> {
    known: BTreeMap<OrgId, KnownQuotas>,
    removals: &'r Removals<'r>,
}

impl Follower<'_> {
    fn observe(&mut self, at: DateTime<Utc>, shown: &[Organization]) {
        for (org_id, known) in &mut self.known {
            known.observe(find_organization(shown, org_id), at, &|aid, since| {
                removed(self.removals, (org_id, aid), (since, at))
            });
        }
    }

    /// The targets of each that keep their quotas.
    fn kept_aids(&self, at: DateTime<Utc>, shown: &[Organization]) -> BTreeMap<OrgId, BTreeSet<Option<Aid>>> {
        let kept = |(org_id, known): (&OrgId, &KnownQuotas)| {
            let removed = |aid: Option<&Aid>, since| removed(self.removals, (org_id, aid), (since, at));
            (org_id.clone(), known.kept_aids(find_organization(shown, org_id), at, &removed))
        };
        self.known.iter().map(kept).collect()
    }
}

/// They are in the order of their ids.
fn find_organization<'s>(shown: &'s [Organization], org_id: &OrgId) -> Option<&'s Organization> {
    let index = shown.binary_search_by(|seen| seen.id.cmp(org_id)).ok()?;
    shown.get(index)
}

fn removed(
    removals: &Removals<'_>,
    (org_id, aid): (&OrgId, Option<&Aid>),
    period: (DateTime<Utc>, DateTime<Utc>),
) -> bool {
    removals.has(&Target { org_id: org_id.clone(), aid: aid.cloned() }, period)
}

#[cfg(test)]
mod tests;
