//! Two snapshots → what changed between them, and who changed it.
//!
//! A change that a run's rows explain is that run's; what is left is drift: somebody changed it outside
//! quotakeeper. A target that is no longer visible is not a removal, and a target's first appearance is a baseline.
//! What was missing from answers for a while and returns is compared with what was last known of it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};

use crate::domain::quota::{OrgId, Snapshot, SnapshotRow, Target, Units};

/// A quota that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub target: Target,
    pub org_name: String,
    pub account_group_name: String,
    pub before: Option<Units>,
    pub after: Option<Units>,
    pub made_by: MadeBy,
}

/// Who changed a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// A run of quotakeeper, whose read-back confirmed it.
    Run {
        id: String,
        /// The name of its change file; empty where an older version did not note it.
        file: String,
        comment: String,
        at: DateTime<Utc>,
    },
    /// Somebody else, between the two snapshots.
    Outside,
}

/// A row that a run sent: what explains a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentRow {
    pub run: String,
    /// The name of its change file.
    pub file: String,
    pub target: Target,
    pub before: Option<Units>,
    pub after: Option<Units>,
    pub comment: String,
    /// When it was first sent.
    pub sent: DateTime<Utc>,
    /// When it read back as asked; none as long as it did not, such as in a run that was interrupted.
    pub verified: Option<DateTime<Utc>>,
}

/// What was last known of a target that the earlier snapshot does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastSeen {
    pub at: DateTime<Utc>,
    pub quota: Option<Units>,
}

/// What two snapshots show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diff {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// In the order of the targets; several for one target in the order of time.
    pub changes: Vec<Change>,
    /// Targets that were visible and are not any more.
    pub vanished: Vec<Target>,
    /// Over a fifth of all targets vanished at once: the later snapshot is suspect.
    pub suspect: bool,
}

/// Compares two snapshots. `sent` are the rows that runs sent; those that took effect between the two explain changes.
/// `last_seen` are targets that returned: they are compared with what was known of them then.
pub(crate) fn diff(
    earlier: &Snapshot,
    later: &Snapshot,
    last_seen: &HashMap<Target, LastSeen>,
    sent: &[SentRow],
) -> Diff {
    let period = (earlier.taken_at, later.taken_at);
    let mut explained: HashMap<&Target, Vec<&SentRow>> = HashMap::new();
    for row in sent {
        explained.entry(&row.target).or_default().push(row);
    }
    for rows in explained.values_mut() {
        rows.sort_by_key(|row| row.sent);
    }
    let hidden = hidden(earlier, later, sent);
    let mut changes = Vec::new();
    let mut compare = |from: DateTime<Utc>, before: Option<Units>, after: &SnapshotRow| {
        let period = (from, later.taken_at);
        let mut rows = explained.get(&after.target).cloned().unwrap_or_default();
        rows.retain(|row| may_fall_into(row, period));
        steps(before, after, &fell_into(&rows, period, [before, after.quota]), &mut changes);
    };
    let mut vanished = Vec::new();
    for before in earlier.rows() {
        match later.row(&before.target) {
            Some(_) if before.quota.is_some() && hidden.contains(&before.target.org_id) => {
                vanished.push(before.target);
            }
            Some(_) if last_seen.contains_key(&before.target) => {}
            Some(after) => compare(period.0, before.quota, &after),
            None => vanished.push(before.target),
        }
    }
    for (target, seen) in last_seen {
        if let Some(after) = later.row(target) {
            compare(seen.at, seen.quota, &after);
        }
    }
    changes.sort_by(|a, b| a.target.cmp(&b.target));
    let suspect = vanished.len() * 5 > earlier.row_count();
    Diff { from: earlier.taken_at, to: later.taken_at, changes, vanished, suspect }
}

/// The targets that the earlier snapshot does not show, or only without any quota of their organization, and the later one
/// does. Each appears for the first time, or returns.
pub(crate) fn returned(earlier: &Snapshot, later: &Snapshot) -> HashSet<Target> {
    let (before, now) = (with_quotas(earlier), with_quotas(later));
    let is_back = |org_id: &OrgId| now.contains(org_id) && !before.contains(org_id);
    let rows = later.rows();
    let new = rows.filter(|row| is_back(&row.target.org_id) || earlier.place(&row.target).is_none());
    new.map(|row| row.target).collect()
}

/// Looks for targets that returned in an older snapshot, before they went: `next` is the snapshot after it. Those whose end
/// it shows are taken out of `open`, with what was known of them unless a run of ours took the quotas off.
pub(crate) fn last_seen(
    open: &mut HashSet<Target>,
    older: &Snapshot,
    next: &Snapshot,
    sent: impl FnOnce() -> Vec<SentRow>,
) -> Vec<(Target, LastSeen)> {
    let with = with_quotas(older);
    let (there, rest) =
        open.drain().partition(|target| with.contains(&target.org_id) && older.place(target).is_some());
    *open = rest;
    let there: HashSet<Target> = there;
    if there.is_empty() {
        return Vec::new();
    }
    let hidden = hidden(older, next, &sent());
    let went = |target: &Target| next.place(target).is_none() || hidden.contains(&target.org_id);
    let known = |target: Target| {
        let quota = older.row(&target)?.quota;
        Some((target, LastSeen { at: older.taken_at, quota }))
    };
    there.into_iter().filter(went).filter_map(known).collect()
}

/// The organizations in which anything has a quota.
fn with_quotas(snapshot: &Snapshot) -> HashSet<OrgId> {
    let organizations = snapshot.organizations().iter().filter(|organization| organization.has_quota());
    organizations.map(|organization| organization.id.clone()).collect()
}

/// The organizations whose quotas all went at once although no run took one off. The API leaves out what the token may no
/// longer edit: that is no removal.
fn hidden(earlier: &Snapshot, later: &Snapshot, sent: &[SentRow]) -> HashSet<OrgId> {
    let period = (earlier.taken_at, later.taken_at);
    let ours = sent.iter().filter(|row| may_fall_into(row, period));
    let ours: HashSet<&OrgId> = ours.map(|row| &row.target.org_id).collect();
    let mut hidden = with_quotas(earlier);
    let still = with_quotas(later);
    hidden.retain(|org_id| !still.contains(org_id) && !ours.contains(org_id));
    hidden
}

/// Whether a row can have taken effect between two snapshots. Those know their time to the second.
fn may_fall_into(row: &SentRow, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> bool {
    row.sent.trunc_subsecs(0) <= to && row.verified.is_none_or(|at| at.trunc_subsecs(0) >= from)
}

/// Which of a target's rows did, in the order of sending: those that the later snapshot shows and the earlier one does not.
fn fell_into<'r>(
    rows: &[&'r SentRow],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    quotas: [Option<Units>; 2],
) -> Vec<&'r SentRow> {
    let first = rows.iter().rposition(|row| shows(quotas[0], from, row)).map_or(0, |last| last + 1);
    let mut shown = quotas[1];
    let mut fell = Vec::new();
    for row in rows[first..].iter().rev() {
        if shows(shown, to, row) {
            shown = row.before;
            fell.push(*row);
        }
    }
    fell.reverse();
    fell
}

/// Whether a quota that a snapshot showed at a time has a row in it. Where the times leave that open, the quota tells: what
/// the row asked for, it shows; and of a row that was read back in the very second of the snapshot anything but the value
/// before it came after it.
fn shows(quota: Option<Units>, at: DateTime<Utc>, row: &SentRow) -> bool {
    let verified = row.verified.map(|at| at.trunc_subsecs(0));
    row.sent.trunc_subsecs(0) <= at
        && (quota == row.after
            || verified.is_some_and(|verified| verified < at || (verified == at && quota != row.before)))
}

/// Walks from the earlier quota to the later one over the rows that runs sent; each gap is somebody else's.
fn steps(before: Option<Units>, later: &SnapshotRow, rows: &[&SentRow], changes: &mut Vec<Change>) {
    let mut quota = before;
    let mut step = |to: Option<Units>, made_by: MadeBy| {
        if quota != to {
            changes.push(Change {
                target: later.target.clone(),
                org_name: later.org_name.clone().into_owned(),
                account_group_name: later.account_group_name.clone().into_owned(),
                before: quota,
                after: to,
                made_by,
            });
            quota = to;
        }
    };
    for row in rows {
        step(row.before, MadeBy::Outside);
        let at = row.verified.unwrap_or(row.sent);
        step(
            row.after,
            MadeBy::Run { id: row.run.clone(), file: row.file.clone(), comment: row.comment.clone(), at },
        );
    }
    step(later.quota, MadeBy::Outside);
}

#[cfg(test)]
mod tests;
