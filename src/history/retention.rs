//! Which snapshots may be removed: thinned to hourly, daily and monthly ones, as backup tools do. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::config::Keep;

/// The snapshots to remove. Of each hour, day and month (UTC) the last snapshot stands for it, and of these
/// the newest `hourly`, `daily` and `monthly` stay. The newest two of all always stay: what changed between them may
/// still have to be reported, and another pair would show other changes.
pub(crate) fn superfluous(all: &[DateTime<Utc>], keep: Keep) -> Vec<DateTime<Utc>> {
    let mut newest_first = all.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    newest_first.dedup();
    let mut kept: BTreeSet<DateTime<Utc>> = newest_first.iter().copied().take(2).collect();
    for (bucket, count) in [("%Y%m%d%H", keep.hourly), ("%Y%m%d", keep.daily), ("%Y%m", keep.monthly)] {
        let mut last = None;
        let mut left = count;
        for at in &newest_first {
            if left == 0 {
                break;
            }
            let name = at.format(bucket).to_string();
            if last.as_ref() != Some(&name) {
                kept.insert(*at);
                last = Some(name);
                left -= 1;
            }
        }
    }
    let mut gone: Vec<_> = newest_first.into_iter().filter(|at| !kept.contains(at)).collect();
    gone.reverse();
    gone
}

#[cfg(test)]
mod tests;
