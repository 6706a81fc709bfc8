//! Who changed what between two snapshots, and what was only missing from an answer.

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow};

/// Where nothing is known beyond the two. It is the same whether or not what is the same in both is compared.
fn diff(earlier: &Snapshot, later: &Snapshot, sent: &[SentRow]) -> Diff {
    let prior = BTreeMap::new();
    let all = compared(earlier, later, &prior, sent);
    let mut less = Comparison::new((earlier.taken_at, later.taken_at), &prior, sent);
    for (before, after) in merge(earlier.organizations(), later.organizations(), |a, b| a.id.cmp(&b.id)) {
        match (before, after) {
            (Some(before), Some(after)) if before == after && !less.is_always_compared(&before.id) => {
                less.add_same(before.row_count());
            }
            _ => less.add(before, after),
        }
    }
    assert_eq!(all.unsure_organizations(), less.unsure_organizations());
    let all = all.finish();
    assert_eq!(all, less.finish());
    all
}

fn compared<'s>(
    earlier: &Snapshot,
    later: &Snapshot,
    prior: &'s BTreeMap<OrgId, PriorKnowledge>,
    sent: &'s [SentRow],
) -> Comparison<'s> {
    let mut comparison = Comparison::new((earlier.taken_at, later.taken_at), prior, sent);
    for (before, after) in merge(earlier.organizations(), later.organizations(), |a, b| a.id.cmp(&b.id)) {
        comparison.add(before, after);
    }
    comparison
}

/// What the last of these snapshots, oldest first, shows beside the one before it.
fn last_diff(snapshots: &[Snapshot], sent: &[SentRow]) -> Diff {
    let [older @ .., earlier, later] = snapshots else { panic!("two are compared") };
    if compared(earlier, later, &BTreeMap::new(), sent).unsure_organizations().is_empty() {
        return diff(earlier, later, sent);
    }
    let (removals, org_id) = (Removals::new(sent), OrgId::from("1"));
    let mut known = PriorKnowledge::default();
    for seen in older.iter().chain([earlier]) {
        let at = seen.taken_at;
        let removed = |aid: Option<&Aid>, since| removals.has(&target(aid), (since, at));
        known.before.observe(seen.organization(&org_id), at, &removed);
    }
    let at = later.taken_at;
    let removed = |aid: Option<&Aid>, since| removals.has(&target(aid), (since, at));
    known.kept_aids = known.before.kept_aids(later.organization(&org_id), at, &removed);
    compared(earlier, later, &BTreeMap::from([(org_id, known)]), sent).finish()
}

fn last_changes(snapshots: &[Snapshot], sent: &[SentRow]) -> Vec<String> {
    changes_of(&last_diff(snapshots, sent))
}

fn target(aid: Option<&Aid>) -> Target {
    Target { org_id: "1".into(), aid: aid.cloned() }
}

fn at(hour: u32) -> DateTime<Utc> {
    format!("2026-11-22T{hour:02}:00:00Z").parse().unwrap()
}

fn snapshot(hour: u32, quotas: &[(&str, Option<Units>)]) -> Snapshot {
    let rows = quotas.iter().map(|(aid, quota)| SnapshotRow {
        quota: *quota,
        ..SnapshotRow::new(Target::account_group("1", *aid))
    });
    Snapshot::new(at(hour), rows)
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

/// What is reported of a quota that was this at eight, at nine and at ten.
fn history(eight: Units, nine: Units, ten: Units, rows: &[SentRow]) -> [Vec<String>; 2] {
    let seen = |hour, quota| snapshot(hour, &[("1", Some(quota))]);
    let (eight, nine, ten) = (seen(8, eight), seen(9, nine), seen(10, ten));
    [changes_of(&diff(&eight, &nine, rows)), changes_of(&diff(&nine, &ten, rows))]
}

/// `before → after by` of each change.
fn changes_of(diff: &Diff) -> Vec<String> {
    let who = |change: &Change| match &change.made_by {
        MadeBy::Run(run) => run.id.clone(),
        MadeBy::Outside => "outside".into(),
    };
    diff.changes.iter().map(|c| format!("{:?} → {:?} {}", c.before, c.after, who(c))).collect()
}

#[test]
fn a_change_without_a_run_is_drift() {
    let seen =
        diff(&snapshot(8, &[("1", Some(5)), ("2", None)]), &snapshot(9, &[("1", Some(6)), ("2", None)]), &[]);
    assert_eq!(changes_of(&seen), ["Some(5) → Some(6) outside"]);
}

#[test]
fn a_change_that_a_verified_row_explains_is_the_runs() {
    let rows = [half_past_eight(Some(5), Some(6))];
    let seen = diff(&snapshot(8, &[("1", Some(5))]), &snapshot(9, &[("1", Some(6))]), &rows);
    assert_eq!(changes_of(&seen), ["Some(5) → Some(6) run"]);
}

#[test]
fn a_run_whose_clock_was_minutes_off_made_the_change_that_is_exactly_its_own() {
    let at = |at: &str| [sent(at, Some(at), Some(5), Some(6))];
    let (eight, nine) = (snapshot(8, &[("1", Some(5))]), snapshot(9, &[("1", Some(6))]));
    for off in ["2026-11-22T07:50:00Z", "2026-11-22T09:10:00Z"] {
        assert_eq!(changes_of(&diff(&eight, &nine, &at(off))), ["Some(5) → Some(6) run"], "{off}");
        let other = snapshot(9, &[("1", Some(7))]);
        assert_eq!(changes_of(&diff(&eight, &other, &at(off))), ["Some(5) → Some(7) outside"], "{off}");
    }
    for long_ago in ["2026-11-22T07:40:00Z", "2026-11-22T09:20:00Z"] {
        assert_eq!(
            changes_of(&diff(&eight, &nine, &at(long_ago))),
            ["Some(5) → Some(6) outside"],
            "{long_ago}"
        );
    }
}

#[test]
fn changes_by_others_before_and_after_a_run_are_kept_apart_from_it() {
    let rows = [half_past_eight(Some(6), Some(7))];
    let seen = diff(&snapshot(8, &[("1", Some(5))]), &snapshot(9, &[("1", None)]), &rows);
    assert_eq!(
        changes_of(&seen),
        ["Some(5) → Some(6) outside", "Some(6) → Some(7) run", "Some(7) → None outside"]
    );
}

#[test]
fn a_row_of_another_hour_explains_nothing() {
    let rows = [half_past_eight(Some(5), Some(6))];
    let seen = diff(&snapshot(9, &[("1", Some(5))]), &snapshot(10, &[("1", Some(6))]), &rows);
    assert_eq!(changes_of(&seen), ["Some(5) → Some(6) outside"]);
}

#[test]
fn a_row_in_the_same_second_as_a_snapshot_is_on_the_side_where_its_quota_shows() {
    let rows = [sent("2026-11-22T09:00:00.2Z", Some("2026-11-22T09:00:00.6Z"), Some(5), Some(6))];
    assert_eq!(history(5, 6, 6, &rows), [vec!["Some(5) → Some(6) run".to_owned()], vec![]]);
    assert_eq!(history(5, 5, 6, &rows), [vec![], vec!["Some(5) → Some(6) run".to_owned()]]);
}

#[test]
fn a_change_in_the_same_second_as_a_run_and_a_snapshot_is_reported_once() {
    let rows = [sent("2026-11-22T09:00:00.2Z", Some("2026-11-22T09:00:00.4Z"), Some(5), Some(6))];
    let expected = ["Some(5) → Some(6) run", "Some(6) → Some(7) outside"].map(str::to_owned);
    assert_eq!(history(5, 7, 7, &rows), [expected.to_vec(), vec![]]);
}

#[test]
fn a_row_read_back_only_after_the_snapshot_that_shows_it_is_reported_once() {
    let resumed = [sent("2026-11-22T08:30:00Z", Some("2026-11-22T09:30:00Z"), Some(5), Some(6))];
    let unverified = [sent("2026-11-22T08:30:00Z", None, Some(5), Some(6))];
    for rows in [resumed, unverified] {
        assert_eq!(history(5, 6, 6, &rows), [vec!["Some(5) → Some(6) run".to_owned()], vec![]]);
        assert_eq!(history(5, 5, 6, &rows), [vec![], vec!["Some(5) → Some(6) run".to_owned()]]);
    }
}

#[test]
fn a_run_and_its_undo_in_the_same_second_as_a_snapshot_are_ours() {
    let there = sent("2026-11-22T09:00:00.1Z", Some("2026-11-22T09:00:00.2Z"), Some(5), Some(6));
    let back = sent("2026-11-22T09:00:00.3Z", Some("2026-11-22T09:00:00.4Z"), Some(6), Some(5));
    let rows = [there, back];
    let expected = ["Some(5) → Some(6) run", "Some(6) → Some(5) run"].map(str::to_owned);
    assert_eq!(history(5, 5, 5, &rows), [expected.to_vec(), vec![]]);
    assert_eq!(history(5, 6, 5, &rows), [expected[..1].to_vec(), expected[1..].to_vec()]);
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
    let seen = last_diff(&[before.clone(), snapshot(9, &[("1", None), ("2", None), ("3", None)])], &[]);
    assert_eq!(seen.changes, []);
    assert_eq!(seen.vanished, [Target::account_group("1", "1"), Target::account_group("1", "2")]);
    let one_stays = [before, snapshot(9, &[("1", None), ("2", Some(6)), ("3", None)])];
    assert_eq!(last_changes(&one_stays, &[]), ["Some(5) → None outside"]);
}

#[test]
fn rows_of_an_organization_that_stayed_the_same_count_among_those_that_did_not_vanish() {
    let row = |org_id: &str, aid: u32| SnapshotRow {
        quota: Some(1),
        ..SnapshotRow::new(Target::account_group(org_id, aid.to_string().as_str()))
    };
    // One of two vanishes from the first organization; the second has as many as are named.
    let is_suspect = |others: u32| {
        let [earlier, later] = [(8, 2), (9, 1)].map(|(hour, first)| {
            let rows = (0..first).map(|aid| row("1", aid));
            Snapshot::new(at(hour), rows.chain((0..others).map(|aid| row("2", aid))))
        });
        diff(&earlier, &later, &[]).suspect
    };
    assert!(is_suspect(0));
    assert!(is_suspect(2));
    assert!(!is_suspect(3));
}

#[test]
fn a_change_names_its_target_and_the_run_that_made_it() {
    let change = |account_group_name: &str, made_by| Change {
        target: Target::account_group("1", "5"),
        org_name: "Acme".into(),
        account_group_name: account_group_name.into(),
        before: None,
        after: Some(1),
        since: at(8),
        made_by,
    };
    let run = MadeBy::Run(Box::new(ByRun {
        id: "20261122T080000Z-q4".into(),
        file: String::new(),
        comment: String::new(),
        at: at(8),
    }));
    let (ours, outside) = (change("EMEA", run), change("", MadeBy::Outside));
    assert_eq!([ours.name(), outside.name()], ["EMEA", "5"]);
    assert_eq!(ours.made_by.run().map(String::as_str), Some("20261122T080000Z-q4"));
    assert_eq!(outside.made_by.run(), None);
}

#[test]
fn a_snapshot_is_suspect_when_more_than_a_fifth_vanishes() {
    let ten: Vec<_> = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"].map(|aid| (aid, Some(1))).into();
    let all = snapshot(8, &ten);
    assert!(!diff(&all, &snapshot(9, &ten[2..]), &[]).suspect);
    assert!(diff(&all, &snapshot(9, &ten[3..]), &[]).suspect);
}

#[test]
fn only_a_run_between_both_snapshots_makes_it_a_removal_that_all_quotas_of_an_organization_went() {
    let gone = |row| last_diff(&[snapshot(8, &[("1", Some(5))]), snapshot(9, &[("1", None)])], &[row]);
    let removal = gone(half_past_eight(Some(5), None));
    assert_eq!((changes_of(&removal), removal.vanished), (vec!["Some(5) → None run".to_owned()], vec![]));
    for hour in ["06", "10"] {
        let [began, ended] = ["00", "01"].map(|second| format!("2026-11-22T{hour}:30:{second}Z"));
        let hidden = gone(sent(&began, Some(&ended), None, Some(5)));
        assert_eq!((changes_of(&hidden), hidden.vanished.len()), (vec![], 1), "{hour}");
    }
}

#[test]
fn a_target_missing_from_an_answer_that_returns_unchanged_is_no_change() {
    let there = |hour| snapshot(hour, &[("1", Some(5)), ("2", Some(6)), ("3", None)]);
    let no_quotas = |hour| snapshot(hour, &[("1", None), ("2", None), ("3", None)]);
    let one_gone = |hour| snapshot(hour, &[("2", Some(6)), ("3", None)]);
    let nothing = |hour| snapshot(hour, &[]);
    for gone in [no_quotas, one_gone, nothing] {
        assert_eq!(last_changes(&[there(6), gone(7), there(8)], &[]), Vec::<String>::new());
        assert_eq!(last_changes(&[there(5), gone(6), gone(7), there(8)], &[]), Vec::<String>::new());
        assert_eq!(last_changes(&[gone(7), there(8)], &[]).len(), usize::from(gone(7) == no_quotas(7)) * 2);
    }
}

#[test]
fn a_target_that_returns_with_another_quota_is_reported_as_changed_once() {
    let first = snapshot(6, &[("1", Some(5)), ("2", Some(6))]);
    let back = |hour| snapshot(hour, &[("1", Some(7)), ("2", None)]);
    let expected = ["Some(5) → Some(7) outside", "Some(6) → None outside"];
    for gone in [snapshot(7, &[("1", None), ("2", None)]), snapshot(7, &[])] {
        assert_eq!(last_changes(&[first.clone(), gone.clone(), back(8)], &[]), expected);
        assert_eq!(last_changes(&[first.clone(), gone, back(8), back(9)], &[]), Vec::<String>::new());
    }
}

#[test]
fn a_quota_that_our_run_took_off_did_not_vanish_and_is_a_first_one_when_it_is_set_again() {
    let rows = [sent("2026-11-22T06:30:00Z", Some("2026-11-22T06:30:01Z"), Some(5), None)];
    let seen = [snapshot(6, &[("1", Some(5))]), snapshot(7, &[("1", None)]), snapshot(8, &[("1", Some(5))])];
    assert_eq!(last_changes(&seen, &rows), ["None → Some(5) outside"]);
}

#[test]
fn a_run_between_the_last_sight_and_the_return_explains_its_change() {
    let rows = [sent("2026-11-22T06:30:00Z", Some("2026-11-22T06:30:01Z"), Some(5), Some(6))];
    let seen = [snapshot(6, &[("1", Some(5))]), snapshot(7, &[]), snapshot(8, &[("1", Some(6))])];
    assert_eq!(last_changes(&seen, &rows), ["Some(5) → Some(6) run"]);
}

/// Ten groups at these hours of the day and the next, of which so many have a quota of 5.
fn ten(hour: i64, with_quota: u32, first: Units) -> Snapshot {
    let rows = (1..=10).map(|aid| SnapshotRow {
        quota: (aid <= with_quota).then_some(if aid == 1 { first } else { 5 }),
        ..SnapshotRow::new(Target::account_group("1", aid.to_string().as_str()))
    });
    Snapshot::new(at(0) + chrono::TimeDelta::hours(hour), rows)
}

#[test]
fn an_answer_that_lacks_most_of_an_organization_changes_nothing_and_neither_does_its_return() {
    let gone = last_diff(&[ten(8, 10, 5), ten(9, 1, 5)], &[]);
    assert_eq!((gone.changes.len(), gone.vanished.len()), (0, 9));
    let still = last_diff(&[ten(8, 10, 5), ten(9, 1, 5), ten(10, 1, 5)], &[]);
    assert_eq!((still.changes.len(), still.vanished.len()), (0, 0), "it was said once");
    assert_eq!(last_changes(&[ten(8, 10, 5), ten(9, 1, 5), ten(10, 10, 5)], &[]), Vec::<String>::new());
}

#[test]
fn what_such_an_answer_shows_is_compared_and_what_comes_back_otherwise_is_a_change_from_what_it_was() {
    assert_eq!(last_changes(&[ten(8, 10, 5), ten(9, 1, 7)], &[]), ["Some(5) → Some(7) outside"]);
    let mut back = ten(10, 10, 5).organizations()[0].clone();
    back.account_groups[9].quota = Some(8);
    back.account_groups[4].quota = None;
    let back = Snapshot::of_organizations(at(10), vec![back]);
    let seen = last_diff(&[ten(8, 10, 5), ten(9, 1, 5), back], &[]);
    assert_eq!(changes_of(&seen), ["Some(5) → None outside", "Some(5) → Some(8) outside"]);
    assert!(seen.changes.iter().all(|change| change.since == at(8)), "as it was last seen");
}

#[test]
fn a_run_that_takes_off_most_of_an_organization_is_reported_at_once_and_what_else_is_missing_is_not() {
    let mut taken = Vec::new();
    for aid in 4..=10 {
        let row = half_past_eight(Some(5), None);
        taken.push(SentRow { target: Target::account_group("1", aid.to_string().as_str()), ..row });
    }
    let seen = last_diff(&[ten(8, 10, 5), ten(9, 3, 5)], &taken);
    assert_eq!(changes_of(&seen), vec!["Some(5) → None run"; 7]);
    let seen = last_diff(&[ten(8, 10, 5), ten(9, 1, 5)], &taken);
    assert_eq!((changes_of(&seen), seen.vanished.len()), (vec!["Some(5) → None run".to_owned(); 7], 2));
}
