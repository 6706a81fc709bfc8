//! What long work is at, for whoever watches: set by those who do it, read by the bar on a terminal. And, pure, how long
//! what is left of it will take.

use crate::thousandeyes::rate_budget::Allowance;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Starting,
    /// Quotas and names.
    Quotas,
    /// Usage, one request for each organization: the longest part.
    Usage,
    Sending,
    ReadingBack,
}

/// Rows of a change file, or of whatever else is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub done: usize,
    pub total: usize,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgressState {
    pub phase: Phase,
    /// Rows while a file is applied, else requests.
    pub rows: Rows,
    /// Requests that are still to come, as far as it is known.
    pub requests_left: usize,
}

/// Shared by those who work and the one who watches.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<ProgressState>);

impl Progress {
    /// A phase of so many requests begins.
    pub(crate) fn begin(&self, phase: Phase, requests: usize) {
        self.set_phase(phase, Rows { done: 0, total: requests }, requests);
    }

    /// One more request of the phase is done.
    pub(crate) fn step(&self) {
        let mut shown = self.lock();
        shown.rows.done += 1;
        shown.requests_left = shown.requests_left.saturating_sub(1);
    }

    pub(crate) fn set_phase(&self, phase: Phase, rows: Rows, requests_left: usize) {
        *self.lock() = ProgressState { phase, rows, requests_left };
    }

    pub(crate) fn shown(&self) -> ProgressState {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, ProgressState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long so many requests will take, where each takes so long and the rate limit leaves this allowance.
pub(crate) fn time_to_go(requests: usize, each: Duration, allowance: &Allowance) -> Duration {
    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
    let working = each.saturating_mul(requests);
    let waiting = match requests.checked_sub(allowance.sendable_now) {
        None | Some(0) => allowance.wait,
        Some(later) => {
            let each_window = allowance.each_window.max(1);
            let (windows, rest) = (later / each_window, later % each_window);
            // Most of a window goes at once; the last third of it is spread until its end.
            let last = if rest > each_window - each_window / 3 { WINDOW } else { each.saturating_mul(rest) };
            allowance.window_ends_in + WINDOW.saturating_mul(windows) + last
        }
    };
    working.max(waiting)
}

#[cfg(test)]
mod tests;
