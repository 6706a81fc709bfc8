//! Which snapshots stay, over years.

use chrono::Duration;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn the_last_of_each_bucket_stays() {
    let all = [
        at("2026-10-01T10:00:00Z"),
        at("2026-10-31T10:00:00Z"),
        at("2026-11-21T10:00:00Z"),
        at("2026-11-21T23:00:00Z"),
        at("2026-11-22T07:00:00Z"),
        at("2026-11-22T08:00:00Z"),
        at("2026-11-22T08:30:00Z"),
    ];
    let gone = superfluous(&all, Keep { hourly: 1, daily: 2, monthly: 2 });
    assert_eq!(gone, [all[0], all[2], all[4]]);
}

#[test]
fn three_years_of_hourly_snapshots_thin_to_a_few_hundred() {
    let start = at("2026-01-01T00:00:00Z");
    let all: Vec<_> = (0..3 * 365 * 24).map(|hour| start + Duration::hours(hour)).collect();
    let kept = all.len() - superfluous(&all, Keep::default()).len();
    assert!((500..=168 + 400 + 84).contains(&kept), "{kept}");
}

#[test]
fn ten_years_of_hours_thinned_again_and_again_end_as_if_thinned_once() {
    let start = at("2026-01-01T00:00:00Z");
    let hours = |from: i64, until: i64| (from..until).map(move |hour| start + Duration::hours(hour));
    let (end, step) = (10 * 365 * 24, 20 * 24 + 7);
    let mut kept = Vec::new();
    let mut begin = 0;
    while begin < end {
        let until = (begin + step).min(end);
        kept.extend(hours(begin, until));
        let gone = superfluous(&kept, Keep::default());
        kept.retain(|at| gone.binary_search(at).is_err());
        begin = until;
    }
    let last = start + Duration::hours(end - 1);
    let is_hourly = |at: &DateTime<Utc>| last - *at < Duration::hours(168);
    assert_eq!(kept.iter().filter(|at| is_hourly(at)).count(), 168);
    let days: BTreeSet<_> = kept
        .iter()
        .map(DateTime::date_naive)
        .filter(|day| last.date_naive() - *day < Duration::days(400))
        .collect();
    assert_eq!(days.len(), 400);
    let months: BTreeSet<_> = kept.iter().map(|at| at.format("%Y-%m").to_string()).collect();
    assert_eq!((months.len(), months.first().map(String::as_str)), (84, Some("2029-01")));
    // Each is the last of its day, or of an hour of the last week.
    assert!(kept.iter().all(|at| is_hourly(at) || at.format("%H").to_string() == "23"), "{kept:?}");
    let all: Vec<_> = hours(0, end).collect();
    let gone = superfluous(&all, Keep::default());
    assert_eq!(kept, all.into_iter().filter(|at| gone.binary_search(at).is_err()).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn thinning_twice_is_thinning_once_and_the_newest_two_stay(
        times in proptest::collection::vec(0..400_000_000i64, 1..300), hourly in 0..9usize, daily in 0..9usize, monthly in 0..9usize,
    ) {
        let keep = Keep { hourly, daily, monthly };
        let all: Vec<_> = times.iter().map(|s| DateTime::from_timestamp(*s, 0).unwrap()).collect();
        let gone = superfluous(&all, keep);
        let rest: Vec<_> = all.iter().copied().filter(|at| !gone.contains(at)).collect();
        prop_assert!(superfluous(&rest, keep).is_empty());
        let newest = |mut times: Vec<DateTime<Utc>>| {
            times.sort_unstable();
            times.dedup();
            times.split_off(times.len().saturating_sub(2))
        };
        prop_assert_eq!(newest(rest), newest(all));
    }
}
