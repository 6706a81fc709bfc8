//! Which snapshots are judged after a gap.

use super::*;

#[test]
fn the_latest_is_judged_always_and_those_that_were_missed_before_it() {
    let all: Vec<DateTime<Utc>> =
        (0..30).map(|hour| DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)).collect();
    assert_eq!(first_to_judge(&all, None, None), 28, "without a record the one before is the baseline");
    assert_eq!(first_to_judge(&all[..1], None, None), 0);
    assert_eq!(first_to_judge(&all, Some(all[28]), None), 29);
    assert_eq!(first_to_judge(&all, Some(all[20]), None), 21);
    assert_eq!(first_to_judge(&all, Some(all[0]), None), 6, "no more than a day is caught up");
    assert_eq!(first_to_judge(&all[..10], Some(all[20]), None), 9, "a record of the future silences nothing");
    assert_eq!(first_to_judge(&[], None, None), 0);
    // Where the record was lost, from the last digest on; that is no reason to judge more than a day.
    assert_eq!(first_to_judge(&all, None, Some(all[20] + chrono::TimeDelta::minutes(1))), 20);
    assert_eq!(first_to_judge(&all, None, Some(all[0])), 6);
    assert_eq!(first_to_judge(&all, None, Some(all[29])), 28);
    assert_eq!(first_to_judge(&all[..1], None, Some(all[0])), 0);
}
