//! By which account groups usage is asked for, and by which never.

use proptest::prelude::*;

use super::*;
use crate::domain::quota::{SnapshotRow, Target};

fn seen(groups: &[(&str, &str, &str)]) -> Snapshot {
    let row = |(org_id, aid, name): &(&str, &str, &str)| SnapshotRow {
        account_group_name: (*name).to_owned().into(),
        ..SnapshotRow::new(Target::account_group(*org_id, *aid))
    };
    Snapshot::new(chrono::DateTime::UNIX_EPOCH, groups.iter().map(row))
}

/// Of each organization by its id, with spaces between them.
fn to_ask(seen: &Snapshot, organizations: &[&str]) -> Vec<String> {
    let organizations = organizations.iter().map(|id| OrgId::from(*id)).collect();
    let ids = |aids: Vec<&Aid>| aids.into_iter().map(Aid::as_str).collect::<Vec<_>>().join(" ");
    groups_to_ask(seen, &organizations).into_iter().map(|(_, aids)| ids(aids)).collect()
}

#[test]
fn usage_is_asked_by_account_groups_that_no_other_organization_lists() {
    let groups = [
        ("1", "5", ""),
        ("1", "7", ""),
        ("2", "5", ""),
        ("2", "6", ""),
        ("2", "9", ""),
        ("3", "8", ""),
        ("3", "9", ""),
        ("4", "9", ""),
    ];
    assert_eq!(to_ask(&seen(&groups), &["1", "2", "3", "4", "5"]), ["7", "6", "8", "", ""]);
    assert_eq!(to_ask(&seen(&groups), &["3"]), ["8"], "also where only one is asked for");
}

#[test]
fn usage_is_asked_first_by_an_account_group_that_has_a_name_and_by_at_most_two() {
    let of = |names: [&str; 4]| {
        let [three, four, five, six] = names;
        to_ask(&seen(&[("1", "3", three), ("1", "4", four), ("1", "5", five), ("1", "6", six)]), &["1"])
    };
    assert_eq!(of(["", "", "", ""]), ["3 4"]);
    assert_eq!(of(["", "", "EMEA", ""]), ["5 3"]);
    assert_eq!(of(["", "", "EMEA", "Lab"]), ["5 6"]);
}

proptest! {
    #[test]
    fn whatever_organizations_list_usage_is_asked_by_the_first_that_one_of_them_alone_lists(
        lists in prop::collection::vec(prop::collection::btree_set(1..30_u32, 1..12), 1..6),
        asked in prop::collection::btree_set(0..6_usize, 1..6),
    ) {
        let ids: Vec<Vec<String>> = lists.iter().map(|aids| aids.iter().map(u32::to_string).collect()).collect();
        let names: Vec<String> = (0..6).map(|organization| organization.to_string()).collect();
        let rows: Vec<(&str, &str, &str)> = ids
            .iter()
            .zip(&names)
            .flat_map(|(aids, name)| aids.iter().map(move |aid| (name.as_str(), aid.as_str(), "")))
            .collect();
        let asked: Vec<&str> = asked.into_iter().map(|organization| names[organization].as_str()).collect();
        let expected = asked.iter().map(|name| {
            let own = rows.iter().filter(|(whose, ..)| whose == name).map(|(_, aid, _)| *aid);
            let alone = own.filter(|aid| rows.iter().filter(|(_, other, _)| other == aid).count() == 1);
            alone.take(ASKED).collect::<Vec<_>>().join(" ")
        });
        prop_assert_eq!(to_ask(&seen(&rows), &asked), expected.collect::<Vec<_>>());
    }
}
