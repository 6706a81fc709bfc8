//! Standard error as a log that keeps no work waiting. Where its reader has stopped (a log shipper that hangs), a write would wait for
//! ever, and with it every job and the end of the process. Lines that nobody takes are counted, and the log says so once somebody
//! reads again.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::progress::Log;

/// So much fits without waiting where something fits at all: a page of a pipe, and less than a socket has left.
const PIECE: usize = 4096;
/// A reader that is only slow has so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many lines were lost since one was last taken.
static LOST: Mutex<u64> = Mutex::new(0);

/// Writes a line, or counts it. `notice` says that so many were lost.
pub(super) fn write(line: &str, notice: impl FnOnce(u64) -> String) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    let patience = if *lost == 0 { PATIENCE } else { Duration::ZERO };
    if *lost > 0 && is_taken(Duration::ZERO) {
        // The last of what was written may have been a part of a line.
        send(&format!("\n{}", notice(*lost)), Duration::ZERO);
        *lost = 0;
    }
    if !send(line, patience) {
        *lost += 1;
    }
}

/// Whether all of it was written. No work fails for its log: a full disk or a closed terminal is not its fault.
fn send(text: &str, patience: Duration) -> bool {
    text.as_bytes().chunks(PIECE).all(|piece| {
        let is_taken = is_taken(patience);
        if is_taken {
            let _ = Log.write_all(piece);
        }
        is_taken
    })
}

/// Whether standard error takes something now, or in this time. A file always does, and a stream that is closed says so itself.
fn is_taken(patience: Duration) -> bool {
    let stderr = std::io::stderr();
    let Ok(timeout) = Timespec::try_from(patience) else { return true };
    match poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&timeout)) {
        Ok(ready) => ready > 0,
        Err(_) => true,
    }
}
