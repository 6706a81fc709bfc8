//! The prune job: thins the history, and removes finished runs and mail that is no longer needed.
//!
//! What was sent and what was run is also how the same thing is recognized when it comes again. So nothing goes that a snapshot
//! still to be reported, a file still in the inbox, or an open run could need.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use crate::change::Services;
use crate::change::answers;
use crate::change::retention as runs;
use crate::change::run::id::{is_id, root_of};
use crate::change::run::{Run, RunRecord};
use crate::config::Config;
use crate::files::data_folder::DataFolder;
use crate::files::leftovers;
use crate::first_error::FirstError;
use crate::history::History;
use crate::history::retention as snapshots;
use crate::jobs::records::closings;
use crate::jobs::requests;
use crate::jobs::state::StateFile;
use crate::mail::Mailer;
use crate::thousandeyes::{LazyClient, is_clock_confirmed};

/// Each part by itself: what cannot be removed keeps nothing else.
pub(crate) async fn prune(
    services: &Services<'_>,
    mailer: &Mailer,
    state: &StateFile<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let (config, history) = (services.config, services.history);
    let now = confirmed_time(services.api, history, now).await?;
    let mut failed = FirstError::default();
    let parts = [
        thin_history(config, history, state, now),
        remove_finished_runs(services, now),
        remove_old_mail(config, history, mailer, now),
        remove_leftovers(config, now),
    ];
    for part in parts {
        if let Err(error) = part {
            failed.note(error);
        }
    }
    failed.or(())
}

/// The time by which something is old. By a clock that jumped ahead everything would be: where the API's own clock is behind, that
/// counts, and where it cannot be asked, the time of the newest snapshot does.
async fn confirmed_time(
    api: &LazyClient,
    history: &History,
    now: DateTime<Utc>,
) -> anyhow::Result<DateTime<Utc>> {
    let server = match api.get() {
        Ok(client) => client.server_now(now).await,
        Err(_) => None,
    };
    if is_clock_confirmed(now, server) {
        return Ok(now);
    }
    let known = match server {
        Some(server) => server,
        None => match history.until(now)?.last() {
            Some(newest) => *newest,
            // The failed snapshot says why; nothing is old yet.
            None => return Ok(DateTime::UNIX_EPOCH),
        },
    };
    if known < now {
        warn!(by = %known, "the API does not confirm this machine's clock: ages are counted from an earlier time");
    }
    Ok(now.min(known))
}

fn thin_history(
    config: &Config,
    history: &History,
    state: &StateFile<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let all = history.until(now)?;
    let reported = closings::reported_snapshots(state, now)?;
    let mut superfluous = snapshots::superfluous(&all, config.data.keep);
    superfluous.retain(|at| !reported.contains(at));
    for at in &superfluous {
        history.remove(*at)?;
    }
    info!(kept = all.len() - superfluous.len(), removed = superfluous.len(), "history thinned");
    Ok(())
}

/// Nothing later than this goes: what the last two snapshots show is compared, and reported, once more with the next.
fn cutoff(history: &History, now: DateTime<Utc>, keep: std::time::Duration) -> anyhow::Result<DateTime<Utc>> {
    let last_two = history.until(now)?.into_iter().rev().nth(1);
    Ok((now - keep).min(last_two.unwrap_or(now)))
}

fn remove_finished_runs(services: &Services<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let inbox = services.inbox.open()?;
    let (all, broken) = Run::list(services.runs())?;
    let records: Vec<_> = all.iter().map(|run| &run.record).collect();
    let mut superfluous =
        runs::superfluous(&records, cutoff(services.history, now, services.config.data.keep_runs)?);
    // One that cannot be read may still be open, and would need what it was split off from.
    superfluous.retain(|id| !broken.iter().any(|broken| root_of(&broken.id) == root_of(id)));
    // A run whose file is still there is what keeps that file from being run again.
    let by_id: HashMap<&str, &RunRecord> =
        records.iter().map(|record| (record.id.as_str(), *record)).collect();
    superfluous.retain(|id| !by_id.get(id.as_str()).is_some_and(|record| inbox.may_have_file_of(record)));
    for run in all.iter().filter(|run| superfluous.contains(&run.record.id)) {
        answers::remove(services, &run.record)?;
    }
    // One that cannot be removed keeps no other.
    let removed: Vec<anyhow::Result<()>> =
        superfluous.iter().map(|id| Run::remove(services.runs(), id)).collect();
    let count = removed.iter().filter(|removed| removed.is_ok()).count();
    if count > 0 {
        info!(removed = count, "finished runs removed");
    }
    removed.into_iter().collect()
}

fn remove_old_mail(
    config: &Config,
    history: &History,
    mailer: &Mailer,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let removed = mailer.prune(cutoff(history, now, config.data.keep_mail)?)?;
    if removed > 0 {
        info!(removed, "old mail removed");
    }
    Ok(())
}

/// What killed writes left; also at each start of the daemon.
pub(crate) fn remove_leftovers(config: &Config, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (data, mut failed, mut removed) = (&config.data.dir, FirstError::default(), 0);
    let own = DataFolder::ALL.iter().map(|folder| (folder.below(data), folder.depth()));
    let folders = own.chain([(data.clone(), 0), (config.answers_dir(), 1)]);
    for swept in [leftovers::empty_folders(&config.runs_dir(), is_id, now), requests::sweep_unseen(data, now)]
    {
        match swept {
            Ok(count) => removed += count,
            Err(error) => failed.note(error.into()),
        }
    }
    for (folder, depth) in folders {
        match leftovers::temporary_files(&folder, depth, now) {
            Ok(count) => removed += count,
            Err(error) => failed.note(error.into()),
        }
    }
    if removed > 0 {
        info!(removed, "leftovers of interrupted writes removed");
    }
    failed.or(())
}

#[cfg(test)]
mod tests;
