//! How a target stands, in its words and its place.

use proptest::prelude::*;

use super::*;
use crate::domain::quota::Usage;
use crate::report::fixtures::{context, group};

fn stands(row: &SnapshotRow) -> QuotaStatus {
    let taken_at = context().now;
    {
        let (rule, alerts, context) = (UsageRule::default(), Alerts::default(), context());
        quota_status(row, None, JudgingContext { taken_at, rule: &rule, alerts: &alerts, context: &context })
    }
}

#[test]
fn unknown_usage_is_said_and_has_no_bar() {
    let row = SnapshotRow { usage: Usage::default(), ..group("1", "Lab", Some(100), 0, 0) };
    let status = stands(&row);
    assert_eq!(&*status.status, "usage unknown");
    assert_eq!((status.used, status.headroom, status.bar), (None, None, None));
    assert!(!status.is_measured());
}

#[test]
fn the_level_follows_the_limits_of_the_alerts() {
    let level = |used, projected| stands(&group("1", "Lab", Some(1000), used, projected)).level;
    assert_eq!(level(500, 1000), Level::Fine);
    assert_eq!(level(500, 1001), Level::Warning);
    assert_eq!(level(950, 990), Level::Critical, "95 % is used");
    assert_eq!(level(800, 2000), Level::Critical, "runs out within three days");
}

#[test]
fn a_quota_of_nothing_that_nothing_uses_is_fine_and_one_that_is_used_has_run_out() {
    assert_eq!(stands(&group("1", "Lab", Some(0), 0, 0)).level, Level::Fine);
    assert_eq!(&*stands(&group("1", "Lab", Some(0), 1, 1)).status, "has run out");
}

#[test]
fn what_ran_out_comes_before_what_will_and_that_by_its_day() {
    let mut rows = [
        stands(&group("1", "fine", Some(1000), 10, 940)),
        stands(&group("2", "later", Some(1000), 500, 1010)),
        stands(&group("3", "out", Some(1000), 1001, 1200)),
        stands(&group("4", "soon", Some(1000), 800, 2000)),
        stands(&group("5", "nothing", Some(0), 0, 0)),
    ];
    rows.sort_by(QuotaStatus::worst_first);
    assert_eq!(rows.each_ref().map(|row| &*row.name), ["out", "soon", "later", "fine", "nothing"]);
}

proptest! {
    #[test]
    fn the_parts_of_a_bar_add_up_and_none_is_negative(quota: Units, used: Units, projected: Units) {
        let bar = bar(Some(quota), Some(used), Some(used.max(projected))).unwrap();
        for part in [bar.used, bar.projected, bar.over, bar.rest] {
            prop_assert!((0.0..=100.0).contains(&part), "{bar:?}");
        }
        prop_assert!((bar.used + bar.projected + bar.over + bar.rest - 100.0).abs() < 0.01, "{bar:?}");
    }
}
