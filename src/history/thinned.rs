//! A long history looked at through few snapshots.

use chrono::{DateTime, Utc};

/// At most `count` moments from `from` until before `to`, evenly in time however densely they lie: the last of each of
/// `count` equal stretches.
pub(crate) fn thinned(
    all: &[DateTime<Utc>],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    count: i32,
) -> Vec<DateTime<Utc>> {
    let stretch = ((to - from) / count).num_seconds().max(1);
    let inside = all.iter().copied().filter(|at| from <= *at && *at < to);
    let mut kept: Vec<DateTime<Utc>> = Vec::new();
    for at in inside {
        let stretch_of = |at: DateTime<Utc>| ((at - from).num_seconds() / stretch).min(i64::from(count) - 1);
        match kept.last_mut() {
            Some(last) if stretch_of(*last) == stretch_of(at) => *last = at,
            _ => kept.push(at),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
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
}
