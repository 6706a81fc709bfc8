//! What signals do to a process that works: some stop it, SIGHUP is the daemon's to answer, and the rest ends nothing.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit_code::Exit;
use crate::report::LARGER_FILES;

/// Why a process ended before its work did.
pub(super) const STOPPED: &str = "stopped by a signal; the next start continues the work";

/// A process that is asked to stop has ended after this, whatever it is doing.
const LONGEST_STOP: Duration = Duration::from_secs(9);

/// SIGTERM and SIGINT cancel; so does SIGHUP where there is no daemon that answers it: the terminal is gone. The second
/// one, or work that does not come to a point where it could stop, ends the process at once: what is on disk is whole at any
/// moment.
pub(super) fn cancel_on_signals(cancel: &CancellationToken, is_daemon: bool) -> anyhow::Result<()> {
    let mut stops = vec![signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    // Whoever started this with `nohup` wants it to go on.
    if !is_daemon && !is_ignored(SignalKind::hangup()) {
        stops.push(signal(SignalKind::hangup())?);
    }
    if is_daemon {
        drop(signal(SignalKind::hangup())?); // one that comes before the daemon answers it ends nothing
    }
    let at_once = if is_daemon { Exit::Done } else { Exit::Failed };
    let cancel = cancel.clone();
    tokio::spawn(async move {
        next_signal(&mut stops).await;
        cancel.cancel();
        tracing::info!("stopping");
        let _ = tokio::time::timeout(LONGEST_STOP, next_signal(&mut stops)).await;
        tracing::warn!("{STOPPED}");
        std::process::exit(i32::from(at_once as u8));
    });
    // A file beyond the limit of its size (`ulimit -f`) is then an error that says so, as a full disk is.
    let too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    tokio::spawn(pass_over("SIGXFSZ", LARGER_FILES, too_large));
    for (name, kind) in [("SIGUSR1", SignalKind::user_defined1()), ("SIGUSR2", SignalKind::user_defined2())] {
        tokio::spawn(pass_over(name, "SIGHUP reloads the configuration, SIGTERM stops", signal(kind)?));
    }
    Ok(())
}

/// Tools that rotate logs or reload services send these to whatever they find: by itself the system would end the process.
async fn pass_over(name: &'static str, hint: &'static str, mut signals: Signal) {
    let mut hint = Some(hint);
    while signals.recv().await.is_some() {
        if let Some(hint) = hint.take() {
            tracing::warn!(signal = name, hint, "this signal is ignored");
        }
    }
}

/// The next of these signals.
async fn next_signal(signals: &mut [Signal]) {
    let next = std::future::poll_fn(|context| {
        let arrived = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if arrived { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    next.await;
}

/// Whether this process was started with a signal ignored; no where the system does not say so.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
