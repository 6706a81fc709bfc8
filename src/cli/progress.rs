//! The bar of long work on a terminal: drawn on a timer below the log lines, and gone when the work is done.
//!
//! Log lines go through [`Log`], which takes the bar away while it writes: they never tear each other.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::MissedTickBehavior;

use crate::history::History;
use crate::report::words::{counted, number};
use crate::thousandeyes::progress::{Phase, Shown, time_to_go};
use crate::thousandeyes::{Budget, LazyClient, Room};

/// Nothing is drawn for work that is done sooner.
const AT_FIRST: Duration = Duration::from_millis(300);
const EACH: Duration = Duration::from_millis(100);

/// The bar's width.
const CELLS: usize = 8;

/// Before the first answers came, a request is taken to need this.
const ONE_REQUEST: Duration = Duration::from_millis(250);

/// Waits shorter than this are not worth a word: the budget spreads requests.
const WORTH_A_WORD: Duration = Duration::from_secs(5);

/// The bar that is on the terminal now.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);
static LOGS_INFO: OnceLock<bool> = OnceLock::new();

/// Does work, and shows on a terminal what it is at.
pub(super) async fn shown<T>(api: &LazyClient, work: impl Future<Output = T>) -> T {
    if !is_wanted() {
        return work.await;
    }
    let began = Instant::now();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + AT_FIRST, EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let _gone = Gone;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => draw(api, began),
        }
    }
}

/// Takes the bar away, however the work ends.
struct Gone;

impl Drop for Gone {
    fn drop(&mut self) {
        clear();
    }
}

/// Takes the bar away before something else is written.
pub(super) fn clear() {
    if let Some(bar) = lock().take() {
        bar.finish_and_clear();
    }
}

/// Shows on a terminal how many snapshots were read, until it is dropped. By a thread: who reads does nothing else.
pub(super) struct ReadingBar {
    /// Tells the thread to end.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(super) fn reading_bar(history: &History) -> Option<ReadingBar> {
    if !is_wanted() {
        return None;
    }
    let reads = Arc::clone(history.reads());
    let (alive, ended) = mpsc::channel();
    let draw = move || {
        let mut wait = AT_FIRST;
        while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            if let Some((done, of)) = reads.left() {
                say(bar("reading", "snapshots", done, of));
            }
            wait = EACH;
        }
    };
    Some(ReadingBar { alive: Some(alive), thread: Some(std::thread::spawn(draw)) })
}

impl Drop for ReadingBar {
    fn drop(&mut self) {
        self.alive.take();
        let _ = self.thread.take().map(JoinHandle::join);
        clear();
    }
}

/// Whether somebody sees a bar, and wants to know what goes on.
fn is_wanted() -> bool {
    io::stderr().is_terminal() && LOGS_INFO.get().copied().unwrap_or_default()
}

fn draw(api: &LazyClient, began: Instant) {
    let Ok(client) = api.get() else { return };
    let (shown, room) = (client.progress().shown(), client.room());
    if shown.phase == Phase::Starting {
        return;
    }
    say(line(&shown, &client.budget(), &room, began.elapsed()));
}

fn say(line: String) {
    let mut drawn = lock();
    let bar = drawn.get_or_insert_with(|| {
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is constant");
        ProgressBar::new(0).with_style(style)
    });
    bar.set_message(line);
}

fn lock() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `sending ━━━━╌╌╌╌ 5 000 of 10 000 rows · 12 s to go · 57 requests, 181 left`: what matters most comes first, because a
/// narrow terminal cuts the rest off.
fn line(shown: &Shown, budget: &Budget, room: &Room, took: Duration) -> String {
    let (done, of) = (shown.rows.done.min(shown.rows.of), shown.rows.of);
    let mut text = match shown.phase {
        Phase::Starting => return String::new(),
        Phase::Quotas => bar("quotas", "requests", done, of),
        Phase::Usage => bar("usage", "organizations", done, of),
        Phase::Sending => bar("sending", "rows", done, of),
        Phase::ReadingBack => bar("reading back", "rows", done, of),
    };
    let sent = u32::try_from(room.sent).unwrap_or(u32::MAX);
    let each = if sent < 3 { ONE_REQUEST } else { (took / sent).min(ONE_REQUEST) };
    let left = time_to_go(shown.requests_left, each, room);
    if left >= Duration::from_secs(1) {
        text += &format!(" · {} to go", rounded(left));
    }
    text += &format!(" · {}", counted(usize::try_from(room.sent).unwrap_or(usize::MAX), "request"));
    if let Some(left) = budget.remaining {
        text += &format!(", {left} left");
    }
    if room.wait >= WORTH_A_WORD {
        text += &format!(", waits {}", rounded(room.wait));
    }
    text
}

/// `quotas ━━━━╌╌╌╌ 1 of 2 requests`.
fn bar(phase: &str, things: &str, done: usize, of: usize) -> String {
    let full = (done * CELLS).checked_div(of).unwrap_or(CELLS);
    let (full, rest) = ("━".repeat(full), "╌".repeat(CELLS - full));
    format!("{phase} {full}{rest} {} of {} {things}", number(done), number(of))
}

/// To the second below two minutes, else to the minute.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

/// Standard error for the log. Each line comes whole.
pub(super) struct Log;

impl Log {
    /// Whether there is a bar at all is decided by whether people want to see what goes on.
    pub(super) fn with_info(info: bool) {
        let _ = LOGS_INFO.set(info);
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().write(line);
        match &*lock() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thousandeyes::progress::Rows;

    fn room(wait: u64) -> Room {
        Room {
            sent: 14,
            now: 100,
            each_window: 180,
            window_ends_in: Duration::from_secs(34),
            wait: Duration::from_secs(wait),
        }
    }

    #[test]
    fn a_line_says_rows_requests_the_budget_and_the_time_to_go() {
        let shown =
            Shown { phase: Phase::Sending, rows: Rows { done: 4_250, of: 10_000 }, requests_left: 460 };
        let budget = Budget { limit: Some(240), remaining: Some(160), refusals: 0 };
        assert_eq!(
            line(&shown, &budget, &room(0), Duration::from_secs(1)),
            "sending ━━━╌╌╌╌╌ 4 250 of 10 000 rows · 3 min to go · 14 requests, 160 left"
        );
        let shown = Shown { phase: Phase::Usage, rows: Rows { done: 12, of: 400 }, requests_left: 8 };
        assert_eq!(
            line(&shown, &Budget::default(), &room(33), Duration::from_secs(1)),
            "usage ╌╌╌╌╌╌╌╌ 12 of 400 organizations · 33 s to go · 14 requests, waits 33 s"
        );
    }

    #[test]
    fn a_bar_is_as_full_as_what_is_done() {
        assert_eq!(bar("reading", "snapshots", 0, 31), "reading ╌╌╌╌╌╌╌╌ 0 of 31 snapshots");
        assert_eq!(bar("reading", "snapshots", 30, 31), "reading ━━━━━━━╌ 30 of 31 snapshots");
        assert_eq!(bar("reading", "snapshots", 1200, 1200), "reading ━━━━━━━━ 1 200 of 1 200 snapshots");
    }

    #[test]
    fn durations_are_shown_the_way_people_read_them() {
        let rounded = |ms| rounded(Duration::from_millis(ms));
        assert_eq!(
            [rounded(1_000), rounded(1_001), rounded(119_000), rounded(120_001), rounded(600_000)],
            ["1 s", "2 s", "119 s", "3 min", "10 min"]
        );
    }
}
