//! Opens a file through links that stay within a folder, as a mounted `ConfigMap` has them (`a.csv` → `..data/a.csv` →
//! `..2026_11_26/a.csv`), and through none that leads out of it.
//!
//! Each part of the way is opened by itself without following links, and a link is read and walked from where it lies. So it
//! is the same on every kernel and sandbox (`openat2` is missing in some), whatever is exchanged meanwhile.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{self, FileType, Mode};
use rustix::io::Errno;

use super::flags::{file_flags, folder_flags};

/// The kernel's own bound.
const MOST_LINKS: usize = 40;

/// Fails with `XDEV` where the way leads out of the folder, as `openat2` does.
pub(super) fn open(folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    // The folders between the first one and where the walk is, so that `..` leads to none that is above it.
    let mut within: Vec<OwnedFd> = Vec::new();
    let mut ahead = parts(name.as_bytes());
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        let here = within.last().unwrap_or(folder).as_fd();
        if part == ".." {
            within.pop().ok_or(Errno::XDEV)?;
            continue;
        }
        let stat = fs::statat(here, &part, fs::AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                links += 1;
                let target = fs::readlinkat(here, &part, Vec::new())?;
                if links > MOST_LINKS || is_absolute(&target) {
                    return Err(if links > MOST_LINKS { Errno::LOOP } else { Errno::XDEV });
                }
                ahead.extend(parts(target.to_bytes()));
            }
            FileType::Directory => {
                within.push(fs::openat(here, &part, folder_flags() | fs::OFlags::NOFOLLOW, Mode::empty())?);
            }
            _ if ahead.is_empty() => return fs::openat(here, &part, file_flags(), Mode::empty()),
            _ => return Err(Errno::NOTDIR),
        }
    }
    within.pop().ok_or(Errno::XDEV) // a folder, which its opener refuses
}

fn is_absolute(target: &CString) -> bool {
    target.to_bytes().first() == Some(&b'/')
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> Vec<OsString> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(|part| OsStr::from_bytes(part).to_owned()).collect()
}
