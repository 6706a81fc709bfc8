//! Unused headroom → where it will be needed: a change file that over-allocates nothing and trips no guard.
//!
//! Pure. It keeps each organization's sum, unless units that are not allocated are to be handed out too.
//!
//! What is scarce is shared in two steps: first what the projections lack, then what the headroom lacks. Each group gets in
//! proportion to what it lacks. So nobody gets headroom while another group of the organization would run out.
//!
//! The groups with most to spare give first, so that the file is short. Each of them keeps the largest of four figures:
//!
//! - what it needs, with twice the headroom;
//! - what it used in the billing cycle before this one, with the headroom: a young cycle's projection says little;
//! - a tenth of what the organization's groups have on average;
//! - what it needs, and the units that the API gives to no group: they may be of this one.
//!
//! All limits depend only on what a proposal leaves as it is: use, sums and counts. So there is nothing to propose once one has
//! been applied, unless `max_lowered_percent` cut it short.

mod sentences;

use std::cmp::Reverse;

use crate::config::{Guards, Level};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{
    self, AccountGroup, Aid, OrgId, Organization, Snapshot, Target, Units, UsageRule,
};
use crate::files::csv_cell::inert_clean;
use crate::text::words::grouped;

/// The columns of a proposal, and of the file that undoes a run.
pub(super) const COLUMNS: [&str; 8] =
    ["action", "org_id", "org_name", "aid", "account_group_name", "value", "expected_value", "comment"];

/// A donor keeps this part of what the organization's groups have on average, even if it uses nothing.
const LEAST_KEPT: i128 = 10;

/// What is proposed for one organization, and what there is to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub org_id: OrgId,
    pub org_name: String,
    /// Those who get, worst shortage first; then those who give, most to spare first.
    pub moves: Vec<Move>,
    /// Those who will not have what they should.
    pub short: Vec<ShortGroup>,
    /// What they get besides what others give: units that were not allocated.
    pub from_unallocated: Units,
    /// More groups could give, but lowering so many at once would be held.
    pub too_many_donors: bool,
    /// By how much the groups' sum exceeds the organization's own quota.
    pub over_allocated: Units,
    /// Capped groups that nobody knows the use of.
    pub unknown: usize,
    /// Quotas and usage seem to use different units: nothing can be compared.
    pub mismatched: bool,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub aid: Aid,
    pub account_group_name: String,
    pub before: Units,
    pub after: Units,
    /// The larger of used and projected.
    pub needed: Units,
    /// What it should have: what is needed and the headroom.
    pub wanted: Units,
}

/// A group that stays below what it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShortGroup {
    pub label: String,
    pub lacks: Units,
    /// Not only headroom: it will run out.
    pub runs_out: bool,
}

/// An account group that has a quota, and a use that is known.
struct Group<'a> {
    live: &'a AccountGroup,
    quota: Units,
    needed: Units,
    /// What is needed and the headroom, below which a decrease is warned of.
    wanted: Units,
    /// What it keeps when it gives.
    keeps: Units,
    /// The largest quota that looks like no zero too many.
    max_quota: Units,
}

impl Group<'_> {
    /// With what may be used besides what it is known to need.
    fn keeping_also(self, units: Units) -> Self {
        Self { keeps: self.keeps.max(self.needed.saturating_add(units)), ..self }
    }

    fn spare(&self) -> Units {
        self.quota.saturating_sub(self.keeps)
    }

    /// What its projection lacks, and what its headroom lacks besides; nothing beyond what it may have.
    fn lacks(&self) -> (Units, Units) {
        let wanted = self.wanted.min(self.max_quota).saturating_sub(self.quota).max(0);
        let projection = self.needed.min(self.max_quota).saturating_sub(self.quota).clamp(0, wanted);
        (projection, wanted - projection)
    }

    fn moved_to(&self, after: Units) -> Move {
        Move {
            aid: self.live.aid.clone(),
            account_group_name: self.live.name.to_string(),
            before: self.quota,
            after,
            needed: self.needed,
            wanted: self.wanted,
        }
    }
}

/// What a proposal goes by.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub last_cycle: &'a LastCycle,
    pub guards: &'a Guards,
    pub rule: &'a UsageRule,
}

/// What to move in each organization, in the order of their ids; uncapped groups and those of unknown use stay alone.
pub(crate) fn propose(live: &Snapshot, terms: Terms<'_>) -> Vec<Proposal> {
    live.organizations().iter().map(|seen| propose_within(seen, terms, 0, |_| true)).collect()
}

/// What these account groups of an organization could get: first units that no group has, then what others do not use.
pub(crate) fn propose_for(
    seen: &Organization,
    terms: Terms<'_>,
    is_to_get: impl Fn(&Aid) -> bool,
) -> Proposal {
    // One without a quota of its own has no such limit.
    let quota = seen.own.as_ref().and_then(|own| own.quota);
    let unallocated = quota.map_or(Units::MAX, |quota| quota.saturating_sub(seen.allocated()).max(0));
    propose_within(seen, terms, unallocated, is_to_get)
}

fn propose_within<'s>(
    seen: &'s Organization,
    Terms { last_cycle, guards, rule }: Terms<'_>,
    unallocated: Units,
    is_to_get: impl Fn(&Aid) -> bool,
) -> Proposal {
    let own = seen.own_row();
    let capped: Vec<Units> = seen.account_groups.iter().filter_map(|group| group.quota).collect();
    let mut proposal = Proposal {
        org_id: seen.id.clone(),
        org_name: seen.name.to_string(),
        moves: Vec::new(),
        short: Vec::new(),
        from_unallocated: 0,
        too_many_donors: false,
        over_allocated: own
            .as_ref()
            .and_then(|own| own.quota)
            .map_or(0, |quota| quota::sum(capped.iter().copied()).saturating_sub(quota).max(0)),
        unknown: 0,
        mismatched: own.is_some_and(|own| rule.looks_mismatched(&own)),
    };
    if proposal.mismatched {
        return proposal;
    }
    let sum: i128 = capped.iter().copied().map(i128::from).sum();
    let least_kept = units(sum / i128::try_from(capped.len().max(1)).unwrap_or(1) / LEAST_KEPT);
    let known = |group: &'s AccountGroup| {
        let target = Target { org_id: seen.id.clone(), aid: Some(group.aid.clone()) };
        known_group(group, least_kept, last_cycle.used(&target), &guards.for_target(&target), rule)
    };
    let unattributed = rule.unattributed(seen);
    let groups = seen.account_groups.iter().filter_map(known).map(|group| group.keeping_also(unattributed));
    let groups: Vec<Group<'_>> = groups.collect();
    proposal.unknown = capped.len() - groups.len();

    let is_needy = |group: &&Group<'_>| group.wanted > group.quota && is_to_get(&group.live.aid);
    let mut needy: Vec<&Group<'_>> = groups.iter().filter(is_needy).collect();
    needy.sort_by_key(|group| Reverse(group.wanted.saturating_sub(group.quota)));
    let (projections, headrooms): (Vec<Units>, Vec<Units>) = needy.iter().map(|group| group.lacks()).unzip();
    let lacking = quota::sum(projections.iter().chain(&headrooms).copied());

    let mut donors: Vec<&Group<'_>> = groups.iter().filter(|group| group.spare() > 0).collect();
    donors.sort_by_key(|group| Reverse(group.spare()));
    let limits = guards.for_target(&Target { org_id: proposal.org_id.clone(), aid: None });
    let most = most_donors(&limits, capped.len(), needy.len());
    // With few rows no guard looks at the sum; else it may grow as far as needs no approval.
    let growth = units(sum * i128::from(limits.max_sum_change_percent) / 100);
    let few = limits.floor_rows.saturating_sub(needy.len());
    proposal.from_unallocated = unallocated.min(lacking).min(if few > 0 { Units::MAX } else { growth });
    let most = if proposal.from_unallocated > growth { most.min(few - 1) } else { most };
    let to_move = lacking - proposal.from_unallocated;
    let spare = |donors: &[&Group<'_>]| quota::sum(donors.iter().map(|group| group.spare()));
    proposal.too_many_donors = donors.len() > most && spare(&donors[..most]) < to_move;
    donors.truncate(most);

    let given = spare(&donors).min(to_move);
    let moved = proposal.from_unallocated + given;
    let for_projections = share(moved, &projections);
    let for_headrooms = share(moved - quota::sum(for_projections.iter().copied()), &headrooms);
    for ((group, a), b) in needy.iter().zip(for_projections).zip(for_headrooms) {
        let after = group.quota.saturating_add(a).saturating_add(b);
        if after > group.quota {
            proposal.moves.push(group.moved_to(after));
        }
        if after < group.wanted {
            let label = label(&group.live.name, &group.live.aid);
            let lacks = group.wanted.saturating_sub(after);
            proposal.short.push(ShortGroup { label, lacks, runs_out: after < group.needed });
        }
    }
    let mut left = given;
    for group in donors {
        let given = group.spare().min(left);
        if given > 0 {
            proposal.moves.push(group.moved_to(group.quota - given));
            left -= given;
        }
    }
    proposal
}

fn known_group<'a>(
    group: &'a AccountGroup,
    least_kept: Units,
    used_last_cycle: Option<Units>,
    limits: &Guards,
    rule: &UsageRule,
) -> Option<Group<'a>> {
    let (quota, usage) = (group.quota?, group.usage());
    let needed = rule.needed(&usage)?;
    let wanted = with_headroom(needed, limits.headroom_percent);
    let keeps = with_headroom(needed, limits.headroom_percent.saturating_mul(2)).max(least_kept);
    let keeps = match used_last_cycle.filter(|_| limits.below_last_cycle != Level::Allow) {
        Some(used) => keeps.max(with_headroom(used, limits.headroom_percent)),
        None => keeps,
    };
    // The old quota would allow a larger raise too, but then a second proposal could go on where this one stopped.
    let projected = rule.projected(&usage)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the guard computes this way, and a float cast saturates"
    )]
    let max_quota = (limits.max_raise_factor * projected as f64).floor() as Units;
    Some(Group { live: group, quota, needed, wanted, keeps, max_quota })
}

/// How many of an organization's quotas may be lowered with so many raised, before a guard holds them.
fn most_donors(limits: &Guards, quotas: usize, raised: usize) -> usize {
    let share = quotas.saturating_mul(limits.max_lowered_percent as usize) / 100;
    let below_the_floor = limits.floor_rows.saturating_sub(1).saturating_sub(raised);
    share.max(below_the_floor)
}

/// Shares an amount in proportion to what each wants, to the last unit; nobody gets more than that.
fn share(amount: Units, wants: &[Units]) -> Vec<Units> {
    let total: i128 = wants.iter().copied().map(i128::from).sum();
    if total <= i128::from(amount) {
        return wants.to_vec();
    }
    let part = |want: &Units| i128::from(amount) * i128::from(*want);
    let mut shares: Vec<Units> = wants.iter().map(|want| units(part(want) / total)).collect();
    let left = amount - quota::sum(shares.iter().copied());
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|index| Reverse(part(&wants[*index]) % total));
    for index in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        shares[index] += 1;
    }
    shares
}

/// Whether a group of it has less than it should have.
pub(crate) fn is_lacking(seen: &Organization, guards: &Guards, rule: &UsageRule) -> bool {
    seen.account_groups.iter().any(|group| {
        let target = Target { org_id: seen.id.clone(), aid: Some(group.aid.clone()) };
        let percent = || guards.for_target(&target).headroom_percent;
        let needed = || rule.needed(&group.usage());
        group
            .quota
            .is_some_and(|quota| needed().is_some_and(|needed| with_headroom(needed, percent()) > quota))
    })
}

/// Rounded up, so that the guard finds nothing missing.
pub(crate) fn with_headroom(needed: Units, percent: u32) -> Units {
    units((i128::from(needed) * (100 + i128::from(percent)) + 99) / 100)
}

fn units(exact: i128) -> Units {
    Units::try_from(exact).unwrap_or(Units::MAX)
}

fn label(name: &str, aid: &Aid) -> String {
    if name.is_empty() { aid.to_string() } else { format!("{name} {aid}") }
}

/// The proposals as a change file. `expected_value` lets a row go stale that somebody changed before it was dropped.
pub(crate) fn change_file(proposals: &[Proposal]) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).expect("memory takes every line");
    for proposal in proposals {
        for row in &proposal.moves {
            csv.write_record([
                "assign",
                proposal.org_id.as_str(),
                &inert_clean(&proposal.org_name),
                row.aid.as_str(),
                &inert_clean(&row.account_group_name),
                &row.after.to_string(),
                &row.before.to_string(),
                &row.comment(),
            ])
            .expect("memory takes every line");
        }
    }
    csv.into_inner().expect("memory takes every line")
}

#[cfg(test)]
mod tests;
