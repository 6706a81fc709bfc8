//! Ids and usage: what is unknown, and how units are compared.

use super::*;

#[test]
fn ids_order_as_numbers() {
    let mut ids: Vec<Aid> = ["10", "9", "100", "010", "a"].map(Aid::from).into();
    ids.sort();
    assert_eq!(ids, ["9", "a", "010", "10", "100"].map(Aid::from));
}

#[test]
fn an_id_is_the_text_that_it_was_made_of_whatever_its_length() {
    assert!(size_of::<Option<Aid>>() <= 16, "ids are the better part of a snapshot");
    for id in ["", "1", "12345678901234", "123456789012345", "äöüäöüä", "äöüäöüäö"] {
        assert_eq!(Aid::from(id).as_str(), id);
        let json = serde_json::to_string(&Aid::from(id)).unwrap();
        assert_eq!(serde_json::from_str::<Aid>(&json).unwrap(), Aid::from(id));
    }
}

#[test]
fn usage_with_an_unknown_part_is_unknown_unless_that_part_does_not_count() {
    let usage = Usage { cloud_used: Some(5), cloud_projected: Some(9), ..Usage::default() };
    assert_eq!(UsageRule::default().used(&usage), None);
    let cloud_only = UsageRule { enterprise: false, ..UsageRule::default() };
    assert_eq!(cloud_only.used(&usage), Some(5));
    assert_eq!(cloud_only.needed(&usage), Some(9));
}

#[test]
fn a_divisor_rounds_up_so_that_a_guard_never_lets_a_unit_slip() {
    let rule = UsageRule { units_per_quota_unit: Some(1000.0), ..UsageRule::default() };
    assert_eq!(rule.counted(Some(1001), Some(0)), Some(2));
}

#[test]
fn a_plan_about_a_power_of_1000_from_the_quota_looks_mismatched_until_the_divisor_is_set() {
    let looks = |plan, quota, units_per_quota_unit| {
        let organization =
            SnapshotRow { plan_units: plan, quota, ..SnapshotRow::new(Target::organization("1")) };
        UsageRule { units_per_quota_unit, ..UsageRule::default() }.looks_mismatched(&organization)
    };
    // log1000 of 1990 is just under 1.1, of 2000 just over it; of 502 just over 0.9, of 501 just under.
    for ratio in [502, 1000, 1990, 1_000_000] {
        assert!(looks(Some(ratio * 7), Some(7), None), "{ratio}");
        assert!(looks(Some(7), Some(ratio * 7), None), "{ratio}");
        assert!(!looks(Some(ratio * 7), Some(7), Some(1000.0)), "{ratio}");
    }
    for ratio in [1, 2, 30, 501, 2000, 30_000] {
        assert!(!looks(Some(ratio * 7), Some(7), None), "{ratio}");
    }
    for (plan, quota) in [(None, Some(7)), (Some(7000), None), (Some(0), Some(7)), (Some(7), Some(0))] {
        assert!(!looks(plan, quota, None), "{plan:?} {quota:?}");
    }
}
