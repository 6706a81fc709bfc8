//! What counts as an end, a failure and a hang.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_end_is_counted_once_and_a_job_that_was_cut_off_did_not_fail() {
    let activity = Activity::new(Duration::from_secs(690));
    for (success, cut_off) in [(true, false), (false, false), (false, true), (true, true)] {
        activity.begin(Job::Inbox);
        assert!(activity.work().running.contains_key(&Job::Inbox));
        tokio::time::advance(Duration::from_secs(2)).await;
        activity.end(Job::Inbox, success, cut_off);
    }
    let work = activity.work();
    let tally = JobCounts { successes: 2, failures: 1, busy: Duration::from_secs(6) };
    assert_eq!(work.tallies[&Job::Inbox], tally);
    assert!(work.running.is_empty() && work.failing.is_empty() && work.jobs_ended() == 3);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_in_a_job_is_no_hang_and_the_same_silence_without_a_job_is() {
    let ten_minutes = Duration::from_secs(600);
    let activity = Activity::new(Duration::from_secs(690));
    activity.begin(Job::Snapshot);
    tokio::time::advance(ten_minutes).await;
    assert_eq!(activity.stuck_for(), None);
    tokio::time::advance(ten_minutes).await;
    assert_eq!(activity.stuck_for(), Some(2 * ten_minutes));
    activity.liveness.watch(async { activity.end(Job::Snapshot, true, false) }).await;
    assert_eq!(activity.stuck_for(), None);
    tokio::time::advance(ten_minutes).await;
    assert_eq!(activity.stuck_for(), Some(ten_minutes));
}
