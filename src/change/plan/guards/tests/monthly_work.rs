//! How the guards are tuned: the ordinary work of a month applies at once, and the mistakes that people make in spreadsheets stop.

use std::collections::BTreeMap;

use crate::change::Plan;
use crate::change::fixtures::{group, own, planned, snapshot};
use crate::change::plan::guards::*;
use crate::config::{Guards, Mode};
use crate::domain::quota;
use crate::domain::quota::{SnapshotRow, Units, UsageRule};

/// An organization with so many account groups, from small ones to a few large ones, each with 60 to 90 % of its quota
/// projected. The same for the same seed.
fn organization(org_id: &str, groups: usize, seed: u64) -> Vec<SnapshotRow<'static>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rows: Vec<SnapshotRow<'static>> = (0..groups)
        .map(|index| {
            let quota = 100 * random.i64(10..100) * if index % 10 == 0 { 5 } else { 1 };
            let projected = quota * random.i64(60..=90) / 100;
            let used = projected * random.i64(55..=75) / 100;
            group(org_id, &format!("{org_id}{:05}", 4_100 + index), Some(quota), used, projected)
        })
        .collect();
    let total = |of: fn(&SnapshotRow) -> Option<Units>| quota::sum(rows.iter().filter_map(of));
    let (allocated, used, projected) =
        (total(|row| row.quota), total(|row| row.usage.cloud_used), total(|row| row.usage.cloud_projected));
    rows.push(own(org_id, Some(allocated), used, projected));
    rows
}

/// Twenty organizations of 60 account groups: what holds must not hold by one's luck.
fn customers() -> impl Iterator<Item = Snapshot> {
    (0..20).map(|seed| snapshot(organization("7", 60, seed)))
}

fn groups(live: &Snapshot) -> Vec<SnapshotRow<'static>> {
    live.owned_rows().into_iter().filter(|row| row.target.aid.is_some()).collect()
}

fn quotas(live: &Snapshot) -> Vec<Units> {
    groups(live).iter().filter_map(|row| row.quota).collect()
}

/// The plan of a file that sets each account group to one of these values, in their order.
fn set(live: &Snapshot, values: &[Units], mode: Mode) -> Plan {
    let rows = groups(live).into_iter().zip(values);
    let written = |(row, value): (SnapshotRow, &Units)| {
        format!("{},{},{value}\n", row.target.org_id, row.target.aid.expect("an account group"))
    };
    let text = rows.map(written).collect::<String>();
    planned(&format!("org_id,aid,value\n{text}"), live, mode, &Guards::default())
}

/// How many rows each guard holds.
fn held_by(plan: &Plan) -> BTreeMap<&'static str, usize> {
    let mut held = BTreeMap::new();
    for reason in plan.held_rows().flat_map(PlanRow::held_reasons) {
        *held.entry(reason.guard.as_str()).or_default() += 1;
    }
    held
}

/// What the 15 account groups with most to spare can do without goes to the 15 that are nearest to their quota, and the
/// sum stays: the work of every month.
fn reallocated(live: &Snapshot) -> Vec<Units> {
    let (rule, groups, mut values) = (UsageRule::default(), groups(live), quotas(live));
    let headroom = |index: usize| {
        rule.headroom(groups[index].quota, &groups[index].usage).expect("its quota and its usage are known")
    };
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|index| headroom(*index) * 100 / values[*index]);
    for taker in 0..15 {
        let (taker, giver) = (order[taker], order[order.len() - 1 - taker]);
        let moved = (headroom(giver) / 2).min(values[taker] / 3);
        values[giver] -= moved;
        values[taker] += moved;
    }
    values
}

#[test]
fn a_reallocation_among_half_of_the_groups_that_keeps_the_sum_is_sent_in_every_mode() {
    for live in customers() {
        let values = reallocated(&live);
        assert_eq!(quota::sum(values.iter().copied()), quota::sum(quotas(&live)), "the sum is kept");
        for mode in [Mode::Organization, Mode::File, Mode::Row] {
            let plan = set(&live, &values, mode);
            assert_eq!((plan.to_send().count(), plan.held_rows().count()), (30, 0), "{:?}", held_by(&plan));
            assert_eq!(plan.counts().decreases, 15);
            assert_eq!(plan.rows.iter().filter(|row| !row.warnings.is_empty()).count(), 0);
        }
    }
}

#[test]
fn a_raise_of_a_tenth_for_every_group_is_sent_with_a_warning_of_over_allocation() {
    for live in customers() {
        let values: Vec<Units> = quotas(&live).iter().map(|quota| quota * 11 / 10).collect();
        let plan = set(&live, &values, Mode::Organization);
        assert_eq!((plan.to_send().count(), plan.held_rows().count()), (60, 0));
        let warned: Vec<_> = plan.rows.iter().flat_map(|row| &row.warnings).collect();
        assert!(warned.len() == 1 && warned[0].contains("more than their organization"), "{warned:?}");
    }
}

#[test]
fn a_zero_too_many_stops_the_reallocation_that_it_stands_in() {
    for live in customers() {
        let mut values = reallocated(&live);
        let taker = (0..60).find(|index| values[*index] > quotas(&live)[*index]).unwrap();
        values[taker] *= 10;
        let plan = set(&live, &values, Mode::Organization);
        assert_eq!(plan.to_send().count(), 0);
        assert_eq!(held_by(&plan).get("raise_factor"), Some(&1));
        let alone = set(&live, &values, Mode::Row);
        assert_eq!(held_by(&alone).get("raise_factor"), Some(&1));
    }
}

#[test]
fn a_zero_too_few_stops() {
    for live in customers() {
        let mut values = quotas(&live);
        values[30] /= 10;
        let plan = set(&live, &values, Mode::Organization);
        assert_eq!(held_by(&plan), [("below_use", 1)].into());
    }
}

#[test]
fn a_wrong_column_pasted_stops() {
    for live in customers() {
        let column = |of: fn(&SnapshotRow) -> Units| groups(&live).iter().map(of).collect::<Vec<_>>();
        let used = set(&live, &column(|row| row.usage.cloud_used.unwrap()), Mode::Organization);
        assert_eq!(held_by(&used), [("below_use", 60), ("lowered_share", 60), ("sum", 60)].into());
        // No group falls below its use by this one: what stops it is that all of them fall, and the sum with them.
        let projected = set(&live, &column(|row| row.usage.cloud_projected.unwrap()), Mode::Row);
        assert_eq!(held_by(&projected), [("lowered_share", 60), ("sum", 60)].into());
        let ids = column(|row| row.target.aid.as_ref().unwrap().as_str().parse().unwrap());
        let ids = set(&live, &ids, Mode::Row);
        assert_eq!((ids.to_send().count(), held_by(&ids).get("sum")), (0, Some(&60)));
        let doubled = set(&live, &quotas(&live).iter().map(|quota| quota * 2).collect::<Vec<_>>(), Mode::Row);
        assert_eq!(held_by(&doubled), [("sum", 60)].into());
    }
}

#[test]
fn a_column_that_slipped_by_a_row_or_was_sorted_alone_keeps_the_sum_and_stops() {
    for live in customers() {
        let mut slipped = quotas(&live);
        slipped.rotate_right(1);
        let mut sorted = quotas(&live);
        sorted.sort_unstable();
        for values in [slipped, sorted] {
            let plan = set(&live, &values, Mode::Organization);
            assert_eq!(plan.to_send().count(), 0);
            let held = held_by(&plan);
            assert!(held["below_use"] >= 15 && !held.contains_key("sum"), "{held:?}");
        }
    }
}

#[test]
fn a_cut_of_a_tenth_for_a_whole_organization_stops() {
    for live in customers() {
        let values: Vec<Units> = quotas(&live).iter().map(|quota| quota * 9 / 10).collect();
        let plan = set(&live, &values, Mode::Row);
        assert_eq!((plan.to_send().count(), held_by(&plan).get("lowered_share")), (0, Some(&60)));
    }
}

#[test]
fn two_small_customers_are_not_counted_together_and_their_mistakes_are_still_held() {
    let live = snapshot([organization("7", 5, 1), organization("8", 5, 2)].concat());
    let now = quotas(&live);
    let cut: Vec<Units> = now.iter().map(|quota| quota * 98 / 100).collect();
    let plan = set(&live, &cut, Mode::Organization);
    assert_eq!((plan.to_send().count(), plan.held_rows().count()), (10, 0), "{:?}", held_by(&plan));
    let mistakes = |value: fn(Units) -> Units| {
        let values: Vec<Units> = now
            .iter()
            .enumerate()
            .map(|(index, quota)| if index == 2 { value(*quota) } else { *quota * 98 / 100 })
            .collect();
        let plan = set(&live, &values, Mode::Organization);
        assert_eq!(plan.to_send().count(), 5, "the other customer's rows are sent");
        held_by(&plan)
    };
    assert_eq!(mistakes(|quota| quota * 10), [("bound", 4), ("raise_factor", 1)].into());
    assert_eq!(mistakes(|quota| quota / 10), [("below_use", 1), ("bound", 4)].into());
}
