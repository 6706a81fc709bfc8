//! Which snapshots of a long time are opened.

use super::*;
use chrono::Duration;

#[test]
fn however_long_the_history_few_snapshots_are_opened_and_they_lie_evenly() {
    let to: DateTime<Utc> = "2026-11-22T06:00:00Z".parse().unwrap();
    let from = to - Duration::days(60);
    // As retention leaves it: days, then hours; and minutes, which somebody asked for.
    let days = (7..400).rev().map(|days| to - Duration::days(days));
    let minutes = (0..7 * 24 * 60).rev().map(|minutes| to - Duration::minutes(minutes));
    let all: Vec<_> = days.chain(minutes).collect();
    let kept = thinned(&all, from, to, 90);
    assert!((60..=90).contains(&kept.len()), "{}", kept.len());
    assert!(kept.is_sorted() && from <= kept[0] && *kept.last().unwrap() == to - Duration::minutes(1));
    assert!(kept.windows(2).all(|pair| pair[1] - pair[0] <= Duration::hours(48)), "{kept:?}");
    assert!(thinned(&[], from, to, 90).is_empty());
}
