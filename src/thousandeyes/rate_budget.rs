//! The rate budget: from what the server said and what was sent follows how long to wait before the next request.
//!
//! One budget serves the whole process. The organization's limit is shared with everybody else there, so a part of
//! each window is left to them: requests run freely while much is left, are spread over the rest of the window when
//! it gets less, and stop at the reserve until the next window. Time is a `Duration` since the client began, and
//! moments of the server are durations from its own `Date`, so that no clock is read here.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::Limits;
use super::retry::LONGEST_WAIT;

const MINUTE: Duration = Duration::from_secs(60);

/// Two answers that place a window's end this close mean the same window: headers count in whole seconds.
const SAME_WINDOW: Duration = Duration::from_secs(2);

/// The budget as it stands, for `status` and logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests that the organization has in each window, if the server said so.
    pub limit: Option<u32>,
    /// The lowest remainder seen in the current window, less what was sent since; none before the first answer.
    pub remaining: Option<u32>,
    /// How often the server refused a request for its rate (429).
    pub refusals: u64,
}

/// What may be sent, and when: it turns what is left to do into time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Requests sent so far, refused ones too.
    pub sent: u64,
    /// Requests that may still go in this window.
    pub sendable_now: u32,
    /// Requests that may go in each window after it.
    pub each_window: u32,
    /// The time that is left of this window.
    pub window_ends_in: Duration,
    /// How long to wait before the next request.
    pub wait: Duration,
}

/// What is known of the server's current window.
#[derive(Debug)]
struct Window {
    ends: Duration,
    /// Lowered by each request and by each lower `Remaining`; a higher one is an older answer and changes nothing.
    remaining: u32,
    sent: u32,
    /// Whether an answer placed this window, or it is only assumed.
    is_confirmed: bool,
}

/// The state of the budget. `now` must not go backwards.
#[derive(Debug)]
pub(super) struct RateBudget {
    requests_per_minute: u32,
    reserve_percent: u8,
    limit: Option<u32>,
    window: Window,
    paused_until: Duration,
    /// When the requests of the last minute left, oldest first.
    sent: VecDeque<Duration>,
    refusals: u64,
    total: u64,
}

impl RateBudget {
    /// A fresh budget: the organization's limit is taken to be our own until an answer says otherwise.
    pub(super) fn new(requests_per_minute: u32, reserve_percent: u8) -> Self {
        let requests_per_minute = requests_per_minute.max(1);
        Self {
            requests_per_minute,
            reserve_percent: reserve_percent.min(100),
            limit: None,
            window: Window { ends: MINUTE, remaining: requests_per_minute, sent: 0, is_confirmed: false },
            paused_until: Duration::ZERO,
            sent: VecDeque::new(),
            refusals: 0,
            total: 0,
        }
    }

    /// Lets a request go now and counts it, if this is zero; else it has to wait so long and ask again.
    pub(super) fn take_or_wait(&mut self, now: Duration) -> Duration {
        let wait = self.delay(now);
        if wait.is_zero() {
            self.sent.push_back(now);
            self.window.remaining = self.window.remaining.saturating_sub(1);
            self.window.sent += 1;
            self.total += 1;
        }
        wait
    }

    fn delay(&mut self, now: Duration) -> Duration {
        if now >= self.window.ends {
            self.window =
                Window { ends: now + MINUTE, remaining: self.limit(), sent: 0, is_confirmed: false };
        }
        while self.sent.front().is_some_and(|sent| *sent + MINUTE <= now) {
            self.sent.pop_front();
        }
        let own = self.sent.len().checked_sub(self.requests_per_minute as usize);
        let own = own.map_or(Duration::ZERO, |oldest| self.sent[oldest] + MINUTE);
        own.max(self.paused_until).max(self.shared_slot()).saturating_sub(now)
    }

    /// When the server's window has room for one more request of ours.
    fn shared_slot(&self) -> Duration {
        let (limit, reserve) = (self.limit(), self.reserve());
        let usable = self.window.remaining.saturating_sub(reserve);
        if usable == 0 {
            self.window.ends
        } else if usable > (limit - reserve) / 3 {
            Duration::ZERO
        } else {
            let last = self.sent.back().copied().unwrap_or_default();
            last + self.window.ends.saturating_sub(last) / (usable + 1)
        }
    }

    /// The part of a window that is left to others.
    fn reserve(&self) -> u32 {
        let limit = self.limit();
        // A limit so small that the reserve would be all of it still has one request for us.
        let reserve = u64::from(limit) * u64::from(self.reserve_percent) / 100;
        u32::try_from(reserve).unwrap_or(limit).min(limit - 1)
    }

    /// An answer came, with these headers.
    pub(super) fn observe(&mut self, now: Duration, limits: &Limits) {
        self.limit = limits.limit.or(self.limit);
        let Some(remaining) = limits.remaining else { return };
        // A reset farther off than any window is garbage, and as good as none.
        let ends = limits.reset_in.filter(|reset| *reset <= LONGEST_WAIT).map(|reset| now + reset);
        match ends {
            Some(ends) if !self.window.is_confirmed => {
                // Our requests still on their way are not in the server's count yet.
                let own = self.limit().saturating_sub(self.window.sent);
                self.window =
                    Window { ends, remaining: remaining.min(own), is_confirmed: true, ..self.window };
            }
            Some(ends) if ends > self.window.ends + SAME_WINDOW => {
                self.window = Window { ends, remaining, sent: 0, is_confirmed: true };
            }
            _ => self.window.remaining = self.window.remaining.min(remaining),
        }
    }

    /// A 429: nobody sends anything for this long, then a new window is assumed.
    pub(super) fn on_refused(&mut self, now: Duration, wait: Duration) {
        self.refusals += 1;
        self.paused_until = self.paused_until.max(now + wait);
        self.window = Window { ends: self.paused_until, remaining: 0, sent: 0, is_confirmed: true };
    }

    /// The budget for people.
    pub(super) fn budget(&self) -> Budget {
        Budget {
            limit: self.limit,
            remaining: self.window.is_confirmed.then_some(self.window.remaining),
            refusals: self.refusals,
        }
    }

    /// What may be sent, and when.
    pub(super) fn allowance(&self, now: Duration) -> Allowance {
        let each_window = (self.limit() - self.reserve()).min(self.requests_per_minute);
        let over = now >= self.window.ends;
        Allowance {
            sent: self.total,
            sendable_now: if over {
                each_window
            } else {
                self.window.remaining.saturating_sub(self.reserve()).min(each_window)
            },
            each_window,
            window_ends_in: if over { MINUTE } else { self.window.ends.saturating_sub(now) },
            wait: self.paused_until.max(if over { now } else { self.shared_slot() }).saturating_sub(now),
        }
    }

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(self.requests_per_minute)
    }
}

#[cfg(test)]
mod tests;
