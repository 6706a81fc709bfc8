//! How files and folders are opened to be read, wherever that is done.

use rustix::fs::OFlags;

pub(super) fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// Without following a link, and without waiting: the other end of a FIFO may never come.
pub(super) fn file_flags() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW
}
