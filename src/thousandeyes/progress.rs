//! What long work is at, for whoever watches: set by those who do it, read by the bar on a terminal. And, pure, how long
//! what is left of it will take.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::thousandeyes::Room;

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
    pub of: usize,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub phase: Phase,
    /// Rows while a file is applied, else requests.
    pub rows: Rows,
    /// Requests that are still to come, as far as it is known.
    pub requests_left: usize,
}

/// Shared by those who work and the one who watches.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Shown>);

impl Progress {
    /// A phase of so many requests begins.
    pub(crate) fn begin(&self, phase: Phase, requests: usize) {
        self.at(phase, Rows { done: 0, of: requests }, requests);
    }

    /// One more request of the phase is done.
    pub(crate) fn step(&self) {
        let mut shown = self.lock();
        shown.rows.done += 1;
        shown.requests_left = shown.requests_left.saturating_sub(1);
    }

    pub(crate) fn at(&self, phase: Phase, rows: Rows, requests_left: usize) {
        *self.lock() = Shown { phase, rows, requests_left };
    }

    pub(crate) fn shown(&self) -> Shown {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long so many requests will take, where each takes so long and the rate limit leaves this much room.
pub(crate) fn time_to_go(requests: usize, each: Duration, room: &Room) -> Duration {
    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
    let working = each.saturating_mul(requests);
    let waiting = match requests.checked_sub(room.now) {
        None | Some(0) => room.wait,
        Some(later) => {
            let each_window = room.each_window.max(1);
            let (windows, rest) = (later / each_window, later % each_window);
            // Most of a window goes at once; the last third of it is spread until its end.
            let last = if rest > each_window - each_window / 3 { WINDOW } else { each.saturating_mul(rest) };
            room.window_ends_in + WINDOW.saturating_mul(windows) + last
        }
    };
    working.max(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn room(now: u32, window_ends_in: u64) -> Room {
        let window_ends_in = Duration::from_secs(window_ends_in);
        Room { sent: 0, now, each_window: 180, window_ends_in, wait: Duration::ZERO }
    }

    fn seconds(requests: usize, each_ms: u64, room: &Room) -> u64 {
        time_to_go(requests, Duration::from_millis(each_ms), room).as_secs()
    }

    #[test]
    fn what_the_window_has_room_for_takes_as_long_as_its_requests() {
        assert_eq!(seconds(0, 100, &room(180, 60)), 0);
        assert_eq!(seconds(100, 100, &room(180, 60)), 10);
        assert_eq!(seconds(180, 100, &room(180, 60)), 18);
    }

    #[test]
    fn what_it_has_no_room_for_waits_for_its_end_and_for_windows_after_it() {
        assert_eq!(seconds(270, 100, &room(180, 40)), 40 + 9, "half of the next window goes at once");
        assert_eq!(seconds(350, 100, &room(180, 40)), 40 + 60, "nearly all of it takes as long as it does");
        assert_eq!(seconds(400, 1, &room(0, 20)), 20 + 120, "400 organizations at 180 requests a minute");
    }

    #[test]
    fn slow_answers_take_longer_than_the_limit_would_let_them() {
        assert_eq!(seconds(270, 1_000, &room(180, 40)), 270);
    }

    #[test]
    fn a_pause_is_waited_out_by_a_single_request() {
        assert_eq!(seconds(1, 100, &Room { wait: Duration::from_secs(34), ..room(180, 60) }), 34);
    }

    #[test]
    fn each_step_leaves_one_request_less() {
        let progress = Progress::default();
        progress.begin(Phase::Usage, 2);
        progress.step();
        let shown = progress.shown();
        assert_eq!(
            (shown.phase, shown.rows, shown.requests_left),
            (Phase::Usage, Rows { done: 1, of: 2 }, 1)
        );
        progress.step();
        progress.step();
        assert_eq!(progress.shown().requests_left, 0, "an answer more than was expected");
    }
}
