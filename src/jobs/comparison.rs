//! Two snapshots compared, with a look further back for what only was missing from an answer.
//!
//! An answer may leave out an organization, or an account group, for a while. When it returns, what was last known of it is
//! in an older snapshot: one with the same quota is no change, and one with another was changed by somebody.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use tracing::{info, warn};

use crate::change::explains;
use crate::domain::diff::{Diff, LastSeen, diff, last_seen, returned};
use crate::domain::quota::{Snapshot, Target};
use crate::history::History;

/// So many older snapshots are opened, and so many bytes of them, for all that returned. What is not found there is a first
/// appearance.
const MOST_SNAPSHOTS: usize = 100;
const MOST_BYTES: u64 = 512 << 20;

/// What changed between two snapshots of the history, and who changed it.
pub(crate) fn compare(
    history: &History,
    runs: &Path,
    earlier: &Snapshot,
    later: &Snapshot,
) -> anyhow::Result<Diff> {
    let known = known_before(history, runs, earlier, later)?;
    let first = known.values().map(|seen| seen.at).min().unwrap_or(earlier.taken_at);
    let sent = explains::sent_rows(runs, first.min(earlier.taken_at))?;
    Ok(diff(earlier, later, &known, &sent))
}

fn known_before(
    history: &History,
    runs: &Path,
    earlier: &Snapshot,
    later: &Snapshot,
) -> anyhow::Result<HashMap<Target, LastSeen>> {
    let mut open = returned(earlier, later);
    let mut known = HashMap::new();
    if open.is_empty() {
        return Ok(known);
    }
    let older: Vec<_> = history.list()?.into_iter().filter(|at| *at < earlier.taken_at).collect();
    let mut next = Cow::Borrowed(earlier);
    let mut bytes = 0;
    for at in older.into_iter().rev().take(MOST_SNAPSHOTS) {
        bytes += fs_err::metadata(history.path(at)).map_or(0, |file| file.len());
        if bytes > MOST_BYTES || open.is_empty() {
            break;
        }
        let snapshot = match history.read(at) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                warn!(error = format!("{error:#}"), "a snapshot is left out of the comparison");
                continue;
            }
        };
        let mut unread = Ok(());
        let sent = || {
            explains::sent_rows(runs, at).unwrap_or_else(|error| {
                unread = Err(error);
                Vec::new()
            })
        };
        known.extend(last_seen(&mut open, &snapshot, &next, sent));
        unread?;
        next = Cow::Owned(snapshot);
    }
    if !known.is_empty() {
        info!(targets = known.len(), "targets returned that were missing from answers");
    }
    Ok(known)
}
