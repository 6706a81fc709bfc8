//! Two snapshots compared, with a look further back for what only was missing from an answer.
//!
//! An answer may leave out an organization, or an account group, for a while. When it returns, what was last known of it is
//! in an older snapshot: one with the same quota is no change, and one with another was changed by somebody.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use tracing::info;

use crate::change::explains;
use crate::domain::diff::{Comparison, Diff, LastSeen, SentRow, last_seen};
use crate::domain::merge::merge;
use crate::domain::quota::Target;
use crate::history::{Block, History};

/// So many older snapshots are opened, and so many bytes of them, for all that returned. What is not found there is a first
/// appearance.
const MOST_SNAPSHOTS: usize = 100;
const MOST_BYTES: u64 = 512 << 20;

/// What changed between two snapshots of the history, and who changed it. Both are read organization by organization.
pub(crate) fn compare(
    history: &History,
    runs: &Path,
    earlier: DateTime<Utc>,
    later: DateTime<Utc>,
) -> anyhow::Result<Diff> {
    let sent = explains::sent_rows(runs, earlier)?;
    let nothing_known = HashMap::new();
    let comparison = compared(history, earlier, later, &nothing_known, &sent)?;
    let known = known_before(history, runs, earlier, comparison.returned().clone())?;
    if known.is_empty() {
        return Ok(comparison.finish());
    }
    let first = known.values().map(|seen| seen.at).min().unwrap_or(earlier);
    let sent = explains::sent_rows(runs, first.min(earlier))?;
    Ok(compared(history, earlier, later, &known, &sent)?.finish())
}

fn compared<'s>(
    history: &History,
    earlier: DateTime<Utc>,
    later: DateTime<Utc>,
    known: &'s HashMap<Target, LastSeen>,
    sent: &'s [SentRow],
) -> anyhow::Result<Comparison<'s>> {
    let mut comparison = Comparison::new((earlier, later), known, sent);
    let in_order = |a: &anyhow::Result<Block>, b: &anyhow::Result<Block>| match (a, b) {
        (Ok(a), Ok(b)) => a.id().cmp(b.id()),
        _ => Ordering::Equal, // an error ends it, whatever stands beside it
    };
    for (before, after) in merge(history.blocks(earlier)?, history.blocks(later)?, in_order) {
        let (before, after) = (before.transpose()?, after.transpose()?);
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) if !comparison.is_always_compared(before.id()) => {
                if before.is_same(&after) {
                    comparison.add_same(before.rows());
                    continue;
                }
                let (before, after, same) = before.without_same_rows(after);
                comparison.add_same(same);
                (Some(before), Some(after))
            }
            both => both,
        };
        let before = before.map(|block| history.organization(earlier, block)).transpose()?;
        let after = after.map(|block| history.organization(later, block)).transpose()?;
        comparison.add(before.as_ref(), after.as_ref());
    }
    Ok(comparison)
}

/// What older snapshots say of targets that the earlier one does not show: `open` are those.
fn known_before(
    history: &History,
    runs: &Path,
    earlier: DateTime<Utc>,
    mut open: HashSet<Target>,
) -> anyhow::Result<HashMap<Target, LastSeen>> {
    let mut known = HashMap::new();
    if open.is_empty() {
        return Ok(known);
    }
    let older: Vec<_> = history.list()?.into_iter().filter(|at| *at < earlier).collect();
    if older.is_empty() {
        return Ok(known);
    }
    let mut next = history.read(earlier)?;
    let mut bytes = 0;
    for at in older.into_iter().rev().take(MOST_SNAPSHOTS) {
        bytes += fs_err::metadata(history.path(at)).map_or(0, |file| file.len());
        if bytes > MOST_BYTES || open.is_empty() {
            break;
        }
        let Some(snapshot) = history.read_or_warn(at) else { continue };
        let mut unread = Ok(());
        let sent = || {
            explains::sent_rows(runs, at).unwrap_or_else(|error| {
                unread = Err(error);
                Vec::new()
            })
        };
        known.extend(last_seen(&mut open, &snapshot, &next, sent));
        unread?;
        next = snapshot;
    }
    if !known.is_empty() {
        info!(targets = known.len(), "targets returned that were missing from answers");
    }
    Ok(known)
}
