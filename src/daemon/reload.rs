//! SIGHUP: the configuration is read again between two units of work. A valid one is taken over; one that cannot be used is
//! an error in the log and in `status`, and the one before stays.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tracing::{error, info, warn};

use super::info::{AtWork, DaemonInfo, InUse};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, Environment};
use crate::daemon::health;
use crate::jobs::App;

/// So often it is looked what the daemon is at.
const LOOKS: Duration = Duration::from_secs(15);

/// A unit that takes longer is shown to those who look from another process.
const LONG: TimeDelta = TimeDelta::minutes(1);

/// Where the configuration comes from.
pub(crate) struct Source {
    pub file: Option<PathBuf>,
    pub environment: Environment,
}

impl Source {
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        config::load(self.file.as_deref(), &self.environment)
    }

    /// The file as it is now; none where there is none, or where it cannot be read.
    pub(crate) fn read(&self) -> Option<InUse> {
        InUse::read(self.file.as_deref()?).ok()
    }
}

/// What `daemon.json` says, and how it changes.
#[derive(Clone)]
pub(super) struct PublishedInfo(Arc<Mutex<DaemonInfo>>);

impl PublishedInfo {
    pub(super) fn new(app: &App, config: Option<InUse>) -> Self {
        let shown = Self(Arc::new(Mutex::new(DaemonInfo::new(config))));
        shown.change(app, |_| {});
        shown
    }

    /// Changes what it says, and writes it.
    fn change(&self, app: &App, change: impl FnOnce(&mut DaemonInfo)) {
        let mut info = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut info);
        if app.lock.check().is_ok()
            && let Err(error) = info.write(&app.config.data.dir)
        {
            warn!(%error, "the configuration in use could not be recorded for `status`");
        }
    }

    /// Shows a unit of work that takes long, until it is over.
    pub(super) async fn keep_shown(self, app: Arc<App>) {
        loop {
            tokio::time::sleep(LOOKS).await;
            let now = Clock::read().now();
            let running = app.activity.work().running;
            let since = |began: tokio::time::Instant| now - began.elapsed();
            let long = running.into_iter().map(|(job, began)| AtWork { job, since: since(began) });
            let long = long.filter(|at_work| now - at_work.since > LONG).min_by_key(|at_work| at_work.since);
            let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner).at_work;
            let is_shown = match (long, shown) {
                (Some(long), Some(shown)) => {
                    long.job == shown.job && (long.since - shown.since).abs() < TimeDelta::seconds(10)
                }
                (long, shown) => long.is_none() && shown.is_none(),
            };
            if !is_shown {
                self.change(&app, |info| info.at_work = long);
            }
        }
    }
}

/// Takes over the configuration as it is now, if it can be used.
pub(super) fn reload(app: &Arc<App>, source: &Source, shown: &PublishedInfo) -> Arc<App> {
    health::reloading();
    // Before the file is read: if it changes meanwhile, `status` says that it is not in use.
    let read = source.read();
    let next = match source.load() {
        Ok(mut config) => {
            let needs_restart = keep_until_restart(&app.config, &mut config);
            let next = app.reload_with(config);
            next.mailer.warned_of_routes();
            info!("the configuration was read again and is in use");
            for key in &needs_restart {
                warn!(key, "this change takes effect at the next start");
            }
            shown.change(app, |info| {
                info.config = read;
                info.problems.clear();
                info.needs_restart = needs_restart.into_iter().map(str::to_owned).collect();
            });
            next
        }
        Err(ConfigError { problems, .. }) => {
            for problem in &problems {
                error!(problem, "the configuration cannot be used: the previous one stays in use");
            }
            shown.change(app, |info| info.problems = problems);
            Arc::clone(app)
        }
    };
    health::reloaded();
    next
}

/// What cannot change while the process runs stays as it is in use; says what would have changed.
fn keep_until_restart(old: &Config, new: &mut Config) -> Vec<&'static str> {
    let Config {
        data,
        server,
        metrics,
        heartbeat,
        // All of these are taken over.
        api: _,
        snapshot: _,
        schedule: _,
        inbox: _,
        guard: _,
        usage: _,
        alerts: _,
        mail: _,
        smtp: _,
    } = old;
    let mut kept = Vec::new();
    if new.data.dir != data.dir {
        kept.push("data.dir");
        new.data.dir.clone_from(&data.dir);
    }
    if new.server != *server {
        kept.push("[server]");
        new.server = server.clone();
    }
    if new.metrics != *metrics {
        kept.push("[metrics]");
        new.metrics = metrics.clone();
    }
    if new.heartbeat != *heartbeat {
        kept.push("[heartbeat]");
        new.heartbeat = heartbeat.clone();
    }
    kept
}

#[cfg(test)]
mod tests;
