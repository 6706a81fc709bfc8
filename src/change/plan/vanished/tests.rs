//! Quotas that went without a run of ours.

use super::*;
use crate::change::fixtures::{group, parsed, row_lines, snapshot};
use crate::change::plan::{PlanContext, plan};
use crate::config::{Guards, Mode};
use crate::domain::diff::SentRow;
use crate::domain::quota::{SnapshotRow, Target, UsageRule};

fn quota(org_id: &str, aid: &str, quota: Option<Units>) -> SnapshotRow<'static> {
    group(org_id, aid, quota, 0, 0)
}

fn find(live: &Snapshot, before: &Snapshot, set_by: &SetByRuns) -> VanishedQuotas {
    VanishedQuotas::find(live.organizations(), before, set_by)
}

fn removed(aid: &str) -> SentRow {
    let at = DateTime::UNIX_EPOCH;
    SentRow {
        run: "20261122-180500".to_owned(),
        file: "q4.csv".to_owned(),
        target: Target::account_group("7", aid),
        before: Some(100),
        after: None,
        comment: String::new(),
        sent: at,
        verified: None,
    }
}

#[test]
fn quotas_that_went_together_without_a_run_are_not_known() {
    let before = snapshot([quota("7", "1", Some(100)), quota("7", "2", Some(200)), quota("8", "3", Some(1))]);
    let live = snapshot([
        quota("7", "1", None),
        quota("7", "2", None),
        quota("8", "3", None),
        quota("9", "4", None),
    ]);
    let found = find(&live, &before, SetByRuns::empty());
    let quotas = |org_id: &str| found.earlier(&org_id.into()).map(|earlier| earlier.missing);
    assert_eq!(["7", "8", "9"].map(quotas), [Some(2), Some(1), None]);

    let one_left = snapshot([quota("7", "1", None), quota("7", "2", Some(200))]);
    assert_eq!(find(&one_left, &before, SetByRuns::empty()), VanishedQuotas::default(), "one can be removed");

    let removed_one = SetByRuns::new(vec![removed("1")]);
    assert_eq!(
        find(&live, &before, &removed_one).earlier(&"7".into()).map(|earlier| earlier.missing),
        Some(1)
    );
    let removed_both = SetByRuns::new(vec![removed("1"), removed("2")]);
    assert_eq!(find(&live, &before, &removed_both).earlier(&"7".into()), None);
}

#[test]
fn where_most_are_missing_the_answer_is_doubted_and_one_of_several_can_have_been_removed() {
    let quotas = |there: usize| {
        let row = |aid: usize| quota("7", &aid.to_string(), (aid < there).then_some(100));
        snapshot((0..10).map(row))
    };
    let found = |there| find(&quotas(there), &quotas(10), SetByRuns::empty()).earlier(&"7".into());
    assert_eq!([9, 5].map(found), [None, None]);
    let earlier = found(1).unwrap();
    assert_eq!((earlier.missing, earlier.total), (9, 10));
    let sentence = earlier.sentence(&"7".into(), Tz::UTC);
    assert!(sentence.contains("no longer shows 9 of the 10 quotas of organization 7"), "{sentence}");
}

#[test]
fn a_first_quota_waits_for_a_person_and_what_would_change_nothing_or_expects_another_is_refused() {
    let before = snapshot([quota("7", "1", Some(100)), quota("7", "2", Some(200))]);
    let live = snapshot([quota("7", "1", None), quota("7", "2", None)]);
    let vanished = find(&live, &before, SetByRuns::empty());
    let (guards, rule) = (Guards::default(), UsageRule::default());
    let context = PlanContext { vanished: &vanished, ..PlanContext::new(&guards, Mode::Row, &rule) };
    let lines = |rows: &str| {
        let file = parsed(&format!("action,org_id,aid,value,expected_value\n{rows}"));
        row_lines(&plan(&file, &live, &context))
    };
    let held = lines("assign,7,1,60000,\n");
    assert!(held[0].starts_with("2: held by unknown: its quota is not known, because"), "{held:?}");
    assert!(held[0].contains("any of the 2 quotas of organization 7"), "{held:?}");
    for row in ["unassign,7,2,,\n", "assign,7,1,60000,100\n"] {
        let refused = lines(row);
        assert!(refused[0].contains("the live quota is not known, because"), "{refused:?}");
    }
}
