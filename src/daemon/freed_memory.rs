//! What the daemon frees goes back to the system: one snapshot of a million targets should not be paid for in memory for months.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// The limits of the GNU C library above which it gives back what is free, see mallopt(3). Unless one is set, it raises both to the
/// largest block that was ever freed.
const LIMITS: [&str; 2] = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];

/// Where the library itself begins.
const BYTES: &str = "131072";

/// Starts this program once more in the same process with fixed limits, because they are read before `main`. Returns where somebody has
/// set one, where another C library is used, and where the program cannot be started again.
pub(crate) fn fix_limits() {
    if !cfg!(target_env = "gnu") || LIMITS.iter().any(|limit| std::env::var_os(limit).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = Command::new(program);
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).envs(LIMITS.map(|limit| (limit, BYTES))).exec();
    tracing::debug!(%error, "freed memory may be kept: the program could not be started again with limits");
}
