//! A named pipe, made without another program: no test of the library starts one, because between `fork` and `exec` a child
//! holds what any other test is just writing, and a file that somebody writes is not taken from the inbox.

use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Makes a named pipe that nobody writes to.
pub(crate) fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
