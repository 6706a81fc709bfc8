//! Starts the runtime where the system lets the program have what it needs: where it does not, the runtime would panic instead of
//! saying so, or wait for ever for a thread that was never started.

use std::io;
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, available_parallelism, scope};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Pairs of connections that are opened to try it. A command opens fewer files at once.
const PAIRS: usize = 8;

/// Threads beside those of the runtime, of which it has one for each core: the daemon watches two folders, and reads while it answers.
const MORE_THREADS: usize = 4;

/// Far longer than a process lives.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The runtime, or an error that says what to do.
pub(super) fn start_runtime() -> anyhow::Result<Runtime> {
    ensure_some()?;
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(FOR_EVER).build()?;
    // What would keep others waiting has a thread of its own from now on. Where the system allows no further one later, that work waits
    // for this one; were there none, tokio would panic, and with it whoever asked: pages, metrics and heartbeats would stay as they were.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

fn ensure_some() -> anyhow::Result<()> {
    let pairs: io::Result<Vec<_>> = (0..PAIRS).map(|_| UnixStream::pair()).collect();
    pairs.map(drop).map_err(|error| {
        anyhow::anyhow!("{error}: allow it to open at least 64 files (`ulimit -n`, systemd's LimitNOFILE)")
    })?;
    let threads = available_parallelism().map_or(1, NonZero::get) + MORE_THREADS;
    start_together(threads).map_err(|error| {
        let tasks = threads + 1;
        anyhow::anyhow!(
            "not enough threads can be started ({error}): allow at least {tasks} for this program (`ulimit -u` counts all of the user's, systemd's \
             TasksMax those of the service, and a container has a limit of its own)"
        )
    })
}

/// Starts so many threads that live at the same time, and ends them.
fn start_together(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    let pass = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
    scope(|scope| {
        let _closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        (0..count).try_for_each(|_| thread::Builder::new().spawn_scoped(scope, pass).map(drop))
    })
}
