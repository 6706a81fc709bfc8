//! Whether a file system takes no writes at all: what the kernel makes of one whose disk failed, while programs go on.
//!
//! A mount that is read-only only where one looks is not meant: that of the daemon may be writable.

use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

/// Whether the file system of a folder is read-only for everybody; false where that is not known.
pub(crate) fn is_read_only(folder: &Path) -> bool {
    let Ok(found) = statx(CWD, folder, AtFlags::empty(), StatxFlags::MNT_ID) else { return false };
    let mounts = fs_err::read_to_string("/proc/self/mountinfo");
    mounts.is_ok_and(|mounts| has_read_only(&mounts, found.stx_mnt_id))
}

/// The last field of a mount has the options of its file system, the sixth those of the mount itself.
fn has_read_only(mounts: &str, id: u64) -> bool {
    let is_of_mount = |line: &&str| line.split(' ').next().and_then(|id| id.parse().ok()) == Some(id);
    let options = mounts.lines().filter(is_of_mount).filter_map(|line| line.rsplit(' ').next());
    options.flat_map(|options| options.split(',')).any(|option| matches!(option, "ro" | "emergency_ro"))
}

#[cfg(test)]
mod tests;
