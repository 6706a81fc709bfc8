//! Two snapshots → what changed between them, and who changed it.
//!
//! A change that a run's rows explain is that run's; what is left is drift: somebody changed it outside
//! quotakeeper. A target that is no longer visible is not a removal, and a target's first appearance is a baseline.
//! What was missing from answers for a while and returns is compared with what was last known of it, and what most of an
//! organization lacks at once is not believed at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::domain::known::KnownQuotas;
use crate::domain::merge::merge;
use crate::domain::quota::{Aid, OrgId, Organization, Place, Target, Units};

/// By so much a clock may be wrong for a while, before somebody sets it.
pub(crate) const CLOCK_ERROR: TimeDelta = TimeDelta::minutes(15);

/// A quota that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub target: Target,
    /// Of thousands of changes in one organization it is kept once.
    pub org_name: Arc<str>,
    pub account_group_name: Box<str>,
    pub before: Option<Units>,
    pub after: Option<Units>,
    /// When the quota before was last seen.
    pub since: DateTime<Utc>,
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
    /// A run of quotakeeper.
    Run(Box<ByRun>),
    /// Somebody else, between the two snapshots.
    Outside,
}

/// A run of quotakeeper that changed a quota: its read-back confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByRun {
    pub id: String,
    /// The name of its change file; empty where an older version did not note it.
    pub file: String,
    pub comment: String,
    pub at: DateTime<Utc>,
}

impl MadeBy {
    /// The run that made it; none where somebody else did.
    pub(crate) fn run(&self) -> Option<&String> {
        match self {
            Self::Run(run) => Some(&run.id),
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

/// What is known of an organization beyond what two snapshots show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PriorKnowledge {
    /// With the earlier one.
    pub before: KnownQuotas,
    /// The targets that keep their quotas although the later one lacks them.
    pub kept_aids: BTreeSet<Option<Aid>>,
}

/// The quotas that runs took off, or may have.
#[derive(Debug)]
pub(crate) struct Removals<'s>(HashMap<&'s Target, Vec<&'s SentRow>>);

impl<'s> Removals<'s> {
    pub(crate) fn new(sent: &'s [SentRow]) -> Self {
        Self(by_target(sent))
    }

    /// Whether the last that runs did to a target in some time was to take its quota off.
    pub(crate) fn has(&self, target: &Target, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> bool {
        let period = (from - CLOCK_ERROR, to + CLOCK_ERROR);
        let rows = self.0.get(target).map_or(&[][..], Vec::as_slice);
        let last = rows.iter().rfind(|row| may_fall_into(row, period));
        last.is_some_and(|row| row.after.is_none())
    }
}

/// What two snapshots show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diff {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// In the order of the targets; several for one target in the order of time.
    pub changes: Vec<Change>,
    /// Targets that were visible and no longer are.
    pub vanished: Vec<Target>,
    /// Over a fifth of all targets vanished at once: the later snapshot is suspect.
    pub suspect: bool,
}

/// Two snapshots on their way to a diff, organization by organization in the order of their ids.
pub(crate) struct Comparison<'s> {
    period: (DateTime<Utc>, DateTime<Utc>),
    prior: &'s BTreeMap<OrgId, PriorKnowledge>,
    sent: HashMap<&'s Target, Vec<&'s SentRow>>,
    /// The organizations of which runs sent rows, or of which more is known.
    touched: HashSet<&'s OrgId>,
    earlier_rows: usize,
    changes: Vec<Change>,
    vanished: Vec<Target>,
    /// The organizations that lost quotas without a run of ours, and those that got some.
    lost: BTreeSet<OrgId>,
    gained: BTreeSet<OrgId>,
}

impl<'s> Comparison<'s> {
    /// `sent` are the rows that runs sent; those that took effect between the two explain changes.
    pub(crate) fn new(
        period: (DateTime<Utc>, DateTime<Utc>),
        prior: &'s BTreeMap<OrgId, PriorKnowledge>,
        sent: &'s [SentRow],
    ) -> Self {
        Self {
            period,
            prior,
            sent: by_target(sent),
            touched: sent.iter().map(|row| &row.target.org_id).chain(prior.keys()).collect(),
            earlier_rows: 0,
            changes: Vec::new(),
            vanished: Vec::new(),
            lost: BTreeSet::new(),
            gained: BTreeSet::new(),
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
        let known = earlier.or(later).and_then(|seen| self.prior.get(&seen.id));
        let before = earlier.into_iter().flat_map(Organization::places);
        let after = later.into_iter().flat_map(Organization::places);
        for (before, after) in merge(before, after, |a, b| a.aid().cmp(&b.aid())) {
            self.earlier_rows += usize::from(before.is_some());
            let Some(after) = after else {
                self.vanished.extend(before.map(Place::target));
                continue;
            };
            match (known, before) {
                (Some(known), _) if known.kept_aids.contains(&after.aid().cloned()) => {
                    self.vanished.extend(before.filter(|before| before.quota().is_some()).map(Place::target));
                }
                (Some(known), _) => {
                    if let Some(seen) = known.before.last_seen(after.aid()) {
                        self.compare(seen.at, seen.quota, after);
                    }
                }
                (None, before) => {
                    self.note_doubt(before, after);
                    if let Some(before) = before {
                        self.compare(self.period.0, before.quota(), after);
                    }
                }
            }
        }
    }

    /// Takes note of a quota that went or came without a run of ours: what older snapshots showed decides what that means.
    fn note_doubt(&mut self, before: Option<Place<'_>>, after: Place<'_>) {
        let noted = match (before.map(Place::quota), after.quota()) {
            (Some(Some(_)), None) => &mut self.lost,
            (None, _) | (Some(None), Some(_)) => &mut self.gained,
            _ => return,
        };
        let org_id = &after.organization.id;
        if noted.contains(org_id) {
            return;
        }
        let is_ours = || {
            let rows = self.sent.get(&after.target()).map_or(&[][..], Vec::as_slice);
            let explains = |row: &&&SentRow| row.after == after.quota() && may_fall_into(row, self.period);
            rows.iter().any(|row| explains(&row))
        };
        if self.sent.is_empty() || !is_ours() {
            noted.insert(org_id.clone());
        }
    }

    /// The organizations that lost quotas without a run of ours, as far as nothing else is known of them.
    pub(crate) fn organizations_with_losses(&self) -> &BTreeSet<OrgId> {
        &self.lost
    }

    /// Those of which older snapshots decide what the two mean.
    pub(crate) fn unsure_organizations(&self) -> BTreeSet<OrgId> {
        self.lost.union(&self.gained).cloned().collect()
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
            fell.extend(just_missed(sent, period, quotas));
        }
        steps((from, before), after, &fell, &mut self.changes);
    }

    pub(crate) fn finish(self) -> Diff {
        let Self { period: (from, to), mut changes, vanished, earlier_rows, .. } = self;
        changes.sort_by(|a, b| a.target.cmp(&b.target));
        let suspect = vanished.len() * 5 > earlier_rows;
        Diff { from, to, changes, vanished, suspect }
    }
}

/// The rows of each target, in the order of sending.
fn by_target(sent: &[SentRow]) -> HashMap<&Target, Vec<&SentRow>> {
    let mut by_target: HashMap<&Target, Vec<&SentRow>> = HashMap::new();
    for row in sent {
        by_target.entry(&row.target).or_default().push(row);
    }
    for rows in by_target.values_mut() {
        rows.sort_by_key(|row| row.sent);
    }
    by_target
}

/// Whether a row can have taken effect between two snapshots. Those know their time to the second.
fn may_fall_into(row: &SentRow, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> bool {
    row.sent.trunc_subsecs(0) <= to && row.verified.is_none_or(|at| at.trunc_subsecs(0) >= from)
}

/// The row that made exactly this change and by its time just missed the two snapshots: one of the three has a wrong time.
fn just_missed<'r>(
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
    let first = rows.iter().rposition(|row| reflects(quotas[0], from, row)).map_or(0, |last| last + 1);
    let mut shown = quotas[1];
    let mut fell = Vec::new();
    for row in rows[first..].iter().rev() {
        if reflects(shown, to, row) {
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
fn reflects(quota: Option<Units>, at: DateTime<Utc>, row: &SentRow) -> bool {
    let verified = row.verified.map(|at| at.trunc_subsecs(0));
    row.sent.trunc_subsecs(0) <= at
        && (quota == row.after
            || verified.is_some_and(|verified| verified < at || (verified == at && quota != row.before)))
}

/// Walks from the earlier quota to the later one over the rows that runs sent; each gap is somebody else's.
fn steps(
    (since, before): (DateTime<Utc>, Option<Units>),
    later: Place<'_>,
    rows: &[&SentRow],
    changes: &mut Vec<Change>,
) {
    let org_name = |of: Place<'_>, last: Option<&Change>| match last {
        Some(last) if *last.org_name == *of.org_name() => Arc::clone(&last.org_name),
        _ => of.org_name().into(),
    };
    let mut quota = before;
    let mut step = |to: Option<Units>, made_by: MadeBy| {
        if quota != to {
            changes.push(Change {
                target: later.target(),
                org_name: org_name(later, changes.last()),
                account_group_name: later.account_group_name().into(),
                before: quota,
                after: to,
                since,
                made_by,
            });
            quota = to;
        }
    };
    for row in rows {
        step(row.before, MadeBy::Outside);
        let SentRow { run, file, comment, sent, verified, .. } = row;
        let at = verified.unwrap_or(*sent);
        let run = ByRun { id: run.clone(), file: file.clone(), comment: comment.clone(), at };
        step(row.after, MadeBy::Run(Box::new(run)));
    }
    step(later.quota(), MadeBy::Outside);
}

#[cfg(test)]
mod tests;
