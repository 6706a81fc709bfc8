//! Two snapshots → what changed between them, and who changed it.
//!
//! A change that a run's rows explain is that run's; what is left is drift: somebody changed it outside
//! quotakeeper. A target that is no longer visible is not a removal, and a target's first appearance is a baseline.
//! What was missing from answers for a while and returns is compared with what was last known of it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::domain::merge::merge;
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Target, Units};

/// By so much a clock may be wrong for a while, before somebody sets it.
pub(crate) const CLOCK_ERROR: TimeDelta = TimeDelta::minutes(15);

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

impl Change {
    /// The name that a person knows the target by: its own, else its id.
    pub(crate) fn name(&self) -> &str {
        self.target.name(&self.org_name, &self.account_group_name)
    }
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

impl MadeBy {
    /// The run that made it; none where somebody else did.
    pub(crate) fn run(&self) -> Option<&String> {
        match self {
            Self::Run { id, .. } => Some(id),
            Self::Outside => None,
        }
    }
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

/// Two snapshots on their way to a diff, organization by organization in the order of their ids.
pub(crate) struct Comparison<'s> {
    period: (DateTime<Utc>, DateTime<Utc>),
    last_seen: &'s HashMap<Target, LastSeen>,
    sent: HashMap<&'s Target, Vec<&'s SentRow>>,
    /// The organizations whose quotas runs may have changed in this time.
    ours: HashSet<&'s OrgId>,
    /// The organizations of which runs sent rows, or of which a target returned.
    touched: HashSet<&'s OrgId>,
    earlier_rows: usize,
    changes: Vec<Change>,
    vanished: Vec<Target>,
    returned: HashSet<Target>,
}

impl<'s> Comparison<'s> {
    /// `sent` are the rows that runs sent; those that took effect between the two explain changes. `last_seen` are targets that
    /// returned: they are compared with what was known of them then.
    pub(crate) fn new(
        period: (DateTime<Utc>, DateTime<Utc>),
        last_seen: &'s HashMap<Target, LastSeen>,
        sent: &'s [SentRow],
    ) -> Self {
        let mut by_target: HashMap<&Target, Vec<&SentRow>> = HashMap::new();
        for row in sent {
            by_target.entry(&row.target).or_default().push(row);
        }
        for rows in by_target.values_mut() {
            rows.sort_by_key(|row| row.sent);
        }
        Self {
            period,
            last_seen,
            sent: by_target,
            ours: ours(sent, period),
            touched: sent
                .iter()
                .map(|row| &row.target)
                .chain(last_seen.keys())
                .map(|target| &target.org_id)
                .collect(),
            earlier_rows: 0,
            changes: Vec::new(),
            vanished: Vec::new(),
            returned: HashSet::new(),
        }
    }

    /// Whether an organization has to be compared even where both snapshots show the same of it.
    pub(crate) fn is_always_compared(&self, org_id: &OrgId) -> bool {
        self.touched.contains(org_id)
    }

    /// Takes note of so many rows of an organization that are the same in both.
    pub(crate) fn add_same(&mut self, rows: usize) {
        self.earlier_rows += rows;
    }

    /// Compares what the two snapshots show of the next organization; none where one of them does not show it.
    pub(crate) fn add(&mut self, earlier: Option<&Organization>, later: Option<&Organization>) {
        let hidden = is_hidden(earlier, later, &self.ours);
        let is_back = has_quota(later) && !has_quota(earlier);
        let before = earlier.into_iter().flat_map(Organization::places);
        let after = later.into_iter().flat_map(Organization::places);
        for (before, after) in merge(before, after, |a, b| a.aid().cmp(&b.aid())) {
            self.earlier_rows += usize::from(before.is_some());
            let Some(after) = after else {
                self.vanished.extend(before.map(Place::target));
                continue;
            };
            let known = if self.last_seen.is_empty() { None } else { self.last_seen.get(&after.target()) };
            match before {
                Some(before) if before.quota().is_some() && hidden => self.vanished.push(before.target()),
                Some(before) if known.is_none() => self.compare(self.period.0, before.quota(), after),
                _ => {}
            }
            if before.is_none() || is_back {
                self.returned.insert(after.target());
            }
            if let Some(seen) = known {
                self.compare(seen.at, seen.quota, after);
            }
        }
    }

    fn compare(&mut self, from: DateTime<Utc>, before: Option<Units>, after: Place<'_>) {
        let sent = if self.sent.is_empty() { None } else { self.sent.get(&after.target()) };
        if sent.is_none() && before == after.quota() {
            return;
        }
        let period = (from, self.period.1);
        let sent = sent.map_or(&[][..], Vec::as_slice);
        let quotas = [before, after.quota()];
        let rows: Vec<&SentRow> = sent.iter().copied().filter(|row| may_fall_into(row, period)).collect();
        let mut fell = fell_into(&rows, period, quotas);
        if fell.is_empty() {
            fell.extend(beside(sent, period, quotas));
        }
        steps(before, after, &fell, &mut self.changes);
    }

    /// The targets that the earlier snapshot does not show, or only without any quota of their organization, and the later one
    /// does. Each appears for the first time, or returns.
    pub(crate) fn returned(&self) -> &HashSet<Target> {
        &self.returned
    }

    pub(crate) fn finish(self) -> Diff {
        let Self { period: (from, to), mut changes, vanished, earlier_rows, .. } = self;
        changes.sort_by(|a, b| a.target.cmp(&b.target));
        let suspect = vanished.len() * 5 > earlier_rows;
        Diff { from, to, changes, vanished, suspect }
    }
}

/// Looks for targets that returned in an older snapshot, before they went: `next` is the snapshot after it. Those whose end
/// it shows are taken out of `open`, with what was known of them unless a run of ours took the quotas off.
pub(crate) fn last_seen(
    open: &mut HashSet<Target>,
    older: &Snapshot,
    next: &Snapshot,
    sent: impl FnOnce() -> Vec<SentRow>,
) -> Vec<(Target, LastSeen)> {
    let (there, rest) = open
        .drain()
        .partition(|target| has_quota(older.organization(&target.org_id)) && older.place(target).is_some());
    *open = rest;
    let there: HashSet<Target> = there;
    if there.is_empty() {
        return Vec::new();
    }
    let sent = sent();
    let ours = ours(&sent, (older.taken_at, next.taken_at));
    let went = |target: &Target| {
        let [older, later] = [older, next].map(|seen| seen.organization(&target.org_id));
        next.place(target).is_none() || is_hidden(older, later, &ours)
    };
    let known = |target: Target| {
        let quota = older.row(&target)?.quota;
        Some((target, LastSeen { at: older.taken_at, quota }))
    };
    there.into_iter().filter(went).filter_map(known).collect()
}

fn has_quota(seen: Option<&Organization>) -> bool {
    seen.is_some_and(Organization::has_quota)
}

fn ours(sent: &[SentRow], period: (DateTime<Utc>, DateTime<Utc>)) -> HashSet<&OrgId> {
    let ours = sent.iter().filter(|row| may_fall_into(row, period));
    ours.map(|row| &row.target.org_id).collect()
}

/// Whether an organization's quotas all went at once although no run took one off. The API leaves out what the token may no
/// longer edit: that is no removal.
fn is_hidden(earlier: Option<&Organization>, later: Option<&Organization>, ours: &HashSet<&OrgId>) -> bool {
    has_quota(earlier) && !has_quota(later) && earlier.is_some_and(|earlier| !ours.contains(&earlier.id))
}

/// Whether a row can have taken effect between two snapshots. Those know their time to the second.
fn may_fall_into(row: &SentRow, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> bool {
    row.sent.trunc_subsecs(0) <= to && row.verified.is_none_or(|at| at.trunc_subsecs(0) >= from)
}

/// The row that made exactly this change and by its time just missed the two snapshots: one of the three has a wrong time.
fn beside<'r>(
    rows: &[&'r SentRow],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    [before, after]: [Option<Units>; 2],
) -> Option<&'r SentRow> {
    let made_it = |row: &&&SentRow| (row.before, row.after) == (before, after) && before != after;
    let period = (from - CLOCK_ERROR, to + CLOCK_ERROR);
    rows.iter().filter(made_it).rfind(|row| may_fall_into(row, period)).copied()
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

/// Whether a quota that a snapshot showed at a time has a row in it. Where the times leave that open, the quota decides: what
/// the row asked for, it shows; and of a row that was read back in the very second of the snapshot anything but the value
/// before it came after it.
fn shows(quota: Option<Units>, at: DateTime<Utc>, row: &SentRow) -> bool {
    let verified = row.verified.map(|at| at.trunc_subsecs(0));
    row.sent.trunc_subsecs(0) <= at
        && (quota == row.after
            || verified.is_some_and(|verified| verified < at || (verified == at && quota != row.before)))
}

/// Walks from the earlier quota to the later one over the rows that runs sent; each gap is somebody else's.
fn steps(before: Option<Units>, later: Place<'_>, rows: &[&SentRow], changes: &mut Vec<Change>) {
    let mut quota = before;
    let mut step = |to: Option<Units>, made_by: MadeBy| {
        if quota != to {
            changes.push(Change {
                target: later.target(),
                org_name: later.org_name().to_owned(),
                account_group_name: later.account_group_name().to_owned(),
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
    step(later.quota(), MadeBy::Outside);
}

#[cfg(test)]
mod tests;
