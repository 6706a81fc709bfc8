//! What the server is asked, answered from what is in memory.

use std::sync::Arc;
use std::time::Duration;

use super::latest_observed::LatestObserved;
use super::observed::Process;
use crate::clock::Clock;
use crate::daemon::metrics::Metrics;
use crate::files::read_only::is_read_only;
use crate::jobs::App;

/// What the server asks.
pub(crate) struct Probes {
    pub(super) app: Arc<App>,
    pub(super) latest: Arc<LatestObserved>,
}

impl Probes {
    /// By what names others may ask: that of `server.public_url` besides this machine's.
    pub(in crate::daemon) fn public_url(&self) -> Option<&reqwest::Url> {
        self.app.config.server.public_url.as_ref()
    }

    /// With the configuration as it is now.
    pub(in crate::daemon) fn app(&self) -> Arc<App> {
        self.app.current()
    }

    /// How many runs wait for a person, as the files said last.
    pub(in crate::daemon) fn held_runs(&self) -> usize {
        self.latest.observed().map_or(0, |observed| observed.held_runs())
    }

    /// For how long the daemon's loop has been stuck, if it is.
    pub(in crate::daemon) fn stuck_for(&self) -> Option<Duration> {
        self.app.activity.stuck_for()
    }

    /// What keeps the daemon from being ready, each a sentence.
    pub(in crate::daemon) fn not_ready(&self) -> Vec<String> {
        if self.app.cancel.is_cancelled() {
            return vec!["The daemon is stopping.".to_owned()];
        }
        match self.latest.observed() {
            Some(observed) => {
                let app = self.app.current();
                observed.not_ready(&process(&app), is_read_only(&app.config.data.dir), Clock::read().now())
            }
            None => vec![JUST_STARTED.to_owned()],
        }
    }

    /// None before the files were read for the first time.
    pub(in crate::daemon) fn metrics(&self) -> Option<Metrics> {
        let observed = self.latest.observed()?;
        Some(observed.metrics(&process(&self.app.current()), false, Clock::read().now()))
    }
}

/// What there is to say before the files were read.
pub(in crate::daemon) const JUST_STARTED: &str = "The daemon has just started.";

/// What is known of the process itself.
pub(super) fn process(app: &App) -> Process<'_> {
    Process {
        schedule: &app.config.schedule,
        history: &app.history,
        client: app.api.if_used().map(AsRef::as_ref),
        work: app.activity.work(),
    }
}
