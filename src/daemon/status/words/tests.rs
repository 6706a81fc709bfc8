//! How long something took, as people say it.

use super::*;

#[test]
fn nothing_takes_no_time_and_long_work_is_not_counted_in_seconds() {
    let said = [0, 99, 100, 1_250, 119_999, 120_000, 3_725_400, 7_200_000].map(duration);
    assert_eq!(said, ["< 0.1 s", "< 0.1 s", "0.1 s", "1.2 s", "119.9 s", "2 min", "62 min", "2 h"]);
}
