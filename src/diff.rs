//! Two snapshots → what changed between them, and who changed it.
//!
//! A change that a run's rows explain is that run's; what is left is drift: somebody changed it outside
//! quotakeeper. A target that is no longer visible is not a removal, and a target's first appearance is a baseline.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};

use crate::quota::{OrgId, Snapshot, SnapshotRow, Target, Units};

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
pub(crate) fn diff(earlier: &Snapshot, later: &Snapshot, sent: &[SentRow]) -> Diff {
    let period = (earlier.taken_at, later.taken_at);
    let mut explained: HashMap<&Target, Vec<&SentRow>> = HashMap::new();
    for row in sent.iter().filter(|row| may_fall_into(row, period)) {
        explained.entry(&row.target).or_default().push(row);
    }
    for rows in explained.values_mut() {
        rows.sort_by_key(|row| row.sent);
    }
    let hidden = hidden(earlier, later, &explained);
    let mut changes = Vec::new();
    let mut vanished = Vec::new();
    for before in earlier.rows() {
        match later.row(&before.target) {
            Some(_) if before.quota.is_some() && hidden.contains(&before.target.org_id) => {
                vanished.push(before.target.clone());
            }
            Some(after) => {
                let rows = explained.remove(&before.target).unwrap_or_default();
                let rows = fell_into(&rows, period, [before.quota, after.quota]);
                steps(before, after, &rows, &mut changes);
            }
            None => vanished.push(before.target.clone()),
        }
    }
    let suspect = vanished.len() * 5 > earlier.rows().len();
    Diff { from: earlier.taken_at, to: later.taken_at, changes, vanished, suspect }
}

/// The organizations whose quotas all went at once although no run took one off. The API leaves out what the token may no
/// longer edit: that is no removal.
fn hidden(
    earlier: &Snapshot,
    later: &Snapshot,
    explained: &HashMap<&Target, Vec<&SentRow>>,
) -> HashSet<OrgId> {
    let with_quotas = |snapshot: &Snapshot| -> HashSet<OrgId> {
        let rows = snapshot.rows().iter().filter(|row| row.quota.is_some());
        rows.map(|row| row.target.org_id.clone()).collect()
    };
    let ours: HashSet<&OrgId> = explained.keys().map(|target| &target.org_id).collect();
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
fn steps(earlier: &SnapshotRow, later: &SnapshotRow, rows: &[&SentRow], changes: &mut Vec<Change>) {
    let mut quota = earlier.quota;
    let mut step = |to: Option<Units>, made_by: MadeBy| {
        if quota != to {
            changes.push(Change {
                target: later.target.clone(),
                org_name: later.org_name.clone(),
                account_group_name: later.account_group_name.clone(),
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
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-22T{hour:02}:00:00Z").parse().unwrap()
    }

    fn snapshot(hour: u32, quotas: &[(&str, Option<Units>)]) -> Snapshot {
        let rows = quotas.iter().map(|(aid, quota)| SnapshotRow {
            quota: *quota,
            ..SnapshotRow::new(Target::account_group("1", *aid))
        });
        Snapshot::new(at(hour), rows.collect())
    }

    /// Sent and read back at these moments.
    fn sent(sent: &str, verified: Option<&str>, before: Option<Units>, after: Option<Units>) -> SentRow {
        SentRow {
            run: "run".into(),
            target: Target::account_group("1", "1"),
            before,
            after,
            file: "q4.csv".into(),
            comment: "why".into(),
            sent: sent.parse().unwrap(),
            verified: verified.map(|at| at.parse().unwrap()),
        }
    }

    fn half_past_eight(before: Option<Units>, after: Option<Units>) -> SentRow {
        sent("2026-11-22T08:30:00Z", Some("2026-11-22T08:30:01Z"), before, after)
    }

    /// What is told of a quota that was this at eight, at nine and at ten.
    fn history(eight: Units, nine: Units, ten: Units, rows: &[SentRow]) -> [Vec<String>; 2] {
        let seen = |hour, quota| snapshot(hour, &[("1", Some(quota))]);
        let (eight, nine, ten) = (seen(8, eight), seen(9, nine), seen(10, ten));
        [told(&diff(&eight, &nine, rows)), told(&diff(&nine, &ten, rows))]
    }

    /// `before → after by` of each change.
    fn told(diff: &Diff) -> Vec<String> {
        let who = |change: &Change| match &change.made_by {
            MadeBy::Run { id, .. } => id.clone(),
            MadeBy::Outside => "outside".into(),
        };
        diff.changes.iter().map(|c| format!("{:?} → {:?} {}", c.before, c.after, who(c))).collect()
    }

    #[test]
    fn a_change_without_a_run_is_drift() {
        let seen = diff(
            &snapshot(8, &[("1", Some(5)), ("2", None)]),
            &snapshot(9, &[("1", Some(6)), ("2", None)]),
            &[],
        );
        assert_eq!(told(&seen), ["Some(5) → Some(6) outside"]);
    }

    #[test]
    fn a_change_that_a_verified_row_explains_is_the_runs() {
        let rows = [half_past_eight(Some(5), Some(6))];
        let seen = diff(&snapshot(8, &[("1", Some(5))]), &snapshot(9, &[("1", Some(6))]), &rows);
        assert_eq!(told(&seen), ["Some(5) → Some(6) run"]);
    }

    #[test]
    fn what_others_did_before_and_after_a_run_is_told_apart() {
        let rows = [half_past_eight(Some(6), Some(7))];
        let seen = diff(&snapshot(8, &[("1", Some(5))]), &snapshot(9, &[("1", None)]), &rows);
        assert_eq!(
            told(&seen),
            ["Some(5) → Some(6) outside", "Some(6) → Some(7) run", "Some(7) → None outside"]
        );
    }

    #[test]
    fn a_row_of_another_hour_explains_nothing() {
        let rows = [half_past_eight(Some(5), Some(6))];
        let seen = diff(&snapshot(9, &[("1", Some(5))]), &snapshot(10, &[("1", Some(6))]), &rows);
        assert_eq!(told(&seen), ["Some(5) → Some(6) outside"]);
    }

    #[test]
    fn a_row_of_the_very_second_of_a_snapshot_is_on_the_side_where_its_quota_shows() {
        let rows = [sent("2026-11-22T09:00:00.2Z", Some("2026-11-22T09:00:00.6Z"), Some(5), Some(6))];
        assert_eq!(history(5, 6, 6, &rows), [vec!["Some(5) → Some(6) run".to_owned()], vec![]]);
        assert_eq!(history(5, 5, 6, &rows), [vec![], vec!["Some(5) → Some(6) run".to_owned()]]);
    }

    #[test]
    fn what_somebody_changed_on_in_the_very_second_of_a_run_and_a_snapshot_is_told_once() {
        let rows = [sent("2026-11-22T09:00:00.2Z", Some("2026-11-22T09:00:00.4Z"), Some(5), Some(6))];
        let told = ["Some(5) → Some(6) run", "Some(6) → Some(7) outside"].map(str::to_owned);
        assert_eq!(history(5, 7, 7, &rows), [told.to_vec(), vec![]]);
    }

    #[test]
    fn a_row_that_was_read_back_only_after_the_snapshot_that_shows_it_is_told_once() {
        let resumed = [sent("2026-11-22T08:30:00Z", Some("2026-11-22T09:30:00Z"), Some(5), Some(6))];
        let unverified = [sent("2026-11-22T08:30:00Z", None, Some(5), Some(6))];
        for rows in [resumed, unverified] {
            assert_eq!(history(5, 6, 6, &rows), [vec!["Some(5) → Some(6) run".to_owned()], vec![]]);
            assert_eq!(history(5, 5, 6, &rows), [vec![], vec!["Some(5) → Some(6) run".to_owned()]]);
        }
    }

    #[test]
    fn a_run_and_its_undo_in_the_very_second_of_a_snapshot_are_nobody_elses() {
        let there = sent("2026-11-22T09:00:00.1Z", Some("2026-11-22T09:00:00.2Z"), Some(5), Some(6));
        let back = sent("2026-11-22T09:00:00.3Z", Some("2026-11-22T09:00:00.4Z"), Some(6), Some(5));
        let rows = [there, back];
        let told = ["Some(5) → Some(6) run", "Some(6) → Some(5) run"].map(str::to_owned);
        assert_eq!(history(5, 5, 5, &rows), [told.to_vec(), vec![]]);
        assert_eq!(history(5, 6, 5, &rows), [told[..1].to_vec(), told[1..].to_vec()]);
    }

    #[test]
    fn a_row_that_was_sent_and_never_took_effect_explains_nothing() {
        let rows = [sent("2026-11-22T08:30:00Z", None, Some(5), Some(6))];
        assert_eq!(history(5, 7, 7, &rows), [vec!["Some(5) → Some(7) outside".to_owned()], vec![]]);
    }

    #[test]
    fn no_longer_visible_is_not_removed_and_a_first_appearance_is_no_change() {
        let seen = diff(&snapshot(8, &[("1", Some(5))]), &snapshot(9, &[("2", Some(5))]), &[]);
        assert_eq!(seen.changes, []);
        assert_eq!(seen.vanished, [Target::account_group("1", "1")]);
    }

    #[test]
    fn an_organization_whose_quotas_all_go_at_once_is_out_of_sight_and_not_stripped() {
        let before = snapshot(8, &[("1", Some(5)), ("2", Some(6)), ("3", None)]);
        let seen = diff(&before, &snapshot(9, &[("1", None), ("2", None), ("3", None)]), &[]);
        assert_eq!(seen.changes, []);
        assert_eq!(seen.vanished, [Target::account_group("1", "1"), Target::account_group("1", "2")]);
        let one_stays = diff(&before, &snapshot(9, &[("1", None), ("2", Some(6)), ("3", None)]), &[]);
        assert_eq!(told(&one_stays), ["Some(5) → None outside"]);
    }

    #[test]
    fn a_snapshot_is_suspect_when_more_than_a_fifth_vanishes() {
        let ten: Vec<_> =
            ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"].map(|aid| (aid, Some(1))).into();
        let all = snapshot(8, &ten);
        assert!(!diff(&all, &snapshot(9, &ten[2..]), &[]).suspect);
        assert!(diff(&all, &snapshot(9, &ten[3..]), &[]).suspect);
    }
}
