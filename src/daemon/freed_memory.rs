//! What the daemon frees goes back to the system: one snapshot of a million targets should not be paid for in memory for months.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The limits of the GNU C library above which it gives back what is free, see mallopt(3). Unless one is set, it raises both to the
/// largest block that was ever freed.
const LIMITS: [&str; 2] = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];

/// Where the library itself begins.
const BYTES: &str = "131072";

/// Starts this program once more in the same process with fixed limits, because they are read before `main`. Returns where somebody has
/// set one, where another C library is used, and where the program cannot be started again, or was started through another one.
pub(crate) fn fix_limits() {
    if !cfg!(target_env = "gnu") || LIMITS.iter().any(|limit| std::env::var_os(limit).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let Some(name) = arguments.next().filter(|name| is_named(&program, name)) else { return };
    let error =
        Command::new(program).arg0(name).args(arguments).envs(LIMITS.map(|limit| (limit, BYTES))).exec();
    tracing::debug!(%error, "freed memory may be kept: the program could not be started again with limits");
}

/// Whether this is the program of that name. Started as `ld-linux-x86-64.so.2 ./quotakeeper`, the program is the loader, which would take
/// the first argument for the program to load.
fn is_named(program: &Path, name: &OsStr) -> bool {
    program.file_name() == Path::new(name).file_name()
}

#[cfg(test)]
mod tests;
