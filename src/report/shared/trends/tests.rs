//! What a trend is compared with: the same day of the previous cycle, and nothing where nobody knows.

use super::*;
use crate::domain::quota::{SnapshotRow, Usage};
use crate::report::fixtures::{at, group, report_from};

/// Snapshots of one account group, each `(day, used)` in the cycle that began on that month's 5th.
fn seen(month: u32, days: &[(u32, Option<Units>)]) -> Vec<Snapshot> {
    let moment = |day: u32| at(&format!("{month:02}-{day:02}T06:00"));
    let row = |used: Option<Units>| SnapshotRow {
        usage: Usage {
            cloud_used: used,
            cloud_projected: used,
            enterprise_used: used.map(|_| 0),
            enterprise_projected: used.map(|_| 0),
            ..Usage::default()
        },
        period_start: Some(at(&format!("{month:02}-05T00:00"))),
        period_end: Some(at(&format!("{:02}-05T00:00", month + 1))),
        ..group("7", "Lab", Some(1000), 0, 0)
    };
    days.iter().map(|(day, used)| Snapshot::new(moment(*day), vec![row(*used)])).collect()
}

fn trend(before: &[(u32, Option<Units>)], now: Units) -> String {
    let latest = seen(11, &[(22, Some(now))]).remove(0);
    report_from(&latest, &seen(10, before)).worst[0].trend.to_string()
}

#[test]
fn it_is_compared_with_the_same_day_of_the_cycle_before() {
    // Seventeen days in: on 22 Nov as on 22 Oct.
    assert_eq!(trend(&[(22, Some(100))], 141), "+41 % on the previous cycle");
    assert_eq!(trend(&[(22, Some(200))], 150), "−25 % on the previous cycle");
    assert_eq!(trend(&[(22, Some(1000))], 1004), "same as the previous cycle");
    assert_eq!(trend(&[(22, Some(0))], 5), "new: nothing was used by this day of the previous cycle");
    assert_eq!(trend(&[(22, Some(0))], 0), "same as the previous cycle");
}

#[test]
fn between_two_readings_it_is_the_line_between_them() {
    assert_eq!(trend(&[(21, Some(90)), (23, Some(110))], 150), "+50 % on the previous cycle");
}

#[test]
fn nothing_is_said_where_the_history_does_not_tell() {
    for before in [
        &[][..],
        &[(22, None)],
        &[(21, Some(90))],
        &[(23, Some(90))],
        &[(20, Some(90)), (24, Some(110))],
        &[(21, Some(90)), (23, None)],
    ] {
        assert_eq!(trend(before, 150), "", "{before:?}");
    }
}
