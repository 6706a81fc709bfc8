//! Exported files as change files, and what is restored from an earlier moment.

use super::*;
use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::change::parse::{Value, parse};
use crate::change::plan::{PlanContext, plan};
use crate::change::{NoChange, Verdict};
use crate::config::{Guards, Mode};

fn change_file(snapshot: &Snapshot) -> Vec<u8> {
    let mut file = super::change_file();
    snapshot
        .rows()
        .for_each(|row| add_unedited(&mut file, &row, &UsageRule::default(), &MissingQuotas::default()));
    file
}

#[test]
fn an_export_is_a_change_file_in_which_nothing_is_edited() {
    let mut group = SnapshotRow::new(Target::account_group("1", "5"));
    group.account_group_name = "=EMEA, \"Core\"".into();
    group.quota = Some(7);
    let snapshot = Snapshot::new(
        "2026-11-22T08:00:00Z".parse().unwrap(),
        vec![SnapshotRow::new(Target::organization("1")), group],
    );
    let bytes = change_file(&snapshot);
    insta::assert_snapshot!(String::from_utf8(bytes.clone()).unwrap(), @r#"
        action,org_id,org_name,aid,account_group_name,value,expected_value,used,projected,comment
        assign,1,,,,none,none,,,
        assign,1,,5,"'=EMEA, ""Core""",7,7,,,
        "#);
    let file = parse(&bytes, &BTreeMap::new(), 10).unwrap();
    for record in file.records {
        let change = record.change.unwrap();
        assert_eq!(change.expected.map(|quota| quota.map(Value::Units)), Some(change.value));
    }
}

#[test]
fn the_note_of_a_record_is_a_row_that_a_change_file_may_have() {
    let group = SnapshotRow { quota: Some(7), ..SnapshotRow::new(Target::account_group("1", "5")) };
    let snapshot = Snapshot::new("2026-11-22T08:00:00Z".parse().unwrap(), vec![group]);
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    history.write(&snapshot).unwrap();
    let (asked, rule) =
        (ExportRequest { organizations: &[], at: None, restore: false }, UsageRule::default());
    let mut bytes = Vec::new();
    let earlier = Earlier { history: &history, zone: chrono_tz::Tz::UTC, asked: None };
    record(earlier, snapshot.taken_at, &asked, &rule, &mut bytes).unwrap();
    assert!(bytes.starts_with(&change_file(&snapshot)));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(
        text.lines().last().unwrap().starts_with("# This is a record of the quotas at 2026-11-22T08-00-00Z"),
        "{text}"
    );
    assert_eq!(parse(&bytes, &BTreeMap::new(), 10).unwrap().records.len(), 1, "{text}");
}

#[test]
fn only_differences_are_restored_expecting_the_present_values_and_the_rest_is_mentioned() {
    let row = |aid: &str, quota| SnapshotRow { quota, ..SnapshotRow::new(Target::account_group("1", aid)) };
    let at = |rows| Snapshot::new("2026-11-22T08:00:00Z".parse().unwrap(), rows);
    let then =
        at(vec![row("1", Some(1)), row("2", None), row("3", Some(3)), row("4", Some(4)), row("5", Some(5))]);
    let live = at(vec![
        row("1", Some(10)),
        row("2", Some(20)),
        row("3", None),
        row("4", Some(4)),
        row("6", Some(6)),
    ]);
    let restored = Restoration::new(&then, &live);
    insta::assert_snapshot!(
        String::from_utf8(restored.file(&UsageRule::default())).unwrap() + &restored.notes().join("\n"),
        @"
        action,org_id,org_name,aid,account_group_name,value,expected_value,used,projected,comment
        assign,1,,1,,1,10,,,as it was at 2026-11-22T08-00-00Z
        unassign,1,,2,,,20,,,as it was at 2026-11-22T08-00-00Z
        assign,1,,3,,3,none,,,as it was at 2026-11-22T08-00-00Z
        3 quotas differ from their values at 2026-11-22T08-00-00Z. Nothing was sent; dropping the file restores them.
        account group 5 of organization 1 is no longer visible to this token: it is not in the file.
        1 target was not seen then and stays unchanged.
        "
    );
}

#[test]
fn it_is_not_said_that_each_quota_is_what_it_was_where_one_is_no_longer_visible() {
    let row = |aid: &str| SnapshotRow { quota: Some(1), ..SnapshotRow::new(Target::account_group("1", aid)) };
    let at = |rows| Snapshot::new("2026-11-22T08:00:00Z".parse().unwrap(), rows);
    let notes = |live| Restoration::new(&at(vec![row("1"), row("2")]), &at(live)).notes();
    assert!(
        notes(vec![row("1"), row("2")])[0].starts_with("Nothing to restore: each quota is what it was at")
    );
    let gone = notes(vec![row("1")]);
    assert!(gone[0].starts_with("Nothing can be restored: each quota that is still visible is"), "{gone:?}");
    assert!(gone[1].starts_with("account group 2 of organization 1 is no longer visible"), "{gone:?}");
}

proptest! {
    #[test]
    fn each_exported_row_is_found_again_unedited_whatever_its_target_is_called(
        names in prop::collection::vec((0..3_u8, "[aAbé=+ \u{a0}\u{200b}\"\n,]{0,3}"), 1..20),
        quota in prop_oneof![Just(None), (0..9_i64).prop_map(Some)],
    ) {
        let rows = names.iter().enumerate().map(|(aid, (org_id, name))| SnapshotRow {
            // Names of organizations repeat too.
            org_name: names[usize::from(*org_id) % names.len()].1.as_str().into(),
            account_group_name: name.as_str().into(),
            quota,
            ..SnapshotRow::new(Target::account_group(org_id.to_string().as_str(), aid.to_string().as_str()))
        });
        let snapshot = Snapshot::new("2026-11-22T08:00:00Z".parse().unwrap(), rows);
        let file = parse(&change_file(&snapshot), &BTreeMap::new(), 100).unwrap();
        let (guards, rule) = (Guards::default(), UsageRule::default());
        let plan = plan(&file, &snapshot, &PlanContext::new(&guards, Mode::File, &rule));
        for (row, seen) in plan.rows.iter().zip(snapshot.rows()) {
            prop_assert_eq!(&row.verdict, &Verdict::Unchanged(NoChange::NotEdited));
            prop_assert_eq!(row.target.as_ref(), Some(&seen.target));
        }
    }
}
