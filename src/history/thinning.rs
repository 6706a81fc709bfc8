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
mod tests;
