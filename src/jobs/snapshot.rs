//! The snapshot job: quotas, names and usage of every organization become one file, and what changed is reported.
//!
//! The slot is served once the file is written. Reporting is retried by itself: an error there takes no second snapshot.

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::serve::Done;
use super::{Job, serve};
use crate::change::inbox::first_error::FirstError;
use crate::clock::Clock;
use crate::collect;
use crate::collect::top_consumers::LargestTests;
use crate::domain::quota::Snapshot;
use crate::history::{Unreadable, changes, left_out};
use crate::jobs::App;
use crate::jobs::comparison::{Later, compare};

/// Reads quotas, names and usage of every organization, writes them as one file, and tells what changed since the last, and
/// what became critical.
pub(super) async fn take(app: &App, clock: &Clock, began: DateTime<Utc>) -> anyhow::Result<Done> {
    let parts = app.config.snapshot;
    let earlier = app.history.until(clock.now())?;
    let fetched =
        collect::take(app.client()?, parts.names, parts.usage, &app.config.usage.rule(), clock.now()).await?;
    app.seat.check()?;
    let state = app.state(clock.now());
    let (mut seen, largest) = (fetched.snapshot.readable(), fetched.largest_tests);
    let (at, rows) = app.history.write(seen.taken_at, || seen.rows())?;
    seen.taken_at = at; // as its file says
    info!(rows, %at, "snapshot written");
    let mut failed = FirstError::default();
    if let Err(error) = serve::served(app, state, Job::Snapshot, clock, began) {
        failed.note(error);
    }
    if let [before @ .., last] = &earlier[..]
        && !app.has_judged(*last)
    {
        // A crash may have come between a snapshot and what was to be told of it; told twice it is told once.
        let told = app.history.read(*last).and_then(|last| tell_changes(app, before, &last, clock.now()));
        if let Err(error) = told {
            warn!(error = format!("{error:#}"), "what the last snapshot showed cannot be told");
        }
    }
    if let Err(error) = tell(app, &earlier, &seen, &largest, clock.now()) {
        failed.note(error);
    }
    failed.or(Done::default())
}

/// Tells what the last snapshot showed, where that failed after it was written.
pub(super) fn tell_again(app: &App, now: DateTime<Utc>) -> anyhow::Result<()> {
    let all = app.history.until(now)?;
    if let [earlier @ .., latest] = &all[..] {
        tell(app, earlier, &app.history.read(*latest)?, LargestTests::none(), now)?;
    }
    Ok(())
}

fn tell(
    app: &App,
    earlier: &[DateTime<Utc>],
    latest: &Snapshot,
    largest: &LargestTests,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    tell_changes(app, earlier, latest, now)?;
    app.tell_critical(latest, largest, now)
}

/// Writes below `changes/` what changed since the last earlier snapshot that can be read, and mails what no run of ours explains.
fn tell_changes(
    app: &App,
    earlier: &[DateTime<Utc>],
    later: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for before in earlier.iter().rev() {
        let seen = match compare(&app.history, &app.runs(), *before, Later::Seen(later)) {
            Err(error) if error.is::<Unreadable>() => {
                left_out(&error);
                continue;
            }
            compared => compared?,
        };
        changes::write(&app.config.data.dir, &seen)?;
        app.mailer.drift(&seen, later, now)?;
        return app.mailer.drift_to_owners(&seen, later, now);
    }
    Ok(())
}
