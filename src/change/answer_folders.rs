//! Which run's answers lie in which folder, as the process knows it.

pub(super) mod claims;
pub(super) mod place;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::debug;

use self::claims::Claims;
use crate::change::run::Run;
use crate::config::Config;

/// Which folder is whose, as the runs' records say. Read once: only the holder of the lock changes it.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    known: Mutex<Option<Claims>>,
    swept: OnceLock<()>,
}

impl Folders {
    pub(in crate::change) fn claims(&self, config: &Config) -> anyhow::Result<ClaimsGuard<'_>> {
        let runs = config.runs_dir();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(Claims::from_runs(Run::list(&runs)?));
            self.sweep_once(config);
        }
        let mut known = ClaimsGuard(known);
        known.get().read_again(|id| Run::open(&runs, id));
        Ok(known)
    }

    /// The first to look after a start finds what a kill left.
    pub(in crate::change) fn sweep_once(&self, config: &Config) {
        self.swept.get_or_init(|| {
            if let Err(error) = place::sweep(config) {
                debug!(%error, "inbox.answers_dir could not be swept");
            }
        });
    }
}

/// The claims, read.
pub(in crate::change) struct ClaimsGuard<'f>(MutexGuard<'f, Option<Claims>>);

impl ClaimsGuard<'_> {
    pub(in crate::change) fn get(&mut self) -> &mut Claims {
        self.0.get_or_insert_default()
    }
}

/// Below a read-only inbox nothing can be written.
pub(in crate::change) fn has_no_place(config: &Config) -> bool {
    config.inbox.read_only && config.inbox.answers_dir.is_none()
}
