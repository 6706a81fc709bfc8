//! What a snapshot is made of, whatever order its rows come in.

use super::*;
use crate::domain::quota::{AccountGroup, Aid, Usage};
#[test]
fn an_organization_comes_before_its_account_groups() {
    let snapshot = Snapshot::new(
        DateTime::UNIX_EPOCH,
        [Target::account_group("7", "1"), Target::organization("7"), Target::account_group("12", "3")]
            .map(SnapshotRow::new),
    );
    let seen: Vec<_> = (snapshot.organizations().iter())
        .map(|organization| (organization.own.is_some(), organization.account_groups.len()))
        .collect();
    assert_eq!(seen, [(true, 1), (false, 1)]);
    assert!(snapshot.row(&Target::account_group("7", "1")).is_some());
    assert!(snapshot.row(&Target::account_group("7", "2")).is_none());
    let rows = |org_id: &str| snapshot.organization(&org_id.into()).map_or(0, Organization::row_count);
    assert_eq!(["7", "8", "12"].map(rows), [2, 0, 1]);
}

#[test]
fn the_rows_that_are_handed_out_in_one_place_are_the_same_as_the_others() {
    let number = std::cell::Cell::new(0);
    let next = || {
        number.set(number.get() + 1);
        Some(number.get())
    };
    let usage = || Usage {
        cloud_used: next(),
        cloud_projected: next(),
        enterprise_used: next(),
        enterprise_projected: next(),
        device_used: next(),
        device_projected: next(),
    };
    let row = |target: Target, name: &'static str| SnapshotRow {
        org_name: "Acme".into(),
        account_group_name: name.into(),
        quota: next(),
        usage: usage(),
        plan_units: Some(9),
        period_start: Some(DateTime::UNIX_EPOCH),
        ..SnapshotRow::new(target)
    };
    let groups = [("1", "One"), ("2", "Two")].map(|(aid, name)| row(Target::account_group("7", aid), name));
    let own = row(Target::organization("7"), "");
    let snapshot = Snapshot::new(DateTime::UNIX_EPOCH, groups.into_iter().chain([own]));
    let organization = &snapshot.organizations()[0];
    let mut handed_out = Vec::new();
    let keep = |row: &mut SnapshotRow<'_>| {
        handed_out.push(row.clone().into_owned());
        Ok::<_, std::convert::Infallible>(())
    };
    organization.for_each_row(keep).unwrap();
    assert_eq!(handed_out, organization.rows().map(SnapshotRow::into_owned).collect::<Vec<_>>());
}

#[test]
fn rows_in_any_order_make_the_same_snapshot_and_the_first_of_two_rows_for_a_target_wins() {
    let row = |org_id: &str, aid: Option<&str>, quota| SnapshotRow {
        quota: Some(quota),
        org_name: "Acme".into(),
        ..SnapshotRow::new(Target { org_id: org_id.into(), aid: aid.map(Aid::from) })
    };
    let rows = [
        row("9", Some("2"), 1),
        row("10", None, 2),
        row("9", None, 3),
        row("9", Some("1"), 4),
        row("9", Some("2"), 5),
    ];
    let snapshot = Snapshot::new(DateTime::UNIX_EPOCH, rows);
    let seen: Vec<_> = snapshot.rows().map(|row| (row.target.to_string(), row.quota.unwrap())).collect();
    let of = |text: &str| text.to_owned();
    assert_eq!(
        seen,
        [
            (of("organization 9"), 3),
            (of("account group 1 of organization 9"), 4),
            (of("account group 2 of organization 9"), 1),
            (of("organization 10"), 2)
        ]
    );
    let again = snapshot.rows().collect::<Vec<_>>().into_iter().rev();
    assert_eq!(Snapshot::new(DateTime::UNIX_EPOCH, again), snapshot);
}

#[test]
fn an_account_group_without_usage_takes_few_bytes() {
    assert!(size_of::<AccountGroup>() <= 56, "{}", size_of::<AccountGroup>());
}

#[test]
fn removing_the_last_row_of_an_organization_removes_the_organization() {
    let targets =
        [Target::organization("1"), Target::account_group("1", "2"), Target::account_group("3", "4")];
    let snapshot = Snapshot::new(DateTime::UNIX_EPOCH, targets.clone().map(SnapshotRow::new));
    let left = snapshot.filtered(|place| place.target() == targets[1]);
    assert_eq!(left.rows().map(|row| row.target).collect::<Vec<_>>(), [targets[1].clone()]);
    assert_eq!((left.organizations().len(), left.row_count()), (1, 1));
}

#[test]
fn usage_of_another_snapshot_is_taken_over_and_the_quotas_stay() {
    let usage = |used| Usage { cloud_used: Some(used), ..Usage::default() };
    let row =
        |target: &Target, quota, used| SnapshotRow { quota, usage: used, ..SnapshotRow::new(target.clone()) };
    let (own, group, new) =
        (Target::organization("1"), Target::account_group("1", "5"), Target::account_group("1", "6"));
    let at = "2026-11-22T08:00:00Z".parse().unwrap();
    let mut live = Snapshot::new(
        at,
        [
            row(&own, Some(9), Usage::default()),
            row(&group, Some(7), Usage::default()),
            row(&new, None, usage(1)),
        ],
    );
    live.take_usage_of(&Snapshot::new(at, [row(&own, Some(1), usage(3)), row(&group, None, usage(4))]));
    let seen: Vec<_> = live.rows().map(|row| (row.quota, row.usage.cloud_used)).collect();
    assert_eq!(seen, [(Some(9), Some(3)), (Some(7), Some(4)), (None, Some(1))]);
}
