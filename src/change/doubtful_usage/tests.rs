//! Which usage is not believed because earlier snapshots of the cycle show more.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::change::fixtures::{group, own, snapshot};
use crate::domain::quota::SnapshotRow;

/// The used units of the organization and of its two account groups, after what cannot be so is forgotten.
fn kept(then: [Units; 3], now: [Units; 3], period: [[DateTime<Utc>; 2]; 2]) -> Vec<Option<Units>> {
    let seen = |[of_all, first, second]: [Units; 3], [start, end]: [DateTime<Utc>; 2]| {
        let rows = [
            own("7", Some(9_000), of_all, 0),
            group("7", "1", Some(9), first, 0),
            group("7", "2", Some(9), second, 0),
        ];
        snapshot(rows.map(|row| SnapshotRow { period_start: Some(start), period_end: Some(end), ..row }))
    };
    let mut live = seen(now, period[1]);
    let doubtful = forget(&mut live, &BTreeSet::from(["7".into()]), Some(&seen(then, period[0])));
    let kept: Vec<_> = live.rows().map(|row| row.usage.cloud_used).collect();
    assert_eq!(doubtful.len(), usize::from(kept.contains(&None)));
    kept
}

#[test]
fn what_fell_within_a_cycle_and_what_is_of_a_cycle_that_is_over_is_not_known() {
    let now = snapshot([]).taken_at;
    let cycle = |days: i64| [now - TimeDelta::days(days), now + TimeDelta::days(30 - days)];
    let same = [cycle(5); 2];
    assert_eq!(kept([100, 60, 40], [100, 60, 40], same), [Some(100), Some(60), Some(40)]);
    assert_eq!(kept([100, 60, 40], [130, 70, 60], same), [Some(130), Some(70), Some(60)]);
    assert_eq!(kept([100, 60, 40], [100, 59, 41], same), [Some(100), None, Some(41)]);
    assert_eq!(kept([100, 60, 40], [0, 0, 0], same), [None, None, None]);
    let [start, end] = cycle(5);
    let said_otherwise = [cycle(5), [start - TimeDelta::seconds(1), end]];
    assert_eq!(kept([100, 60, 40], [0, 0, 0], said_otherwise), [None; 3], "the same cycle in other words");
    let next = [cycle(35), cycle(5)];
    assert_eq!(kept([100, 60, 40], [3, 2, 1], next), [Some(3), Some(2), Some(1)], "a new cycle begins at 0");
    let over = [cycle(30); 2];
    let mut alone = snapshot([SnapshotRow { period_end: Some(now), ..own("7", Some(9), 1, 1) }]);
    assert_eq!(
        forget(&mut alone, &BTreeSet::from(["7".into()]), None).len(),
        1,
        "whatever the history shows"
    );
    assert_eq!(kept([100, 60, 40], [130, 70, 60], over), [None, None, None]);
}
