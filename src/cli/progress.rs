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
use crate::thousandeyes::progress::{Phase, ProgressState, time_to_go};
use crate::thousandeyes::{Allowance, Budget, LazyClient};

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
pub(super) async fn with_progress<T>(api: &LazyClient, work: impl Future<Output = T>) -> T {
    if !is_wanted() {
        return work.await;
    }
    let began = Instant::now();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + AT_FIRST, EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let _gone = ClearOnDrop;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => draw(api, began),
        }
    }
}

/// Takes the bar away, however the work ends.
struct ClearOnDrop;

impl Drop for ClearOnDrop {
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
            if let Some((done, of)) = reads.progress() {
                show_line(bar("reading", "snapshots", done, of));
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
    let (shown, allowance) = (client.progress().shown(), client.allowance());
    if shown.phase == Phase::Starting {
        return;
    }
    show_line(line(&shown, &client.budget(), &allowance, began.elapsed()));
}

fn show_line(line: String) {
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
fn line(shown: &ProgressState, budget: &Budget, allowance: &Allowance, took: Duration) -> String {
    let (done, of) = (shown.rows.done.min(shown.rows.total), shown.rows.total);
    let mut text = match shown.phase {
        Phase::Starting => return String::new(),
        Phase::Quotas => bar("quotas", "requests", done, of),
        Phase::Usage => bar("usage", "organizations", done, of),
        Phase::Sending => bar("sending", "rows", done, of),
        Phase::ReadingBack => bar("reading back", "rows", done, of),
    };
    let sent = u32::try_from(allowance.sent).unwrap_or(u32::MAX);
    let each = if sent < 3 { ONE_REQUEST } else { (took / sent).min(ONE_REQUEST) };
    let left = time_to_go(shown.requests_left, each, allowance);
    if left >= Duration::from_secs(1) {
        text += &format!(" · {} to go", rounded(left));
    }
    text += &format!(" · {}", counted(usize::try_from(allowance.sent).unwrap_or(usize::MAX), "request"));
    if let Some(left) = budget.remaining {
        text += &format!(", {left} left");
    }
    if allowance.wait >= WORTH_A_WORD {
        text += &format!(", waits {}", rounded(allowance.wait));
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
mod tests;
